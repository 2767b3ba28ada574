"""What a run of plans has come to: typed variables, declarations, and what is left of the plan."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from treeact.planners.codified import nodes
from treeact.planners.codified.checker import Checked, Prior
from treeact.planners.codified.evaluate import Scope
from treeact.planners.codified.feedback import Feedback
from treeact.planners.codified.signatures import Callees
from treeact.planners.codified.types import Type, Value, type_of
from treeact.planners.codified.values import INLINE, adopt, show


@dataclass(kw_only=True)
class PlanState:
    """The one mutable thing of a codified run. What is executed is never changed any more."""

    callees: Callees = field(default_factory=dict)
    """The roles and tools that can be called, those that plans declared among them."""
    declared: dict[str, nodes.RoleDeclaration] = field(default_factory=dict)
    """The roles that plans declared."""
    types: dict[str, Type] = field(default_factory=dict)
    values: Scope = field(default_factory=Scope)
    records: Mapping[str, Mapping[str, Type]] = field(default_factory=dict)
    task: nodes.TaskDeclaration | None = None
    executed: list[nodes.Step] = field(default_factory=list)
    """The steps that were carried out, in the plans' order."""
    remaining: tuple[nodes.Step, ...] = ()
    """The suffix that a replanner replaces."""
    feedback: tuple[Feedback, ...] = ()
    """Why the last plan stopped, if it failed."""
    plans: int = 0
    """How many plans and patches were executed."""
    last: str = ""
    """Logical id of the last of them."""

    def set(self, name: str, value: Value, kind: Type | None = None) -> None:
        """Give a variable its value."""
        self.values[name] = adopt(value)
        self.types[name] = kind or self.types.get(name) or type_of(value)

    @property
    def prior(self) -> Prior:
        """What the next plan finds."""
        known = {name: kind for name, kind in self.types.items() if name in self.values}
        return Prior(variables=known, records=self.records, task=self.task)

    def accept(self, checked: Checked) -> None:
        """Take over the declarations of a plan that is going to be executed."""
        self.task = checked.task
        self.records = checked.records
        self.callees = checked.callees
        self.types.update(checked.types)
        self.declared.update((role.name, role) for role in checked.plan.roles)

    def variables(self, inline: int = INLINE, but: Collection[str] = ()) -> list[str]:
        """Return a line for each variable: its type, and its value or a reference to it.

        Args:
            inline: characters of a value up to which it is shown whole.
            but: variables that are left out.
        """
        return [
            f"{name}: {kind} = {show(self.values[name], inline, kind)}"
            for name, kind in self.types.items()  # in the plans' order, whichever was set first
            if name in self.values and name not in but
        ]
