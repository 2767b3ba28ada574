"""Fixtures of several agents' tests."""

from typing import Any

import pytest

from treeact import tool


@pytest.fixture
def outbox() -> list[str]:
    return []


@pytest.fixture
def send(outbox: list[str]) -> Any:
    @tool(effects="write")
    def send(text: str) -> None:
        """Send a text.

        Args:
            text: what to send.
        """
        if text == "too much":
            raise ValueError("the line is down")
        outbox.append(text)

    return send
