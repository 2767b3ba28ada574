"""The trace browser: what belongs to what on the left, one event in full on the right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rich.syntax import Syntax
from rich.text import Text as Rich
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Static, Tree
from textual.widgets.tree import TreeNode

from treeact.trace.index import Entry
from treeact.tui.keys import key
from treeact.tui.screens.base import RunBoundScreen
from treeact.tui.views.details import Part, details
from treeact.tui.views.trace import Item, TraceTree

if TYPE_CHECKING:
    from treeact.tui.session import Session

PAGE = 500
"""Lines of one group that are loaded at once."""


class TraceScreen(RunBoundScreen):
    """A lazy tree over the index of the log; only what is opened is loaded."""

    HELP = "Every event of the run, under the step that it belongs to. Only what is opened is read."
    BINDINGS: ClassVar[list[BindingType]] = [
        key("trace", "j", "line(1)", "Down"),
        key("trace", "k", "line(-1)", "Up"),
        key("trace", "l", "open", "Open"),
        key("trace", "h", "close", "Close"),
        key("trace", "right_square_bracket", "sibling(1)", "Next beside"),
        key("trace", "left_square_bracket", "sibling(-1)", "Beside, before"),
        key("trace", "0", "edge(True)", "First"),
        key("trace", "dollar_sign", "edge(False)", "Last"),
        key("trace", "exclamation_mark", "failure", "Next failure", show=True),
        key("trace", "tab", "part(1)", "Next part", show=True),
        key("trace", "r", "raw", "As written", show=True),
        key("trace", "F", "follow", "Follow", show=True),
        key("trace", "g", "go_on", "Go on from here", show=True),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._tree = TraceTree()
        self._parts: list[Part] = []
        self._part = 0
        self._following = False
        self._known = 0
        self.wanted: int | None = None
        """Number of an event that is to be shown next."""

    def compose_body(self) -> ComposeResult:
        """Lay out the tree and the details."""
        with Horizontal(id="trace-body"):
            tree: Tree[Item] = Tree("trace", id="trace-tree")
            tree.show_root = False
            tree.guide_depth = 2
            yield tree
            with Vertical(id="trace-details"):
                yield Static("", id="trace-parts")
                with VerticalScroll(id="trace-scroll"):
                    yield Static("no event is chosen", id="trace-text")

    @property
    def _widget(self) -> Tree[Item]:
        widget: Tree[Item] = self.query_one("#trace-tree", Tree)
        return widget

    async def update_view(self) -> None:
        """Load what is new below the groups that are open."""
        entries = self.session.index.entries
        if len(entries) == self._known:
            return
        self._known = len(entries)
        self._tree.take(entries)
        root = self._widget.root
        self._load(root, "")
        for node in list(_open_nodes(root)):
            if node.data is not None and node.data.entry is None:
                self._load(node, node.data.id)
        if len(root.children) == 1 and not root.children[0].is_expanded:
            root.children[0].expand()
        if self._following:
            await self._show_entry(entries[-1])

    def _load(self, node: TreeNode[Item], id: str) -> None:
        """Add the items of a group that its line has not yet, a page at a time."""
        items = self._tree.items(id)
        for number, item in enumerate(items[:PAGE]):
            if number < len(node.children):
                child = node.children[number]
                if child.data != item:
                    child.data = item
                    child.set_label(_label(item))
                    child.allow_expand = item.entry is None
                continue
            node.add(_label(item), data=item, allow_expand=item.entry is None)
        hidden = len(items) - PAGE
        if hidden > 0:
            self.notify(f"{hidden} more lines of {id}: search (/) leads to them")

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[Item]) -> None:
        """Load a group when it is opened."""
        item = event.node.data
        if item is not None and item.entry is None:
            self._load(event.node, item.id)

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[Item]) -> None:
        """Show what the cursor is on."""
        item = event.node.data
        if item is not None:
            self._show(item)

    def _show(self, item: Item) -> None:
        if item.entry is None:
            words = f"{item.id}\n\n{item.events} events, {item.seconds:.2f} s"
            self._parts = [Part(title="group", text=words)]
        else:
            self._parts = details(self.session.index, item.entry)
        self._part = min(self._part, len(self._parts) - 1)
        self._draw()

    def _draw(self) -> None:
        if not self._parts:
            return
        names = "  ".join(
            f"[{part.title}]" if number == self._part else part.title
            for number, part in enumerate(self._parts)
        )
        self.query_one("#trace-parts", Static).update(Rich(names))
        part = self._parts[self._part]
        shown: Any = Rich(part.text)
        if part.language != "text":
            shown = Syntax(
                part.text,
                part.language,
                theme="ansi_dark",
                background_color="default",
                word_wrap=True,
            )
        self.query_one("#trace-text", Static).update(shown)
        self.query_one("#trace-scroll").scroll_home(animate=False)

    def action_part(self, by: int) -> None:
        """Show the next part of the event."""
        if self._parts:
            self._part = (self._part + by) % len(self._parts)
            self._draw()

    def action_raw(self) -> None:
        """Show the event as it is written, or its first part again."""
        if self._parts:
            self._part = 0 if self._part == len(self._parts) - 1 else len(self._parts) - 1
            self._draw()

    def action_line(self, by: int) -> None:
        """Move the cursor."""
        if by > 0:
            self._widget.action_cursor_down()
        else:
            self._widget.action_cursor_up()

    def action_open(self) -> None:
        """Open the group at the cursor."""
        if node := self._widget.cursor_node:
            node.expand()

    def action_close(self) -> None:
        """Close the group at the cursor, or go to the one above."""
        node = self._widget.cursor_node
        if node is None:
            return
        if node.is_expanded and node.allow_expand:
            node.collapse()
        elif node.parent is not None and node.parent is not self._widget.root:
            self._widget.move_cursor(node.parent)

    def action_sibling(self, by: int) -> None:
        """Go to the next line at the same depth."""
        node = self._widget.cursor_node
        other = None if node is None else node.next_sibling if by > 0 else node.previous_sibling
        if other is not None:
            self._widget.move_cursor(other)

    def action_edge(self, first: bool) -> None:
        """Go to the first or the last line."""
        self._widget.move_cursor_to_line(0 if first else self._widget.last_line)

    async def action_failure(self) -> None:
        """Go to the next event that tells of a failure."""
        node = self._widget.cursor_node
        here = node.data.first if node is not None and node.data is not None else -1
        entry = self._tree.failure(here) or self._tree.failure(-1)
        if entry is None:
            self.notify("no event tells of a failure")
        else:
            await self._show_entry(entry)

    async def action_follow(self) -> None:
        """Stay at the newest event, or not any more."""
        self._following = not self._following
        if self._following and self.session.index.entries:
            await self._show_entry(self.session.index.entries[-1])
        self.notify("following" if self._following else "not following")

    async def _show_entry(self, entry: Entry) -> None:
        """Open the groups above an event, and go there."""
        node = self._widget.root
        for id in self._tree.lineage(entry):
            self._load(node, node.data.id if node.data is not None else "")
            below = next((c for c in node.children if c.data and c.data.key == id), None)
            if below is None:
                break
            below.expand()
            node = below
        self._load(node, node.data.id if node.data is not None else "")
        wanted = f"event {entry.number}"
        target = next((c for c in node.children if c.data and c.data.key == wanted), node)
        self.call_after_refresh(self._widget.move_cursor, target)
        self._show(Item(entry.id, entry, 1, entry.failed, 0.0, entry.number))

    async def find(self, words: str, *, forward: bool) -> bool:
        """Go to the next event whose line holds some words."""
        node = self._widget.cursor_node
        here = node.data.first if node is not None and node.data is not None else -1
        entry = self.session.index.find(words, after=here, forward=forward)
        if entry is not None:
            await self._show_entry(entry)
        return entry is not None

    def copied(self) -> str:
        """Return the part that is shown."""
        return self._parts[self._part].text if self._parts else ""

    def action_go_on(self) -> None:
        """Go on from the step that the cursor is in."""
        node = self._widget.cursor_node
        if node is not None and node.data is not None:
            self.app.post_message(self.GoOn(node.data.id))


def _open_nodes(node: TreeNode[Item]) -> list[TreeNode[Item]]:
    found = []
    for child in node.children:
        if child.is_expanded and child.allow_expand:
            found += [child, *_open_nodes(child)]
    return found


def _label(item: Item) -> Rich:
    sign = "!" if item.failed else " "
    label = Rich(f"{sign} {item.name}", style="bold" if item.failed else "")
    if item.entry is None:
        label.append(f"  {item.events} events, {item.seconds:.1f} s", style="dim")
    return label
