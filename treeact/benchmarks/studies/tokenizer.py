"""Counts tokens as cl100k does, from the vocabulary that LiteLLM brings: nothing is fetched."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from treeact.errors import ConfigError
from treeact.models.base import Message

if TYPE_CHECKING:
    from tiktoken import Encoding

VOCABULARY = "9b5ad71b2ce5302211f9c61530b329a4922fc6a4"
"""The file of cl100k_base in a cache of tiktoken's: the SHA-1 of the address it comes from."""
MESSAGE_TOKENS = 4
"""What a chat format adds to each message: where it begins and ends, and whose it is."""


def count_prompt(messages: Sequence[Message]) -> int:
    """Return the tokens of a prompt."""
    return sum(MESSAGE_TOKENS + count_tokens(message.content) for message in messages)


@lru_cache(maxsize=4096)
def count_tokens(text: str) -> int:
    """Return the tokens of a text.

    Raises:
        ConfigError: the vocabulary, or what reads it, is not installed.
    """
    return len(_encoding().encode(text, disallowed_special=()))


@cache
def _encoding() -> Encoding:
    try:
        import tiktoken
    except ImportError as error:
        raise ConfigError(
            "counting tokens needs tiktoken, which is not installed: pip install 'treeact[studies]'"
        ) from error
    folder = _vocabularies()
    if not (folder / VOCABULARY).is_file():
        raise ConfigError(
            f"{folder} has no vocabulary of cl100k: install a LiteLLM that brings it along"
        )
    with _cache_of_tiktoken(folder):
        return tiktoken.get_encoding("cl100k_base")


def _vocabularies() -> Path:
    """Return LiteLLM's folder of vocabularies; the package itself is slow to import."""
    spec = find_spec("litellm")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError("LiteLLM, which has the vocabulary of cl100k, is not installed")
    return Path(spec.submodule_search_locations[0], "litellm_core_utils", "tokenizers")


@contextmanager
def _cache_of_tiktoken(folder: Path) -> Iterator[None]:
    name = "TIKTOKEN_CACHE_DIR"
    before = os.environ.get(name)
    os.environ[name] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
