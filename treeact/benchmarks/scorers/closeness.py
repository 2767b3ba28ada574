"""How wrong a wrong answer is: told beside a score, never counted in it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from difflib import SequenceMatcher

from treeact.benchmarks.answers import as_number, bare_answer, unwrap

Judge = Callable[[str, str], bool]
"""Tells whether an answer is right, given the truth."""

ALIKE = 0.8
"""Similarity of letters from which an answer is a near miss."""
_LONGEST = 200

_NUMBER = re.compile(
    r"[-+]?(?:(?:\d{1,3}(?:[ ,'_]\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)(?:e[-+]?\d+)?"
)
_GROUPED = re.compile(r"[^\w\s-]?(-?\d{1,3}(?:,\d{3})+(?:\.\d+)?) ?[^\w\s]?")
_ACCOUNTED = re.compile(r"\(([\d.,' ]+)\)")
_SEPARATORS = re.compile(r"[,;\n]\s*(?:and|&)\s|[,;\n]|\s(?:and|&)\s")
_BULLET = re.compile(r"(?:[-*•]|\d{1,2}[.)])\s+")
_ARTICLE = re.compile(r"(?:the|an?)\s+")
_LOOK_ALIKE = str.maketrans(
    {
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("‘’‚′", "'"),
        **dict.fromkeys("“”„″«»", '"'),
        **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad", None),
    }
)


def is_near(answer: str, truth: str) -> bool:
    """Return whether a wrong answer in words is close to the truth.

    It is where, of letters and digits alone and whatever their case, those of the truth stand in
    the answer in their order, and it has half to twice as many (the rule for close calls of
    smolagents' GAIA example); or where the two are alike by at least 0.8, twice the letters in
    matching blocks over all letters (Ratcliff and Obershelp). A number is never close, nor is
    anything to a truth of more than 200 letters.
    """
    said, wanted = _letters(answer), _letters(truth)
    if (
        not wanted
        or as_number(truth) is not None
        or not len(wanted) <= 2 * len(said) <= 4 * len(wanted)
    ):
        return False
    if len(wanted) > _LONGEST:
        return False
    rest = iter(said)
    if all(letter in rest for letter in wanted):
        return True
    return SequenceMatcher(None, said, wanted, autojunk=False).ratio() >= ALIKE


def is_bad_form(answer: str, truth: str, right: Judge) -> bool:
    """Return whether a wrong answer is right once its form is cleaned up.

    The clean-up: what stands behind `FINAL ANSWER:` alone; look-alikes of quotes, dashes and
    letters as plain ones (Unicode NFKC, case folded), invisible characters dropped; quotes,
    brackets, bold type, a full stop or an article around the whole. For a truth that is a number,
    the only number in the answer, without units, signs of currency and separators of thousands,
    negative in brackets; a truth such as `$1,000` counts as a number here. For a list, elements
    parted by commas, semicolons, lines or `and`, without bullets and empty ends, each cleaned up.

    Args:
        answer: the wrong answer.
        truth: the expected answer; one without a letter or digit has no form.
        right: the scorer.
    """
    said, wanted = _plain(bare_answer(answer) or ""), _plain(truth)
    return bool(_letters(wanted)) and _right_when_clean(said, wanted, right)


def _right_when_clean(said: str, wanted: str, right: Judge) -> bool:
    if grouped := _GROUPED.fullmatch(wanted):
        wanted = grouped[1].replace(",", "")
    if as_number(wanted) is not None:
        return any(right(number, wanted) for number in _only_number(said))
    if re.search("[,;]", wanted):
        return _list_is_right(said, wanted, right)
    bare = unwrap(said)
    return right(bare, wanted) or right(_ARTICLE.sub("", bare, count=1), wanted)


def _list_is_right(said: str, wanted: str, right: Judge) -> bool:
    elements = [_BULLET.sub("", part, count=1) for part in _SEPARATORS.split(unwrap(said))]
    elements = [element for element in map(unwrap, elements) if element]
    truths = [part.strip() for part in re.split("[,;]", wanted) if part.strip()]
    return len(elements) == len(truths) and all(
        _right_when_clean(element, truth, right)
        for element, truth in zip(elements, truths, strict=True)
    )


def _only_number(text: str) -> list[str]:
    """Return the number of a text with one, and as a loss where accountants would read it so."""
    found = _NUMBER.findall(text)
    if len(found) != 1:
        return []
    number = re.sub("[ ,'_]", "", found[0])
    return [number, f"-{number}"] if _ACCOUNTED.fullmatch(text.strip()) else [number]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text.translate(_LOOK_ALIKE)).casefold().strip()


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))
