"""The column of blocks: a window over what may be thousands, of which a few are mounted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from rich.console import Group, RenderableType
from rich.text import Text as Rich
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.reactive import reactive
from textual.widgets import Static

from treeact.agents.blocks import SHOWN_LINES, SIGNS, Block
from treeact.errors import TraceError
from treeact.printable import printable
from treeact.trace.blobs import BlobStore
from treeact.trace.events import Blob, Text
from treeact.tui.keys import shown_key
from treeact.tui.rounds import next_hit
from treeact.tui.widgets.long_text import coloured

WINDOW = 20
"""Blocks that are mounted at once: a key press costs more with each one."""
SUMMARIES = 8
"""Older blocks that are told in a line each, above those that are mounted."""
STEP = 10
"""Blocks by which the window moves."""
MOST_LINES = 400
"""Lines of an opened block: what is longer is for the pager."""
MOST_CHARACTERS = 8_000
"""Characters of an opened block, since a text may be one line."""
FEW = (SHOWN_LINES, 2_000)
"""Lines and characters of a block that is not opened."""
CLOSED = frozenset({"thought"})
"""Kinds that show their first line until they are opened."""


def read_text(text: Text, blobs: BlobStore) -> str:
    """Return a text, or why it cannot be read."""
    try:
        return blobs.read_text(text)
    except TraceError as error:
        return f"({error})"


class BlockWidget(Static):
    """One block."""

    opened = reactive(False, layout=True)
    current = reactive(False)

    def __init__(self, block: Block, blobs: BlobStore) -> None:
        super().__init__(classes=f"block {block.kind}")
        self.block = block
        self._blobs = blobs

    def render(self) -> RenderableType:
        """Draw the sign, the title, and as much of the text as is open."""
        block = self.block
        head = Rich(f"{SIGNS[block.kind]} {block.title}", style="bold")
        if self._depth:
            head.append(f"  {block.id}", style="dim")
        if not block.text:
            return head
        if block.kind in CLOSED and not self.opened:
            return Rich(f"{SIGNS[block.kind]} {self._first_line()}", style="italic dim")
        shown, hidden = self._shown()
        body: RenderableType = Rich(shown)
        if block.kind == "code":
            body = coloured(shown, "python")
        return Group(head, body, *([Rich(hidden, style="dim")] if hidden else []))

    @property
    def _depth(self) -> int:
        return self.block.id.count("/")

    def _first_line(self) -> str:
        text = self.block.text.head if isinstance(self.block.text, Blob) else self.block.text
        line = " ".join(text.split())
        return line if len(line) <= 160 else f"{line[:160]} ... (space)"

    def _shown(self) -> tuple[str, str]:
        """Return as much of the text as is open, and how much is not."""
        whole = self.opened or block_is_whole(self.block)
        text = read_text(self.block.text, self._blobs).rstrip("\n")
        shown = cut(text, *((MOST_LINES, MOST_CHARACTERS) if whole else FEW))
        lines = text.count("\n") - shown.count("\n")
        more = f"{lines:,} lines" if lines else f"{len(text) - len(shown):,} characters"
        hint = "y copies all" if whole else "space"
        return printable(shown), "" if shown == text else f"... {more} more ({hint})"

    def watch_current(self, current: bool) -> None:
        """Mark the block that the cursor is on."""
        self.set_class(current, "current")

    def plain(self) -> str:
        """Return the whole text, for the clipboard."""
        return read_text(self.block.text, self._blobs) or self.block.title


def cut(text: str, lines: int, characters: int) -> str:
    """Return the beginning of a text, of so many lines and characters at most."""
    return "\n".join(text[:characters].split("\n", lines)[:lines])


def headline(block: Block) -> str:
    """Return a block as one line."""
    text = block.text.head if isinstance(block.text, Blob) else block.text
    first = printable(" ".join(text[:200].split()))
    line = f"{SIGNS[block.kind]} {printable(block.title)}"
    return f"{line}: {first}"[:100] if first else line[:100]


def block_is_whole(block: Block) -> bool:
    """Return whether a block is shown whole, however long: what the agent wants to do."""
    return block.kind in ("code", "call", "answer", "question", "you")


class BlockColumn(VerticalScroll):
    """Shows the last blocks, and older ones on demand.

    Args:
        blocks: returns all blocks so far.
        blobs: where big texts are.
    """

    def __init__(self, blocks: Callable[[], Sequence[Block]], blobs: BlobStore) -> None:
        super().__init__(id="blocks")
        self._blocks = blocks
        self._blobs = blobs
        self._first = 0
        self._cursor: int | None = None
        """Index of the current block, or None to stay at the end."""
        self._seen = 0
        """Blocks that there were when the cursor left the end."""
        self._moving = asyncio.Lock()
        """Keys and the clock move the window, one at a time."""
        self._older = Static("", id="older", markup=False)
        self._newer = Static("", id="newer", markup=False)

    def compose(self) -> ComposeResult:
        """Mount the lines that say what is not shown."""
        yield self._older
        yield self._newer

    @property
    def shown(self) -> list[BlockWidget]:
        """The mounted blocks, in order."""
        return list(self.query(BlockWidget))

    async def refresh_blocks(self) -> None:
        """Follow the end of the column, unless the cursor is somewhere else."""
        total = len(self._blocks())
        if self._cursor is None:
            await self._show(max(0, total - WINDOW))
            self.scroll_end(animate=False)
        else:
            await self._show(self._first)

    async def _show(self, first: int) -> None:
        """Mount the window that begins with block `first`, keeping what is mounted already."""
        async with self._moving:
            await self._mount_window(first)

    async def _mount_window(self, first: int) -> None:
        blocks = self._blocks()
        last = min(len(blocks), first + WINDOW)
        wanted = range(first, last)
        numbered = dict(enumerate(self.shown, start=self._first))
        kept = {n: it for n, it in numbered.items() if n in wanted and it.block is blocks[n]}
        await self.remove_children([it for n, it in numbered.items() if n not in kept])
        self._first = first
        mounting = []
        for number in wanted:
            if number not in kept:
                after = kept.get(number - 1, self._older)
                kept[number] = BlockWidget(blocks[number], self._blobs)
                mounting.append(self.mount(kept[number], after=after))
        for mounted in mounting:
            await mounted
        self._tell_hidden(first, len(blocks) - last)

    def _tell_hidden(self, before: int, after: int) -> None:
        """Say what is not mounted: the last of the older blocks in a line each, newer by count."""
        blocks = self._blocks()
        told = [headline(block) for block in blocks[max(0, before - SUMMARIES) : before]]
        self._older.update("\n".join([f"{before} older blocks", *told]))
        new = 0 if self._cursor is None else len(blocks) - self._seen
        end = shown_key(self.app, "run.to_the_end")
        self._newer.update(f"▼ {new} new ({end})" if new else f"{after} newer blocks ({end})")
        self._older.display, self._newer.display = bool(before), bool(after or new)

    async def move(self, by: int) -> None:
        """Move the cursor, and the window with it."""
        total = len(self._blocks())
        if not total:
            return
        at = total - 1 if self._cursor is None else self._cursor + by
        at = max(0, min(total - 1, at))
        if self._cursor is None:
            self._seen = total
        self._cursor = at
        if not self._first <= at < self._first + WINDOW:
            first = at - STEP if by < 0 else at - WINDOW + STEP
            await self._show(max(0, min(first, max(0, total - WINDOW))))
        self._mark()

    async def follow(self) -> None:
        """Go to the end and stay there."""
        self._cursor = None
        await self.refresh_blocks()
        self._mark()

    def action_scroll_end(self) -> None:
        """Go to the end and stay there, since that is what the end of a column means here."""
        self.call_later(self.follow)

    @property
    def following(self) -> bool:
        """Whether the column stays at its end."""
        return self._cursor is None

    @property
    def current(self) -> BlockWidget | None:
        """The block that the cursor is on; at the end the last one."""
        shown = self.shown
        if not shown:
            return None
        if self._cursor is None:
            return shown[-1]
        return shown[min(len(shown) - 1, max(0, self._cursor - self._first))]

    def _mark(self) -> None:
        current = None if self._cursor is None else self.current
        for widget in self.shown:
            widget.current = widget is current
        if current is not None:
            self.scroll_to_widget(current, animate=False)

    def toggle(self) -> None:
        """Open or close the current block."""
        if self.current is not None:
            self.current.opened = not self.current.opened

    def toggle_kind(self, kind: str) -> None:
        """Open or close all blocks of a kind that are shown."""
        widgets = [widget for widget in self.shown if widget.block.kind == kind]
        opened = not all(widget.opened for widget in widgets)
        for widget in widgets:
            widget.opened = opened

    async def find(self, words: str, *, forward: bool = True) -> bool:
        """Move the cursor to the next block that holds some words; return whether there is one."""
        blocks, low = self._blocks(), words.lower()
        if self._cursor is None:
            self._seen = len(blocks)
        here = len(blocks) - 1 if self._cursor is None else self._cursor

        def holds(number: int) -> bool:
            block = blocks[number]
            return low in block.title.lower() or low in read_text(block.text, self._blobs).lower()

        number = next_hit(here, len(blocks), holds, forward=forward)
        if number is not None:
            self._cursor = here
            await self.move(number - here)
        return number is not None
