"""Clients of the OpenAI interface: one for each event loop, no retries, no endless replies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from treeact.models.faults import OversizedReply

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    import httpx2
    import openai

MAX_REPLY_BYTES = 32 * 1024**2
"""Bytes of one reply on the wire, all samples and framing together."""
_CONNECT_SECONDS = 10.0


class Clients:
    """The clients of one model; connections belong to the event loop that opened them."""

    def __init__(self, base_url: str | None, api_key: str | None) -> None:
        self._base_url = base_url
        self._api_key = api_key
        self._by_loop: WeakKeyDictionary[AbstractEventLoop, openai.AsyncOpenAI] = (
            WeakKeyDictionary()
        )

    def get(self) -> openai.AsyncOpenAI:
        """Return the client of the running event loop."""
        import asyncio

        loop = asyncio.get_running_loop()
        if loop not in self._by_loop:
            self._by_loop[loop] = _make_client(self._base_url, self._api_key)
        return self._by_loop[loop]

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        import asyncio

        client = self._by_loop.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()


def _make_client(base_url: str | None, api_key: str | None) -> openai.AsyncOpenAI:
    """Return a client that never retries, follows no redirect and reads no endless reply."""
    import httpx2
    import openai

    http_client = httpx2.AsyncClient(
        timeout=httpx2.Timeout(None, connect=_CONNECT_SECONDS),
        follow_redirects=False,
        headers={"Accept-Encoding": "identity"},
        event_hooks={"response": [_cap_reply]},
    )
    return openai.AsyncOpenAI(
        api_key=api_key or "none",
        base_url=base_url,
        max_retries=0,
        timeout=http_client.timeout,
        http_client=http_client,
    )


async def _cap_reply(response: httpx2.Response) -> None:
    import httpx2

    if response.headers.get("content-encoding", "identity") != "identity":
        await response.aclose()
        raise OversizedReply("the server compressed its reply, which was not asked for")
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = _capped(response.stream)


def _capped(stream: httpx2.AsyncByteStream) -> httpx2.AsyncByteStream:
    import httpx2

    class Capped(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for piece in stream:
                size += len(piece)
                if size > MAX_REPLY_BYTES:
                    raise OversizedReply(f"the reply is longer than {MAX_REPLY_BYTES} bytes")
                yield piece

        async def aclose(self) -> None:
            await stream.aclose()

    return Capped()
