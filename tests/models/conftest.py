from collections.abc import Iterator

import pytest

from tests.models.support import Book
from tests.support.openai_server import OpenAIServer


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server
