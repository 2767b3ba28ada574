"""The run screen: what the agent does as it does it, and the keys that steer it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Key
from textual.widgets import Input, Static, TextArea

from treeact.agents.remote import Order
from treeact.printable import printable
from treeact.tui.keys import key
from treeact.tui.screens.asking import LineScreen
from treeact.tui.screens.base import RunBoundScreen
from treeact.tui.screens.limits import LimitsScreen
from treeact.tui.widgets.approval import ApprovalPanel
from treeact.tui.widgets.blocks import BlockColumn
from treeact.tui.widgets.prompt import Prompt
from treeact.tui.widgets.reply import ReplyPanel
from treeact.tui.widgets.side import SidePanel

if TYPE_CHECKING:
    from treeact.tui.session import Session
    from treeact.tui.views.run import Waiting

TAIL = 1200
"""Characters of streamed text that are shown."""


class RunScreen(RunBoundScreen):
    """The column of blocks, streamed text, approval, the prompt, and the gauges."""

    HELP = """
    What the agent says, does and sees, newest last. What is written below goes to the agent with
    its next observation, or as the next question when the run has ended.
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        key("run", "j,ctrl+down", "move(1)", "Next block"),
        key("run", "k,ctrl+up", "move(-1)", "Block before"),
        key("run", "end", "follow", "To the end"),
        key("run", "space", "open", "Open or close"),
        key("run", "t", "thoughts", "Open or close thoughts"),
        key("run", "p", "prompt", "Write", show=True),
        key("run", "u", "limit", "Limits"),
        key("run", "a", "approve", "Approve", show=True),
        key("run", "s", "approve_kind", "This kind always", show=True),
        key("run", "e", "edit", "Edit, then run", show=True),
        key("run", "i", "instruct", "Reject, saying why", show=True),
        key("run", "r", "reject", "Reject", show=True),
        key("run", "x", "stop", "Stop the run"),
        key("run", "R", "retry", "Try again"),
        key("run", "m", "model", "Go on with another model"),
        key("run", "tab", "side", "Next side"),
        key("run", "v", "swap", "Blocks or side"),
        key("run", "ctrl+s", "submit", "Send what was written"),
        key("run", "escape", "escape", "Interrupt", show=True),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._granted: set[str] = set()
        self._answered_for: str | None = None
        self._offered = (False, False)
        self._column = BlockColumn(lambda: session.view.blocks, session.index.blobs)
        self._approval = ApprovalPanel(session.index.blobs)
        self._reply = ReplyPanel()
        self._side = SidePanel(session)

    def compose_body(self) -> ComposeResult:
        """Lay out the column, the gauges, the approval and the prompt."""
        with Horizontal(id="run-body"):
            with Vertical(id="run-left"):
                yield self._column
                yield Static("", id="live", markup=False)
            yield self._side
        yield self._approval
        yield self._reply
        yield Prompt(id="prompt")

    def on_mount(self) -> None:
        """Begin without the prompt in focus, so that letters are commands."""
        super().on_mount()
        self.query_one(Prompt).display = self.session.steer is not None
        self._column.focus()

    async def update_view(self) -> None:
        """Draw what is new."""
        await self._column.refresh_blocks()
        self._draw_live()
        self._side.draw()
        await self._draw_approval()
        self._reply.show(self.session.asking.next)
        self._offer()

    def _offer(self) -> None:
        """Draw the keys anew where others can be used now: that costs as much as all the rest."""
        usable = (self._approval.waiting is not None, self._approval.writing)
        if usable != self._offered:
            self._offered = usable
            self.refresh_bindings()

    def _draw_live(self) -> None:
        live, view = self.query_one("#live", Static), self.session.view
        texts = self.session.live.texts
        tail = "" if not texts else list(texts.values())[-1][-TAIL:]
        words = view.failure.line(self.session.now()) if view.failure else tail
        live.update(printable("\n".join(words.splitlines()[-8:])))
        live.display = bool(words) and view.state == "working"

    async def _draw_approval(self) -> None:
        waiting = self.session.view.waiting if self.session.steer else None
        if waiting is not None and self._kind(waiting) in self._granted:
            if self._answered_for != waiting.id:
                self._answered_for = waiting.id
                await self.give(Order(command="approve"))
            waiting = None
        self._approval.show(waiting, self.session.view)

    def _kind(self, waiting: Waiting) -> str:
        """Return what is approved along with an action: all code, or calls of the same tool."""
        return "code" if waiting.what == "code" else f"call {str(waiting.text).partition('(')[0]}"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what can be done now."""
        waits = self._approval.waiting is not None
        if action in ("approve", "approve_kind", "edit", "instruct", "reject"):
            return waits and not self._approval.writing and not self.too_small
        if action == "retry":
            return self.session.view.stopped_short
        if action == "prompt":
            return self.session.steer is not None and not waits
        return True

    async def action_move(self, by: int) -> None:
        """Move the cursor among the blocks."""
        await self._column.move(by)

    async def action_follow(self) -> None:
        """Go to the end and stay there."""
        await self._column.follow()

    def action_open(self) -> None:
        """Open or close the current block."""
        self._column.toggle()

    def action_thoughts(self) -> None:
        """Open or close the thoughts."""
        self._column.toggle_kind("thought")

    def action_prompt(self) -> None:
        """Write the reply that is asked for; else to the agent."""
        if not self._reply.write():
            self.query_one(Prompt).focus()

    async def action_approve(self) -> None:
        """Let the action happen."""
        await self._decide(Order(command="approve"))

    async def action_approve_kind(self) -> None:
        """Let the action happen, and all of its kind from now on."""
        waiting = self._approval.waiting
        if waiting is not None and self._approval.open:
            self._granted.add(self._kind(waiting))
            await self._decide(Order(command="approve"))

    def action_edit(self) -> None:
        """Edit the code and run it."""
        if self._approval.open:
            self._approval.edit()

    def action_instruct(self) -> None:
        """Reject with instructions."""
        if self._approval.open:
            self._approval.instruct()

    async def action_reject(self) -> None:
        """Reject without a word."""
        await self._decide(Order(command="reject"))

    def action_limit(self) -> None:
        """Change a limit of the run."""
        if self.session.steer is None or self.session.view.state == "ended":
            self.notify("no run goes on here that could be limited")
            return
        gauges = self.session.view.gauges(self.session.now())
        self.app.push_screen(LimitsScreen(gauges), self._change_limit)

    async def _change_limit(self, order: Order | None) -> None:
        if order is not None:
            await self.give(order)

    async def action_stop(self) -> None:
        """End the run."""
        if self.session.view.state != "ended":
            await self.give(Order(command="cancel"))

    def action_retry(self) -> None:
        """Run again what stopped short: what is on record is not asked for a second time."""
        self.app.post_message(self.GoOn(""))

    def action_model(self) -> None:
        """Have another model go on with the run from where it is."""
        now = self.session.view.model
        about = f"Which model is to go on in the place of {now}? A name, replay:PATH, or human"
        self.app.push_screen(LineScreen(about), self._change_model)

    def _change_model(self, name: str | None) -> None:
        if name:
            self.app.post_message(self.GoOn("", name.strip()))

    def action_side(self) -> None:
        """Show the plan, the variables, the files or the tree in turn."""
        self._side.next_side()

    def action_swap(self) -> None:
        """Show the side in the place of the blocks where there is room for one of them."""
        self.toggle_class("-side")

    async def _decide(self, order: Order) -> None:
        if self._approval.open:
            await self.give(order)

    async def on_approval_panel_decided(self, message: ApprovalPanel.Decided) -> None:
        """Pass on what was written in the panel."""
        self._approval.back()
        self._column.focus()
        await self.give(message.order)

    async def action_submit(self) -> None:
        """Send what was written, wherever that was."""
        if self._approval.writing:
            self._approval.submit()
            return
        prompt = self.query_one(Prompt)
        if prompt.has_focus:
            await self.say(prompt)
        elif self._reply.submit():
            self._column.focus()

    async def on_prompt_submitted(self, message: Prompt.Submitted) -> None:
        """Send what was written in the prompt."""
        await self.say(message.prompt)

    async def say(self, prompt: TextArea) -> None:
        """Send a text to the agent."""
        text = prompt.text.strip()
        if text and await self.give(Order(command="send", text=text)):
            prompt.text = ""
            self._column.focus()

    async def action_escape(self) -> None:
        """Leave a text; else interrupt the run, and the second time end it."""
        if self._approval.writing:
            self._approval.back()
            self._column.focus()
        elif isinstance(self.focused, TextArea):
            self._column.focus()
        elif self.session.steer and self.session.view.state in ("working", "waiting"):
            if await self.give(Order(command="interrupt")):
                self.query_one(Prompt).focus()
        elif self.session.view.state == "interrupted":
            await self.give(Order(command="cancel"))

    async def find(self, words: str, *, forward: bool) -> bool:
        """Go to the next block with some words."""
        return await self._column.find(words, forward=forward)

    def ignores(self, key: Key) -> bool:
        """Return whether a letter was typed ahead, and would be taken for a decision."""
        writing = isinstance(self.focused, TextArea | Input)
        return key.is_printable and not writing and self._approval.is_typed_ahead(key.time)

    def copied(self) -> str:
        """Return the current block's text."""
        return self._column.current.plain() if self._column.current else ""
