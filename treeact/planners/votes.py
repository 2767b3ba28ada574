"""Votes by letter: how deciders put options to those who choose, and count what comes back."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from string import ascii_uppercase

from treeact.planners.protocols import Proposal

_VOTE = re.compile(r"[\s(\[<*_'\"`]*([A-Za-z]{1,3})(?![A-Za-z'])(\s+[A-Za-z])?")


def option_letters(count: int) -> list[str]:
    """Return the letters of `count` options: A to Z, then AA, AB and so on."""
    return [_letters(number) for number in range(count)]


def count_votes(replies: Sequence[str], options: Sequence[Proposal]) -> int | None:
    """Return the index of the option that most replies name, or None when none names one.

    A reply names an option when it begins with the option's letter, bare or in brackets. Ties go to
    the option that more plans support, then to the first.

    Args:
        replies: one a vote; what is no vote, or for no option, is not counted.
        options: what was voted on, lettered by `option_letters`.
    """
    indices = {letter: index for index, letter in enumerate(option_letters(len(options)))}
    named = (indices.get(_named(reply)) for reply in replies)
    votes = Counter(index for index in named if index is not None)
    if not votes:
        return None
    return max(sorted(votes), key=lambda index: (votes[index], options[index].votes))


def _letters(number: int) -> str:
    letters = ""
    number += 1
    while number:
        number, digit = divmod(number - 1, len(ascii_uppercase))
        letters = ascii_uppercase[digit] + letters
    return letters


def _named(reply: str) -> str:
    """Return the letters that a reply begins with, or nothing."""
    found = _VOTE.match(reply)
    if not found:
        return ""
    letters, word_follows = found.groups()
    if word_follows and (letters in ("A", "I") or letters.islower()):
        return ""  # the first word of a sentence, not a vote
    return letters.upper()
