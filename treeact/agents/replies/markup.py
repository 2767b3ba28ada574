"""Cuts a reply into its parts: prose, thinking, code blocks, other blocks and answers.

One pass over the markers of a reply (fences, tags, invented observations). Whichever marker opens
first owns the text up to its closing marker, so a tag inside a block, or a fence inside a string of
the code, means nothing. Takes linear time on any text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from treeact.agents.replies.mending import compiles, does_nothing, mend

PYTHON = frozenset({"python", "python3", "py", "py3", "ipython", "ipython3", "pycon", "tool_code"})
INVENTED = frozenset({"output", "outputs", "stdout", "tool_output", "observation", "observations"})
THINKING = frozenset({"think", "thinking"})
ANSWER = frozenset({"answer", "final_answer"})
CODE = frozenset({"execute", "code", "python", "tool_code"})

INVENTED_LABEL = (
    r"^[ \t*_#>]*(?:observations?|(?:execution |tool |console )?outputs?"
    r"|(?:execution|tool) results?)[*_]*:"
)
INVENTED_LINE = re.compile(INVENTED_LABEL, re.MULTILINE | re.IGNORECASE)
MARKER = re.compile(
    r"^(?P<indent>[ \t]*)(?P<fence>`{3,}|~{3,})(?P<info>[^\n]*)$"
    r"|(?<!`)(?P<late>`{3,})(?P<late_info>(?:python3?|py|tool_code)[ \t]*)$"
    r"|(?<![`'\"])<(?P<tag>execute|answer|final_answer)>"
    r"|^[ \t]*<(?P<line_tag>code|python|tool_code|think|thinking)>"
    r"|</(?P<close>execute|code|python|tool_code|answer|final_answer|think|thinking)>"
    rf"|(?P<invented>{INVENTED_LABEL})"
    r"|^[ \t]*(?P<turn><\|im_start\|>|<\|(?:user|tool|system)\|>|<start_of_turn>"
    r"|</?(?:observation|output|tool_response)>|(?:user|human)[ ]?:)",
    re.MULTILINE | re.IGNORECASE,
)
LANGUAGE = re.compile(r"[\s{.]*([\w+#-]*)(.*)", re.DOTALL)
CODE_ON_FENCE_LINE = re.compile(r"(?:import|from)\s|[^=]*\w\(")
LEXEME = re.compile(
    r"#[^\n]*|\"\"\"|'''|\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?",
    re.DOTALL,
)
WRAPPED_ANSWER = re.compile(r"<(answer|final_answer)>(.*)</\1>", re.DOTALL | re.IGNORECASE)
OPENING_LINE = re.compile(r"\s*(?:(?:`{3,}|~{3,})[\w{.} ]*|<(?:execute|code|python|tool_code)>)\n")
CLOSING_END = re.compile(r"(?:`{3,}|~{3,}|</(?:execute|code|python|tool_code)>)$")
PARTIAL_CLOSING = re.compile(r"(?:`{1,9}|~{1,9}|</?\w{0,12}>?)$")

FAILED_TRIES = 8

Marker = re.Match[str]
Kind = Literal["prose", "thinking", "code", "truncated", "other", "answer"]


@dataclass(frozen=True)
class Part:
    """A stretch of a reply."""

    kind: Kind
    text: str
    language: str = ""
    """The language that a block names, in lower case; empty when it names none."""


def scan(text: str) -> tuple[list[Part], list[str]]:
    """Return the parts of a reply in order, and the names of the repairs that this took."""
    scanner = _Scanner(text)
    scanner.run()
    thinking = text[: scanner.thinking_end].strip()
    opening = [Part("thinking", thinking)] if thinking else []
    return opening + scanner.parts, scanner.repairs


def first_outside_strings(text: str, start: int, markers: Iterator[Marker]) -> Marker | None:
    """Return the first marker that is in no string or comment of the code beginning at `start`."""
    position = start
    for marker in markers:
        place = marker.start()
        while position < place and (found := LEXEME.search(text, position, place)):
            position = _end_of_lexeme(text, found.start())
        if position <= place:
            return marker
    return None


def _end_of_lexeme(text: str, start: int) -> int:
    lexeme = LEXEME.match(text, start)
    if lexeme is None:
        return start + 1
    if lexeme[0] in ('"""', "'''"):
        return _end_of_string(text, lexeme.end(), lexeme[0])
    return lexeme.end()


def _end_of_string(text: str, position: int, quote: str) -> int:
    for token in re.compile(rf"\\.|{quote}", re.DOTALL).finditer(text, position):
        if token[0] == quote:
            return token.end()
    return len(text) + 1


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.markers = list(MARKER.finditer(text))
        self.parts: list[Part] = []
        self.repairs: list[str] = []
        self.position = 0
        """Where the text begins that no part owns yet."""
        self.has_code = False
        self.failed_tries = 0
        self.thinking_end = 0
        """Where thinking ends that began without a tag."""

    @cached_property
    def last_code(self) -> int:
        """Where the last block of code begins; -1 without one."""
        return max((m.start() for m in self.markers if _opens_code(m)), default=-1)

    @cached_property
    def last_close(self) -> int:
        """Where the last closing tag begins; -1 without one."""
        return max((m.start() for m in self.markers if m["close"]), default=-1)

    def run(self) -> None:
        for index, marker in enumerate(self.markers):
            if marker.start() < self.position:
                continue
            if self._is_invented(marker):
                self._prose_up_to(marker.start())
                self.repairs.append("dropped invented observation")
                return
            self._take(index, marker)
        self._prose_up_to(len(self.text))

    def _take(self, index: int, marker: Marker) -> None:
        tag = (marker["tag"] or marker["line_tag"] or "").lower()
        if marker["fence"] or marker["late"]:
            self._prose_up_to(marker.start())
            self._fence(index, marker)
        elif tag in CODE:
            self._code_tag(index, marker)
        elif tag in ANSWER and not self._only_mentions_answer(index, marker):
            self._text_tag(index, marker, ANSWER)
        elif tag in THINKING:
            self._text_tag(index, marker, THINKING)
        elif (marker["close"] or "").lower() in THINKING:
            self._prose_up_to(marker.start())
            self.parts, self.has_code = [], False
            self.thinking_end = marker.start()
            self.position = marker.end()

    def _is_invented(self, marker: Marker) -> bool:
        """Tell whether a marker begins what only the environment or the user may say."""
        if not self.has_code:
            return False
        language, _ = _language(marker["info"] or "")
        return bool(marker["invented"] or marker["turn"] or language in INVENTED)

    def _prose_up_to(self, end: int) -> None:
        if self.text[self.position : end].strip():
            self.parts.append(Part("prose", self.text[self.position : end].strip()))
        self.position = end

    # Fences

    def _fence(self, index: int, marker: Marker) -> None:
        fence = marker["fence"] or marker["late"]
        language, rest = _language(marker["info"] or marker["late_info"] or "")
        if rest.rstrip().endswith(fence):
            self._one_line_fence(marker, language, rest.rstrip()[: -len(fence)])
            return
        start = min(marker.end() + 1, len(self.text))
        head = self._head(rest) if language in PYTHON else ""
        closing = self._closing_fence(index, fence, start, language)
        end = closing.start() if closing else len(self.text)
        body = _remove_indent(self.text[start:end], len(marker["indent"] or ""))
        self.position = self._after_fence(closing)
        if language in PYTHON:
            self._add_code(head + body, closed=closing is not None, what="fence")
        else:
            self._add_other(body, language)

    def _one_line_fence(self, marker: Marker, language: str, body: str) -> None:
        self.position = marker.end()
        if language in PYTHON:
            self._add_code(body.strip(), closed=True, what="fence")
        else:
            self._add_other(f"{language}{body}".strip(), "")

    def _head(self, rest: str) -> str:
        """Return code that stands on the fence's own line, behind the language."""
        if not CODE_ON_FENCE_LINE.match(rest.strip()):
            return ""
        self.repairs.append("code on the fence line")
        return rest.strip() + "\n"

    def _closing_fence(self, index: int, fence: str, start: int, language: str) -> Marker | None:
        is_python = language in PYTHON
        if is_python or not language:
            closers = self._closers(index, fence, implicit=is_python)
            if found := self._look_ahead(start, closers):
                return found
        if first := next(self._closers(index, fence, implicit=False), None):
            return first
        if not is_python:
            return None
        return self._look_ahead(start, self._closing_tags(index, CODE))

    def _look_ahead(self, start: int, closers: Iterator[Marker]) -> Marker | None:
        """Return the first closing marker outside the strings of the code, or None.

        Strings that never end make each try read on to the end of the reply; tries are therefore
        few, so that the whole stays linear.
        """
        if self.failed_tries >= FAILED_TRIES:
            return None
        found = first_outside_strings(self.text, start, closers)
        self.failed_tries += found is None
        return found

    def _closers(self, index: int, fence: str, *, implicit: bool) -> Iterator[Marker]:
        """Yield the lines that may close a fence; with `implicit`, also a new python fence."""
        indent = len(self.markers[index]["indent"] or "")
        for later in range(index + 1, len(self.markers)):
            marker = self.markers[later]
            if not (marker["fence"] or "").startswith(fence):
                continue
            info = marker["info"].strip()
            is_bare = not info or info.startswith("<")
            is_closing = is_bare and len(marker["indent"]) <= indent + 3
            if is_closing or (implicit and _language(info)[0] in PYTHON):
                yield marker

    def _after_fence(self, closing: Marker | None) -> int:
        if closing is None:
            return len(self.text)
        if closing["fence"] and _language(closing["info"])[0] in PYTHON:
            self.repairs.append("closed missing fence")
            return closing.start()
        return closing.end()

    # Tags

    def _code_tag(self, index: int, marker: Marker) -> None:
        start = marker.end()
        closing = self._look_ahead(start, self._closing_tags(index, CODE))
        closing = closing or next(self._closing_tags(index, CODE), None)
        if closing is None and self.last_code > marker.start() and not self._ends_line(marker):
            return  # a sentence about the tag, before the code itself
        self._prose_up_to(marker.start())
        end = closing.start() if closing else len(self.text)
        self.position = closing.end() if closing else len(self.text)
        body = self.text[start:end]
        self._add_code(body, closed=closing is not None, what="tag")

    def _text_tag(self, index: int, marker: Marker, tags: frozenset[str]) -> None:
        self._prose_up_to(marker.start())
        closing = next(self._closing_tags(index, tags), None)
        end = closing.start() if closing else len(self.text)
        self.position = closing.end() if closing else len(self.text)
        body = self.text[marker.end() : end].strip()
        if closing is None:
            self.repairs.append("closed missing tag")
            body = _without_partial_tag(body)
        self.parts.append(Part("answer" if tags is ANSWER else "thinking", body))

    def _only_mentions_answer(self, index: int, marker: Marker) -> bool:
        """Tell whether prose talks about the answer tag, as in `I will write <answer> later`.

        To take such a sentence for the answer would end the task with it.
        """
        for later in range(index + 1, len(self.markers)):
            other = self.markers[later]
            if (other["tag"] or "").lower() in ANSWER:
                return True
            if (other["close"] or "").lower() in ANSWER:
                return False
        return self.last_code > marker.start() or not self._begins_line(marker)

    def _begins_line(self, marker: Marker) -> bool:
        before = self.text[max(0, marker.start() - 20) : marker.start()]
        return not before.rpartition("\n")[2].strip(" \t*_#>")

    def _ends_line(self, marker: Marker) -> bool:
        return not self.text[marker.end() : marker.end() + 20].partition("\n")[0].strip()

    def _closing_tags(self, index: int, tags: frozenset[str]) -> Iterator[Marker]:
        if self.markers[index].start() > self.last_close:
            return
        for later in range(index + 1, len(self.markers)):
            if (self.markers[later]["close"] or "").lower() in tags:
                yield self.markers[later]

    # Parts

    def _add_other(self, body: str, language: str) -> None:
        if wrapped := WRAPPED_ANSWER.fullmatch(body.strip()):
            self.parts.append(Part("answer", wrapped[2].strip()))
        else:
            self.parts.append(Part("other", body, language))

    def _add_code(self, body: str, *, closed: bool, what: str) -> None:
        body = _unwrap(body).strip("\n").rstrip()
        if wrapped := WRAPPED_ANSWER.fullmatch(body.strip()):
            self.parts.append(Part("answer", wrapped[2].strip()))
        elif closed:
            self._add_mended(body)
        else:
            self._add_unclosed(body, what)

    def _add_mended(self, body: str) -> None:
        code, repairs = mend(body)
        self.repairs.extend(repairs)
        self.parts.append(Part("code", code, "python"))
        self.has_code = True

    def _add_unclosed(self, body: str, what: str) -> None:
        """Add code whose end is missing, if what is there compiles without an invented output."""
        invented = _before_invented(body)
        for candidate in (invented, body, PARTIAL_CLOSING.sub("", body)):
            if candidate is None or not compiles(mend(candidate)[0]):
                continue
            self.repairs.append(f"closed missing {what}")
            if candidate is invented:
                self.repairs.append("dropped invented observation")
            self._add_mended(candidate.rstrip())
            return
        self.parts.append(Part("truncated", body, "python"))


def _before_invented(body: str) -> str | None:
    """Return the code before an observation that the model invented, or None without one."""
    invented = INVENTED_LINE.search(body)
    kept = body[: invented.start()] if invented else ""
    return None if does_nothing(kept) else kept


def _opens_code(marker: Marker) -> bool:
    tag = marker["tag"] or marker["line_tag"] or ""
    language = _language(marker["info"] or marker["late_info"] or "")[0]
    return tag.lower() in CODE or language in PYTHON


def _language(info: str) -> tuple[str, str]:
    match = LANGUAGE.match(info)
    return (match[1].lower(), match[2]) if match else ("", info)


def _remove_indent(body: str, width: int) -> str:
    return re.sub(rf"^[ \t]{{1,{width}}}", "", body, flags=re.MULTILINE) if width else body


def _unwrap(body: str) -> str:
    """Remove a fence inside a tag, or a tag inside a fence."""
    for _ in range(2):
        if not (opening := OPENING_LINE.match(body)):
            break
        body = CLOSING_END.sub("", body[opening.end() :].rstrip())
    return body


def _without_partial_tag(body: str) -> str:
    return re.sub(r"</[\w]{0,12}$", "", body[-20:]).join([body[:-20], ""])
