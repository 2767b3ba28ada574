"""The events of a run: every fact of it, one typed and frozen record each.

`seq` is the order of writing and differs between runs of one thing; `id` and `parent` are logical
(`run/step-3/propose`) and are what two runs are compared by.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from treeact.trace.usage import Usage

SCHEMA_VERSION = 1

StopReason = Literal[
    "answered",
    "step limit",
    "budget",
    "time limit",
    "context full",
    "search exhausted",
    "invalid answer",
    "cancelled",
    "model failure",
    "sandbox failure",
    "trace failure",
]
"""Why a run stopped. Each is its own reason, because each has its own remedy."""


Command = Literal["approve", "edit", "reject", "send", "interrupt", "limit", "cancel"]
"""What a run can be told while it goes on."""


Divergent = Literal["prompt", "calls", "output", "error", "files", "observation"]
"""What can come out differently when a recorded step is taken again."""


class Blob(BaseModel):
    """A big value kept beside the log, under the hash of its bytes."""

    model_config = ConfigDict(frozen=True)

    blob: str
    """SHA-256 of the bytes, in hexadecimal; the file's name in `blobs/`."""
    size: int
    """Bytes."""
    media_type: str = "text/plain"
    head: str = ""
    """The first characters of a text, for displays that do not open the blob."""


Text = str | Blob
"""A text in place, or a reference to one that is too big for the log."""


class Event(BaseModel):
    """The envelope that every event has. `seq` and `time` are set by the log."""

    # a cost may be infinite, which JSON has no number for
    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    v: int = SCHEMA_VERSION
    seq: int = -1
    time: float = 0.0
    """Seconds since the epoch."""
    id: str
    """Logical id of what happened, such as `run/step-3/propose`."""
    parent: str | None = None


class RunStarted(Event):
    """A run began."""

    type: Literal["run_started"] = "run_started"
    question: Text
    files: tuple[str, ...] = ()
    agent: str
    model: str
    planner: str
    sandbox: str
    """The kind asked for; `sandbox_started` says which one it became."""
    settings: dict[str, Any] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)


class SandboxStarted(Event):
    """A sandbox is ready; `restarted` says why, when it replaces one that died."""

    type: Literal["sandbox_started"] = "sandbox_started"
    kind: str
    duration: float
    restarted: str | None = None


class PromptMessage(BaseModel):
    """One message of a prompt, with its pictures as blobs."""

    model_config = ConfigDict(frozen=True)

    role: str
    content: Text
    images: tuple[Blob, ...] = ()


class Prompt(BaseModel):
    """The messages of a call, told as those of an earlier call and what was added.

    A log that repeated the history at each call would grow with its square.
    """

    model_config = ConfigDict(frozen=True)

    base: int | None = None
    """`seq` of the call whose prompt this one extends."""
    keep: int = 0
    """How many of that prompt's messages come first here."""
    added: tuple[PromptMessage, ...] = ()


class ModelCalled(Event):
    """A model answered."""

    type: Literal["model_called"] = "model_called"
    role: str
    """Who asked, such as `agent`."""
    phase: str
    """What for, such as `act` or `final answer`."""
    model: str
    """Who answered, by their own name."""
    requested: str = ""
    """The name under which the model was asked for; empty in traces that do not say."""
    author: str
    """`model`, `hand` for a person, `script` for code; a replayed reply keeps its first author."""
    prompt: Prompt
    replies: tuple[Text, ...]
    finish_reasons: tuple[str, ...]
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False
    parts: dict[str, int] = Field(default_factory=dict)
    """Input tokens by part of the prompt, in proportion to length: system, tools, task, history,
    observation."""
    cost: float | None
    """Dollars; null when the price is not known."""
    latency: float
    retries: int = 0

    @property
    def usage(self) -> Usage:
        """The tokens, as the ledger counts them."""
        return Usage(
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            cached_tokens=self.cached_tokens,
            cache_write_tokens=self.cache_write_tokens,
            reasoning_tokens=self.reasoning_tokens,
            estimated=self.estimated,
        )


class ModelRetried(Event):
    """An attempt at a model call failed and another will follow."""

    type: Literal["model_retried"] = "model_retried"
    problem: str
    wait: float
    """Seconds until the next attempt."""


class Proposed(Event):
    """A reply was read: the thought, and the action it holds."""

    type: Literal["proposed"] = "proposed"
    thought: Text = ""
    action: Literal["code", "call", "answer", "none", "sketch"]
    text: Text = ""
    """The code, the call, the answer; nothing when the reply holds no action."""
    problem: str | None = None
    """Name of the reply's defect, when it holds no action."""
    repairs: tuple[str, ...] = ()
    reply: Text = ""
    """The reply word for word, where no model call of this run holds it: the step was taken in an
    earlier run."""


class ToolCalled(Event):
    """Code, or a JSON-calling agent, called a tool."""

    type: Literal["tool_called"] = "tool_called"
    tool: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = Field(default_factory=dict)
    status: str
    result: Text | None = None
    error: str | None = None
    duration: float = 0.0
    files: dict[str, Blob] = Field(default_factory=dict)
    """Files that the call brought into the working folder."""


class CodeRun(Event):
    """Code ran in a branch."""

    type: Literal["code_run"] = "code_run"
    outcome: str
    stdout: Text = ""
    stderr: Text = ""
    value: Text | None = None
    error: str | None = None
    """`Type: message` of the exception."""
    files: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()
    """Bytes of each of `files`."""
    images: tuple[Blob, ...] = ()
    duration: float
    cpu_seconds: float = 0.0
    memory: int = 0
    rolled_back: bool = False
    notes: tuple[str, ...] = ()


class Observed(Event):
    """What the agent was told about its action."""

    type: Literal["observed"] = "observed"
    text: Text
    ok: bool


class NodeAdded(Event):
    """A search has a new node: an action, and what came of it where it was carried out."""

    type: Literal["node_added"] = "node_added"
    action: Literal["code", "call", "answer", "none", "sketch"]
    text: Text
    calls: tuple[str, ...] = ()
    """The tools that the action calls."""
    thought: Text = ""
    votes: int = 1
    """How many samples, or plans, propose the action here."""
    carried_out: bool = True
    ok: bool = True
    observation: Text = ""
    answer: str | None = None
    g: float = 0.0
    h: float = 0.0


class NodeObserved(Event):
    """The action of a node that was only planned is carried out."""

    type: Literal["node_observed"] = "node_observed"
    ok: bool
    text: Text
    answer: str | None = None


class NodeExpanded(Event):
    """A search asks for actions from a node."""

    type: Literal["node_expanded"] = "node_expanded"
    order: int
    """Which expansion of the search this is, from 1."""
    samples: int


class NodePruned(Event):
    """A search gives a node up."""

    type: Literal["node_pruned"] = "node_pruned"
    reason: str


class NodeScored(Event):
    """A scorer says how good a node looks."""

    type: Literal["node_scored"] = "node_scored"
    score: float
    reason: str = ""


class ValueBackedUp(Event):
    """A value counts for a node and for all above it."""

    type: Literal["value_backed_up"] = "value_backed_up"
    value: float


class SteppedBack(Event):
    """A search is back at a node, in the state of that node."""

    type: Literal["stepped_back"] = "stepped_back"
    undone: str
    """The child whose path was undone."""


class NodeChosen(Event):
    """A search ends with the path to this node."""

    type: Literal["node_chosen"] = "node_chosen"


class PlanChecked(Event):
    """A plan in pseudo-code was checked; one with findings is not run."""

    type: Literal["plan_checked"] = "plan_checked"
    steps: int
    findings: tuple[str, ...] = ()
    """Where, what and the remedy, one line each."""


class PlanStepStarted(Event):
    """A step of a plan that calls roles or tools began; others end in no time."""

    type: Literal["plan_step_started"] = "plan_step_started"
    text: str
    """The step's first line."""


class PlanStepFinished(Event):
    """A step of a plan ended."""

    type: Literal["plan_step_finished"] = "plan_step_finished"
    ok: bool
    text: str
    """The variable it set, by value or by reference; or the feedback, when it failed."""


class Replanned(Event):
    """A patch replaces what was left of a plan; what was executed stays."""

    type: Literal["replanned"] = "replanned"
    executed: int
    """Steps that stay."""
    dropped: int
    """Steps that were left."""
    added: int
    """Steps of the patch."""


class PolicySwitched(Event):
    """A policy has done its part of a step, and another goes on."""

    type: Literal["policy_switched"] = "policy_switched"
    left: str
    """The policy that is done: plan, thought, code or review."""
    policy: str
    """The one that goes on; `done` is the end."""
    outcome: str
    """What decided that, such as `acted`, or the verdict of a review."""
    text: Text = ""
    """What the policy that is done came to: the plan, the thought, the reason of a verdict."""


class StepDropped(Event):
    """A step was taken out of the context; it stays in the trace."""

    type: Literal["step_dropped"] = "step_dropped"
    reason: str
    rolled_back: bool
    """Whether the state is as it was before the step."""


class BranchForked(Event):
    """The live state of code was copied, so that an action can be tried in the copy."""

    type: Literal["branch_forked"] = "branch_forked"
    branch: str
    """The sandbox's name of the copy."""
    of: str
    """The sandbox's name of the branch that was copied."""
    duration: float


class ContextCompacted(Event):
    """Older steps are shown shortened from here on, since the prompt had grown too long."""

    type: Literal["context_compacted"] = "context_compacted"
    steps: int
    """Steps that are shown shortened now."""
    before: int
    """Tokens of the prompt, estimated from its text."""
    after: int


class ApprovalRequested(Event):
    """The run waits for a yes."""

    type: Literal["approval_requested"] = "approval_requested"
    what: Literal["code", "call"]
    text: Text


class CommandReceived(Event):
    """A person or a program told the run something, and the run accepted it."""

    type: Literal["command_received"] = "command_received"
    command: Command
    text: str = ""


class ActionSaved(Event):
    """A function that the agent wrote entered its library."""

    type: Literal["action_saved"] = "action_saved"
    name: str
    version: int
    signature: Text
    status: str
    uses: tuple[str, ...] = ()
    """Names of the stored actions that it calls."""


class ActionVerified(Event):
    """A recorded call of an action was tried again in a fresh sandbox."""

    type: Literal["action_verified"] = "action_verified"
    name: str
    version: int
    ok: bool
    reason: str = ""
    """Why it did not give its result again."""


class ActionsRetrieved(Event):
    """Actions of the library were found for the agent."""

    type: Literal["actions_retrieved"] = "actions_retrieved"
    how: Literal["offered", "searched", "named"]
    """Shown in the prompt; found by the agent's own search; loaded as its code named them."""
    actions: tuple[str, ...]
    """Names and versions, such as `area v2`."""
    query: Text = ""


class Diverged(Event):
    """A step of an earlier run was taken again, and something of it is not as it was recorded."""

    type: Literal["diverged"] = "diverged"
    what: Divergent
    before: Text
    """Part of it as it was recorded, from the first line that differs."""
    now: Text


class Replayed(Event):
    """The steps of an earlier run are taken again; from here on the run is live."""

    type: Literal["replayed"] = "replayed"
    steps: int
    """Steps that were taken again."""
    recorded: int
    """Steps of the path that they are on."""
    divergences: int
    """How many `diverged` events there are."""

    @property
    def words(self) -> str:
        """The event in a line."""
        told = f"{self.divergences} not as recorded" if self.divergences else "all as recorded"
        return f"replayed {self.steps} of {self.recorded} steps: {told}"


class Noticed(Event):
    """Something worth saying that no other event says, such as where a replay departs."""

    type: Literal["noticed"] = "noticed"
    text: str


class AnswerRejected(Event):
    """An answer was given that is not of the type that the task asks for."""

    type: Literal["answer_rejected"] = "answer_rejected"
    answer: Text
    errors: tuple[str, ...]
    """Where and why, one line each."""


class Answered(Event):
    """An answer was given."""

    type: Literal["answered"] = "answered"
    answer: Text
    best_effort: bool = False
    """True for the last answer asked for after a limit was reached."""


class RunEnded(Event):
    """A run stopped. A log without it was cut off."""

    type: Literal["run_ended"] = "run_ended"
    reason: StopReason
    message: str = ""
    answer: Text | None = None
    steps: int
    calls: int
    input_tokens: int
    output_tokens: int
    estimated: bool = False
    cost: float
    """Dollars of the calls with a known price."""
    unpriced: int = 0
    """Calls without a known price; when above zero, `cost` is a lower bound."""
    duration: float


class BenchStarted(Event):
    """A benchmark began, or goes on: this is written once for each time."""

    type: Literal["bench_started"] = "bench_started"
    suite: str
    jobs: int
    """All that are to be done, one for each sample and epoch."""
    left: int
    """Those that were not done when it began."""


class TaskStarted(Event):
    """A sample is worked on."""

    type: Literal["task_started"] = "task_started"
    task: str
    epoch: int
    attempt: int
    """From 1; later ones go on from the record of the one before."""
    level: int | None = None


class TaskEnded(Event):
    """The work on a sample stopped; its own trace says how, and this is the summary."""

    type: Literal["task_ended"] = "task_ended"
    task: str
    epoch: int
    attempt: int
    state: str
    """`answered`, `stopped` at a limit, `errored` or `cancelled`."""
    reason: str
    message: str = ""
    answer: Text | None = None
    steps: int = 0
    tokens: int = 0
    cost: float = 0.0
    unpriced: int = 0
    duration: float = 0.0
    working: float = 0.0
    """Seconds without those of waiting for rate limits."""


class BenchEnded(Event):
    """A benchmark stopped, done or not."""

    type: Literal["bench_ended"] = "bench_ended"
    done: int
    left: int
    message: str = ""


class Unknown(Event):
    """An event of a type that this version does not know; its other fields are kept."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str


AnyEvent = Annotated[
    RunStarted
    | SandboxStarted
    | ModelCalled
    | ModelRetried
    | Proposed
    | ToolCalled
    | CodeRun
    | Observed
    | NodeAdded
    | NodeObserved
    | NodeExpanded
    | NodePruned
    | NodeScored
    | ValueBackedUp
    | SteppedBack
    | NodeChosen
    | PlanChecked
    | PlanStepStarted
    | PlanStepFinished
    | Replanned
    | PolicySwitched
    | StepDropped
    | BranchForked
    | ContextCompacted
    | ApprovalRequested
    | CommandReceived
    | ActionSaved
    | ActionVerified
    | ActionsRetrieved
    | Diverged
    | Replayed
    | Noticed
    | AnswerRejected
    | Answered
    | RunEnded
    | BenchStarted
    | TaskStarted
    | TaskEnded
    | BenchEnded,
    Field(discriminator="type"),
]

_known: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)
_TYPES = frozenset(
    kind.model_fields["type"].default for kind in Event.__subclasses__() if kind is not Unknown
)


def parse_event(data: dict[str, Any]) -> Event:
    """Return the event that `data` describes.

    Raises:
        ValueError: it is no event, or of a schema version newer than this.
    """
    version = data.get("v")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise ValueError(f"schema version {version} is newer than {SCHEMA_VERSION}")
    if data.get("type") in _TYPES:
        return _known.validate_python(data)
    return Unknown.model_validate(data)
