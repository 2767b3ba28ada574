"""A person as the model, who is written to: prompts and replies are files of one folder."""

import asyncio
from pathlib import Path

from treeact.models import HumanModel

PAUSE = 0.5
"""Seconds between two looks for a reply, and for which a reply's size must not have changed."""


def by_letters(folder: Path) -> HumanModel:
    """Return a person to whom each prompt is `prompt-N.txt`, and whose reply is `reply-N.txt`."""
    letters = _Letters(folder)
    return HumanModel(read_line=letters.read_line, write=letters.write)


class _Letters:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._prompt = ""
        self._lines: list[str] = []
        self._number = 0

    def write(self, text: str) -> None:
        self._prompt += text

    async def read_line(self) -> str:
        """Return the next line of the reply; its first is what the prompt is sent for."""
        if self._prompt:
            self._number += 1
            self._send()
            self._lines = [*(await self._reply()).splitlines(keepends=True), ""]
        return self._lines.pop(0)

    def _send(self) -> None:
        fresh = self._folder / "prompt.new"
        prompt, _, _ = self._prompt.rpartition("\n--- ")  # the last line is about typing
        fresh.write_text(f"{prompt}\n")
        fresh.rename(self._folder / f"prompt-{self._number}.txt")
        self._prompt = ""

    async def _reply(self) -> str:
        path = self._folder / f"reply-{self._number}.txt"
        size = 0
        while not size or path.stat().st_size != size:
            size = path.stat().st_size if path.exists() else 0
            await asyncio.sleep(PAUSE)
        return path.read_text()
