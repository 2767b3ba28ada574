"""Reads a model's reply: what it thinks, and the code that it runs or the answer that it gives.

The prompt teaches one form, fenced ```python blocks and an `<answer>` tag. The parser takes what
models really send: other tags, missing ends, wrapped or escaped code, invented observations. Every
text has a defined outcome; nothing makes the parser raise, and it takes linear time.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, replace

from treeact.agents.replies.markup import Part, scan
from treeact.agents.replies.mending import does_nothing, looks_like_code, mend
from treeact.agents.replies.wrapped import Wrapped, is_json, unwrap_json

FORM = """\
Write a short thought, then code to run:

```python
print(...)
```

or, once you know it, the answer:

<answer>...</answer>"""

LEADS = {
    "empty reply": "Your reply was empty.",
    "only thinking": "Your reply held only thinking, which is not run.",
    "no action": "Your reply held neither code nor an answer.",
    "truncated": (
        "Your reply ended in the middle of its code, so nothing was run. Send shorter code, whole."
    ),
    "not python": "Only Python is run here, and the only block of your reply was {languages}.",
    "tool call": "Tools are called from Python code here, not by JSON or XML calls.",
    "empty code": "Your code block was empty, so nothing was run.",
    "empty answer": "Your answer was empty.",
}
TOOL_CALL_FORM = "Write that call as code:\n\n```python\nresult = {call}\nprint(result)\n```"

ROLE = re.compile(
    r"\s{0,99}(?:<\|im_start\|>\s?assistant|<\|assistant\|>|<start_of_turn>model"
    r"|[*_#]{0,3} ?assistant ?[*_]{0,3}:)",
    re.IGNORECASE,
)
END_TOKENS = ("<|im_end|>", "<|eot_id|>", "<|end|>", "<|endoftext|>", "<end_of_turn>", "</s>")
LINE_STARTS = re.compile(r"^[\u200b\u2060\ufeff]+", re.MULTILINE)
FINAL_ANSWER = re.compile(
    r"^[ \t*_#>]*final[ _]answer(?: is)?[*_ ]*:[*_]*(?P<answer>.*(?:\n[ \t]*\S.*)*)",
    re.MULTILINE | re.IGNORECASE,
)
FINAL_ANSWER_BELOW = re.compile(r"\s*(\S.*(?:\n[ \t]*\S.*)*)")
LABEL = re.compile(r"^[ \t*_#]*(?:action|code|python)[*_]*:[*_]*", re.MULTILINE | re.IGNORECASE)
LABELLED_END = re.compile(r"^[ \t]*(?:end action\b|observation:)", re.MULTILINE | re.IGNORECASE)
THOUGHT_LABEL = re.compile(r"[*_#]{0,3} ?thoughts?[*_]{0,3}:[*_]{0,3}\s*", re.IGNORECASE)
LAST_LABEL = re.compile(r"(?:^|\n)[*_#]{0,3} ?(?:action|code|python)[*_]{0,3}:[*_]{0,3}$", re.I)
WRAPPERS = frozenset({"", "markdown", "md", "text", "plaintext", "xml", "html"})
"""Languages of blocks that models wrap around a whole reply."""
PLACEHOLDERS = frozenset({"", "...", "…"})


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a model's reply says. At most one of `code`, `answer` and `problem` is set."""

    thought: str = ""
    """Prose and thinking around the action, without what the model invented after it."""
    code: str | None = None
    """Python to run; several blocks are joined by newlines."""
    answer: str | None = None
    """The final answer, as text."""
    problem: str | None = None
    """The stable name of what is wrong, a key of `LEADS`, when there is nothing to act on."""
    feedback: str | None = None
    """The text that tells the model about the problem and shows the form once."""
    repairs: tuple[str, ...] = ()
    """What was tolerated, in the order in which it was met."""


def parse_reply(text: str) -> Reply:
    """Read a model's reply; any text at all has an outcome, and nothing is raised.

    Code wins over an answer in the same reply, because the model has not seen its output yet.
    Code inside thinking is never run. Code with a syntax error is kept: the interpreter's report
    is the better feedback.
    """
    text, repairs = _clean(text)
    if not text:
        return _problem("empty reply", "", repairs)
    parts, scanned = scan(text)
    reply = _decide(parts, (*repairs, *scanned))
    if reply.problem in ("no action", "not python") and "&lt;" in text:
        unescaped, scanned = scan(html.unescape(text))
        other = _decide(unescaped, (*repairs, "unescaped HTML", *scanned))
        return other if other.problem is None else reply
    return reply


def _clean(text: str) -> tuple[str, tuple[str, ...]]:
    """Remove what never belongs to a reply, and say what was removed."""
    repairs = []
    for name, cleaner in (
        ("normalised newlines", lambda t: t.replace("\r\n", "\n").replace("\r", "\n")),
        ("removed NUL characters", lambda t: t.replace("\x00", "")),
        ("replaced lone surrogates", _without_surrogates),
        ("removed odd spaces", lambda t: LINE_STARTS.sub("", t)),
        ("dropped role prefix", lambda t: ROLE.sub("", t, count=1) if ROLE.match(t) else t),
        ("dropped end token", _without_end_tokens),
    ):
        cleaned = cleaner(text)
        if cleaned != text:
            repairs.append(name)
        text = cleaned
    return text.strip("\n").rstrip(), tuple(repairs)


def _without_surrogates(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _without_end_tokens(text: str) -> str:
    kept = text.rstrip()
    for token in END_TOKENS:
        kept = kept.removesuffix(token).rstrip()
    return text if kept == text.rstrip() else kept


def _decide(parts: list[Part], repairs: tuple[str, ...]) -> Reply:
    if not any(part.kind in ("code", "truncated", "answer") for part in parts):
        parts, inner_repairs = _open_wrapper(parts)
        repairs = (*repairs, *inner_repairs)
    prose = "\n\n".join(part.text for part in parts if part.kind in ("prose", "thinking"))
    answer, thought = _answer(parts, prose)
    thought = _tidy(thought)
    codes = [part.text for part in parts if part.kind == "code"] or _untagged(parts)
    running = [code for code in codes if not does_nothing(code)]
    if running:
        return _code_reply(running, parts, thought, answer, repairs)
    if any(part.kind == "truncated" for part in parts):
        return _problem("truncated", thought, repairs)
    if answer is not None and answer not in PLACEHOLDERS:
        count = len({part.text for part in parts if part.kind == "answer"} - PLACEHOLDERS)
        if count > 1:
            repairs = (*repairs, f"took last of {count} answers")
        return Reply(thought=thought, answer=answer, repairs=repairs)
    if codes:
        return _problem("empty code", thought, repairs)
    return _unmarked(parts, thought, repairs, has_answer=answer is not None)


def _code_reply(
    codes: list[str],
    parts: list[Part],
    thought: str,
    answer: str | None,
    repairs: tuple[str, ...],
) -> Reply:
    if len(codes) > 1:
        repairs = (*repairs, f"joined {len(codes)} blocks")
    if not any(part.kind == "code" for part in parts):
        repairs = (*repairs, "code without a language")
    if any(part.kind == "truncated" for part in parts):
        repairs = (*repairs, "dropped cut-off block")
    if answer is not None:
        repairs = (*repairs, "ignored answer beside code")
    return Reply(thought=thought, code="\n".join(codes), repairs=repairs)


def _answer(parts: list[Part], prose: str) -> tuple[str | None, str]:
    """Return the last answer of a reply, or None, and the prose without a FINAL ANSWER line."""
    tagged = [part.text for part in parts if part.kind == "answer"]
    if tagged:
        return next((text for text in reversed(tagged) if text not in PLACEHOLDERS), ""), prose
    line = FINAL_ANSWER.search(prose)
    if line is None:
        return None, prose
    answer = line["answer"].strip()
    if not answer and (below := FINAL_ANSWER_BELOW.match(prose, line.end())):
        answer = below[1].strip()
    return answer.removesuffix("**").strip(), prose[: line.start()]


def _open_wrapper(parts: list[Part]) -> tuple[list[Part], tuple[str, ...]]:
    """Return the parts inside the first block that holds a whole reply, or `parts`."""
    for index, part in enumerate(parts):
        if part.kind != "other" or part.language not in WRAPPERS:
            continue
        inner, repairs = scan(part.text)
        if any(found.kind in ("code", "truncated", "answer") for found in inner):
            opened = [*parts[:index], *inner, *parts[index + 1 :]]
            return opened, (*repairs, "opened wrapping block")
    return parts, ()


def _untagged(parts: list[Part]) -> list[str]:
    """Return the blocks that name no language but do something when read as Python."""
    blocks = [part.text for part in parts if part.kind == "other" and not part.language]
    mended = [mend(block.strip("\n").rstrip())[0] for block in blocks if not is_json(block)]
    return [code for code in mended if looks_like_code(code)]


def _unmarked(
    parts: list[Part], thought: str, repairs: tuple[str, ...], *, has_answer: bool
) -> Reply:
    """Decide about a reply in which no marker tells code or an answer."""
    others = [part for part in parts if part.kind == "other"]
    for text, around in [*((part.text, thought) for part in others), (thought, "")]:
        if wrapped := unwrap_json(text):
            return _unwrapped(wrapped, around, repairs)
    if not others and (bare := _bare_code(thought)):
        code, before, mended = bare
        return Reply(thought=before, code=code, repairs=(*repairs, *mended, "code without a fence"))
    if has_answer:
        return _problem("empty answer", thought, repairs)
    if others:
        languages = " and ".join(dict.fromkeys(part.language or "plain text" for part in others))
        return _problem("not python", thought, repairs, languages=languages[:80])
    only_thinking = all(part.kind == "thinking" for part in parts)
    return _problem("only thinking" if only_thinking else "no action", thought, repairs)


def _unwrapped(wrapped: Wrapped, thought: str, repairs: tuple[str, ...]) -> Reply:
    thought = "\n\n".join(filter(None, (thought, wrapped.before, wrapped.thought)))
    if wrapped.code is not None:
        inner, _ = scan(wrapped.code)
        blocks = [part.text for part in inner if part.kind == "code"]
        code, mended = ("\n".join(blocks), ()) if blocks else mend(wrapped.code.strip("\n"))
        repair = "code from a tool call" if wrapped.from_call else "json-wrapped code"
        if does_nothing(code):
            return _problem("empty code", thought, (*repairs, repair))
        return Reply(thought=thought, code=code, repairs=(*repairs, repair, *mended))
    if wrapped.answer is not None and wrapped.answer.strip() not in PLACEHOLDERS:
        repairs = (*repairs, "json-wrapped answer")
        return Reply(thought=thought, answer=wrapped.answer.strip(), repairs=repairs)
    if wrapped.answer is not None:
        return _problem("empty answer", thought, repairs)
    reply = _problem("tool call", thought, repairs)
    if not wrapped.call:
        return reply
    form = TOOL_CALL_FORM.format(call=wrapped.call)
    return replace(reply, feedback=f"{LEADS['tool call']} {form}")


def _bare_code(text: str) -> tuple[str, str, tuple[str, ...]] | None:
    """Return code that stands without any mark, the prose before it, and the repairs it took."""
    candidates = [(text, "")]
    if labels := list(LABEL.finditer(text)):
        candidates.append((text[labels[-1].end() :], text[: labels[-1].start()].strip()))
    for candidate, before in candidates:
        code, repairs = mend(LABELLED_END.split(candidate, maxsplit=1)[0].strip())
        if looks_like_code(code):
            return code, before, repairs
    return None


def _tidy(thought: str) -> str:
    """Remove the labels that some prompts teach: a leading `Thought:`, a trailing `Code:`."""
    thought = thought.strip()
    if label := THOUGHT_LABEL.match(thought):
        thought = thought[label.end() :]
    if label := LAST_LABEL.search(thought, max(0, len(thought) - 20)):
        thought = thought[: label.start()]
    return thought.strip()


def _problem(name: str, thought: str, repairs: tuple[str, ...], **values: str) -> Reply:
    feedback = f"{LEADS[name].format(**values)} {FORM}"
    return Reply(thought=thought, problem=name, feedback=feedback, repairs=repairs)
