"""A proposer that also judges: the model says how good a path looks."""

from __future__ import annotations

import re
from collections.abc import Sequence

from treeact.agents import prompts
from treeact.agents.control import Interrupted
from treeact.agents.proposers import ModelProposer
from treeact.models.base import Message
from treeact.planners.protocols import Path, Score

JUDGE_TOKENS = 512
"""Output cap of one judgement: a sentence or two and a number."""
UNREADABLE = Score(value=0.5, reason="")
"""What counts when no score can be read from a reply: neither for nor against."""

_SCORE = re.compile(r"<score>\s*(\d+(?:\.\d+)?)\s*(?:/\s*10)?\s*(?:</score>|$)", re.IGNORECASE)


class JudgingProposer(ModelProposer):
    """Proposes what a model replies, and has the same model score what came of it.

    The model value of LATS (Zhou et al. 2024, section 4, evaluation): a prompt with the whole
    trajectory, its observations included, asked for a number and the reason.
    """

    async def score(self, path: Path, *, id: str) -> Score:
        """Return the model's score of `path`; see `Scorer.score`."""
        call = self._caller.call(
            self._judgement(path),
            id=f"{id}/score",
            phase="score",
            role="judge",
            max_output_tokens=JUDGE_TOKENS,
        )
        try:
            completion = await self._control.interruptible(call)
        except Interrupted:
            return UNREADABLE
        return read_score(completion.text)

    def _judgement(self, path: Path) -> Sequence[Message]:
        answer = path[-1].observation.answer if path else None
        request = prompts.render("score", finished=answer is not None, answer=answer)
        return (*self.messages(path), Message("user", request, part="system"))


def read_score(reply: str) -> Score:
    """Return the last score in `reply`, with the words before it as the reason."""
    found = list(_SCORE.finditer(reply))
    if not found:
        return UNREADABLE
    last = found[-1]
    value = min(float(last.group(1)), 10.0) / 10
    return Score(value=value, reason=" ".join(reply[: last.start()].split()))
