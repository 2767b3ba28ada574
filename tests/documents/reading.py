"""The documents as readers see them: blocks of code, the commands in them, links and headings."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
FOLDERS = ("*.md", "docs/**/*.md", "examples/*.md")
PATHS = [path for folder in FOLDERS for path in sorted(ROOT.glob(folder))]

NEEDS = re.compile(
    r"# (needs (?:a model|a network|a terminal|a clone|Docker|your data)|takes minutes)\b"
)
"""The first line of a block that cannot run here says why."""
CODE_FILE = re.compile(r"# ([\w/]+\.py)$")
"""The first line of a Python block that is a file of the reader's."""
SHELL_SYNTAX = re.compile(r"[|<>&;$`]|\bcd\b")


@dataclass(frozen=True)
class Block:
    """A fenced block of code."""

    language: str
    text: str
    line: int
    shown: "Block | None" = None
    """What the block prints, where the document shows that right behind it."""

    @property
    def needs(self) -> str | None:
        """Why it cannot run here, as its first line says; None where it can."""
        found = NEEDS.match(self.text)
        return found[1] if found else None

    @property
    def file(self) -> str | None:
        """The name that it is to be saved under."""
        found = CODE_FILE.match(self.text.partition("\n")[0])
        return found[1] if found else None

    @property
    def is_simple(self) -> bool:
        """Whether a shell block is plain commands, a line each, without anything of a shell."""
        return not SHELL_SYNTAX.search(re.sub(r"#.*|\"[^\"]*\"|'[^']*'", "", self.text))

    @property
    def commands(self) -> list[list[str]]:
        """The words of each line of a shell block; those of a here-document are lines as well."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [words for line in lines if (words := split_command(line))]


class Document:
    """One Markdown file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path.relative_to(ROOT))

    @cached_property
    def tokens(self) -> list[Token]:
        return MarkdownIt("commonmark").enable("table").parse(self.path.read_text())

    @property
    def inline(self) -> Iterator[Token]:
        for token in self.tokens:
            yield from token.children or ()

    @property
    def spans(self) -> list[str]:
        """What stands between single backticks."""
        return [
            " ".join(token.content.split()) for token in self.inline if token.type == "code_inline"
        ]

    @property
    def targets(self) -> list[str]:
        """Where links and pictures lead."""
        found = [token.attrs.get("href", token.attrs.get("src")) for token in self.inline]
        return [str(target) for target in found if target]

    @property
    def anchors(self) -> set[str]:
        """The names of headings in links."""
        after = zip(self.tokens, self.tokens[1:], strict=False)
        headings = [text.content for opening, text in after if opening.type == "heading_open"]
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}

    @property
    def indented(self) -> list[Block]:
        return [_block(token) for token in self.tokens if token.type == "code_block"]

    @cached_property
    def blocks(self) -> list[Block]:
        """The fenced blocks, each with what it prints."""
        found: list[Block] = []
        for before, token in zip([None, *self.tokens], self.tokens, strict=False):
            if token.type != "fence":
                continue
            block = _block(token)
            if block.language == "text" and before is not None and before.type == "fence":
                found[-1] = Block(found[-1].language, found[-1].text, found[-1].line, block)
            else:
                found.append(block)
        return found


def _block(token: Token) -> Block:
    return Block(token.info.strip(), token.content, (token.map or [0])[0] + 1)


def split_command(line: str) -> list[str]:
    """Return the words of a command, without what its shell does with its input and output."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:  # a line of a here-document
        return []
    return [*takewhile(lambda word: not re.match(r"\d?[<>|&;]", word), words)]


DOCUMENTS = [Document(path) for path in PATHS]
