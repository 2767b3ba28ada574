"""The events of a trace as a tree of what belongs to what; only what is opened is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from rich.text import Text as Rich
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from treeact.printable import printable
from treeact.trace.index import Entry
from treeact.tui.views.timeline import step_of
from treeact.tui.views.trace import Item, TraceTree

PAGE = 500
"""Lines of one group that are loaded at once."""


class EventTree(Tree[Item]):
    """A lazy tree over the index of a log.

    Args:
        tokens: returns the tokens that models used in a step.
    """

    def __init__(self, tokens: Callable[[str], int]) -> None:
        super().__init__("trace", id="trace-tree")
        self.show_root = False
        self.guide_depth = 2
        self._tokens = tokens
        self._groups = TraceTree()
        self.flat = False
        """Whether events stand in a list instead, since some were chosen."""

    @property
    def here(self) -> int:
        """Number of the first event at the cursor; -1 where there is none."""
        node = self.cursor_node
        return node.data.first if node is not None and node.data is not None else -1

    def take(self, entries: Sequence[Entry]) -> None:
        """Take in what is new, and load it below the groups that are open."""
        self._groups.take(entries)
        if self.flat:
            return
        self._load(self.root, "")
        for node in list(_open_nodes(self.root)):
            if node.data is not None and node.data.entry is None:
                self._load(node, node.data.id)
        if len(self.root.children) == 1 and not self.root.children[0].is_expanded:
            self.root.children[0].expand()

    def choose(self, entries: Iterable[Entry] | None) -> None:
        """Show these events as a list, or all of them as a tree again."""
        self.root.remove_children()
        self.flat = entries is not None
        for entry in [] if entries is None else list(entries)[:PAGE]:
            item = Item(entry.id, entry, 1, entry.failed, 0.0, entry.number)
            label = Rich(f"{'!' if entry.failed else ' '} {printable(entry.id)}: ")
            label.append(entry.type.replace("_", " "))
            self.root.add_leaf(label, data=item)
        if not self.flat:
            self._load(self.root, "")
            for child in self.root.children:
                child.expand()

    def _load(self, node: TreeNode[Item], id: str) -> None:
        """Add the items of a group that its line has not yet, a page at a time."""
        for number, item in enumerate(islice(self._groups.items(id), PAGE)):
            if number < len(node.children):
                child = node.children[number]
                if child.data != item:
                    child.data = item
                    child.set_label(self._label(item))
                    child.allow_expand = item.entry is None
                continue
            node.add(self._label(item), data=item, allow_expand=item.entry is None)
        hidden = self._groups.count(id) - PAGE
        if hidden > 0:
            self.notify(f"{hidden} more lines of {id}: search (/) leads to them", markup=False)

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[Item]) -> None:
        """Load a group when it is opened."""
        item = event.node.data
        if item is not None and item.entry is None:
            self._load(event.node, item.id)

    def _label(self, item: Item) -> Rich:
        sign = "!" if item.failed else " "
        label = Rich(f"{sign} {printable(item.name)}", style="bold" if item.failed else "")
        if item.entry is None:
            tokens = self._tokens(item.id) if step_of(item.id) == item.id else 0
            spent = f", {tokens:,} tok" if tokens else ""
            label.append(f"  {item.events} events, {item.seconds:.1f} s{spent}", style="dim")
        return label

    def show_entry(self, entry: Entry) -> None:
        """Open the groups above an event, and go there."""
        if self.flat:
            self._go_to_flat(entry)
            return
        node = self.root
        for id in self._groups.lineage(entry):
            self._load(node, node.data.id if node.data is not None else "")
            below = next((c for c in node.children if c.data and c.data.key == id), None)
            if below is None:
                break
            below.expand()
            node = below
        self._load(node, node.data.id if node.data is not None else "")
        wanted = f"event {entry.number}"
        target = next((c for c in node.children if c.data and c.data.key == wanted), node)
        self.call_after_refresh(self.move_cursor, target)

    def _go_to_flat(self, entry: Entry) -> None:
        later = (c for c in self.root.children if c.data and c.data.first >= entry.number)
        if (target := next(later, None)) is not None:
            self.call_after_refresh(self.move_cursor, target)

    def failure_after(self, number: int) -> Entry | None:
        """Return the next event that tells of a failure, going round at the end."""
        return self._groups.failure(number) or self._groups.failure(-1)

    def open_here(self) -> None:
        """Open the group at the cursor."""
        if self.cursor_node is not None:
            self.cursor_node.expand()

    def close_here(self) -> None:
        """Close the group at the cursor, or go to the one above."""
        node = self.cursor_node
        if node is None:
            return
        if node.is_expanded and node.allow_expand:
            node.collapse()
        elif node.parent is not None and node.parent is not self.root:
            self.move_cursor(node.parent)

    def go_beside(self, by: int) -> None:
        """Go to the next line at the same depth, or the one before."""
        if self.cursor_node is not None and (other := _beside(self.cursor_node, by)) is not None:
            self.move_cursor(other)

    def go_to_step(self, by: int) -> None:
        """Go to the next step of the run, or the one before."""
        node = self.cursor_node
        while node is not None and node.parent is not None and node.parent.parent is not self.root:
            node = node.parent
        while node is not None and (node := _beside(node, by)) is not None:
            if node.data is not None and step_of(node.data.id) is not None:
                self.move_cursor(node)
                return


def _beside(node: TreeNode[Item], by: int) -> TreeNode[Item] | None:
    return node.next_sibling if by > 0 else node.previous_sibling


def _open_nodes(node: TreeNode[Item]) -> list[TreeNode[Item]]:
    found = []
    for child in node.children:
        if child.is_expanded and child.allow_expand:
            found += [child, *_open_nodes(child)]
    return found
