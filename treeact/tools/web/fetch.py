"""One HTTP request within limits: of addresses, redirects, bytes and seconds.

The name of each hop is resolved once, checked, and replaced by the address that was checked, so
that what is connected to is what was allowed. Proxies of the environment are not used, because a
proxy looks names up itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from treeact.errors import ToolError
from treeact.tools.web.addresses import resolve

if TYPE_CHECKING:
    import ssl

    import httpx2

REDIRECTS = (301, 302, 303, 307, 308)
ENCODINGS = ("", "identity", "gzip", "x-gzip", "deflate")
"""Encodings of a body that are undone, one at a time: each can grow a piece a thousandfold."""
HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/pdf;q=0.9,*/*;q=0.8",
    "Accept-Encoding": "gzip, deflate",
    "Accept-Language": "en;q=0.9,*;q=0.5",
    "User-Agent": "Mozilla/5.0 (compatible; TreeAct)",
}


@dataclass(frozen=True, kw_only=True)
class FetchLimits:
    """What one fetch may do."""

    max_bytes: int = 10 * 1024**2
    """Bytes of the body, after decompression."""
    seconds: float = 30.0
    """Seconds of the whole fetch, redirects included."""
    silence: float = 10.0
    """Seconds without a byte."""
    redirects: int = 10
    allow_private: bool = False
    """Whether private, loopback and link-local addresses may be visited."""


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A body, and what the server said of it."""

    url: str
    """Where it came from in the end."""
    content_type: str
    """The media type, in lower case, without parameters; empty when none was given."""
    charset: str
    """The charset that the header names; empty when it names none."""
    disposition: str
    """The whole Content-Disposition header, or nothing."""
    data: bytes


async def fetch(url: str, limits: FetchLimits) -> Fetched:
    """Get what is at `url`.

    Raises:
        ToolError: it may not or cannot be got; the text says why, for an agent.
    """
    try:
        async with asyncio.timeout(limits.seconds):
            return await _follow(url, limits)
    except TimeoutError:
        raise ToolError(
            f"{url} was not there within {limits.seconds:g} seconds: try another source"
        ) from None


async def _follow(url: str, limits: FetchLimits) -> Fetched:
    here = _parse(url)
    for _ in range(limits.redirects + 1):
        async with _open(here, limits) as response:
            if response.status_code not in REDIRECTS or "location" not in response.headers:
                return await _read(here, response, limits)
            here = _parse(response.headers["location"], base=here)
    raise ToolError(f"{url} redirects more than {limits.redirects} times, or in a circle")


def _parse(text: str, base: httpx2.URL | None = None) -> httpx2.URL:
    import httpx2

    try:
        url = base.join(text) if base is not None else httpx2.URL(text.strip())
        host = url.host
    except (httpx2.InvalidURL, ValueError, TypeError) as error:
        raise ToolError(f"{text[:200]!r} is no URL ({error})") from error
    if url.scheme not in ("http", "https") or not host:
        raise ToolError(f"{text[:200]!r} is no web address: give one with http:// or https://")
    return url.copy_with(fragment=None)


@asynccontextmanager
async def _open(url: httpx2.URL, limits: FetchLimits) -> AsyncIterator[httpx2.Response]:
    """Send the request to the first checked address that can be connected to."""
    import httpx2

    port = url.port or {"http": 80, "https": 443}[url.scheme]
    addresses = await resolve(url.host, port, allow_private=limits.allow_private)
    async with httpx2.AsyncClient(
        trust_env=False, timeout=limits.silence, verify=_certificates()
    ) as client:
        try:
            response = await _send(client, url, addresses)
        except httpx2.TimeoutException as error:
            raise ToolError(
                f"{url.host} has not answered for {limits.silence:g} seconds: try another source"
            ) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise ToolError(
                f"{url} cannot be had: {error or type(error).__name__}: try another source"
            ) from error
        try:
            yield response
        finally:
            await response.aclose()


@cache
def _certificates() -> ssl.SSLContext:
    """Return what certificates are checked by; reading it takes a tenth of a second."""
    import httpx2

    return httpx2.create_ssl_context()


async def _send(
    client: httpx2.AsyncClient, url: httpx2.URL, addresses: Sequence[str]
) -> httpx2.Response:
    import httpx2

    *others, last = addresses
    for address in others:
        try:
            return await client.send(_request(client, url, address), stream=True)
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            continue
    return await client.send(_request(client, url, last), stream=True)


def _request(client: httpx2.AsyncClient, url: httpx2.URL, address: str) -> httpx2.Request:
    """Return the request to one address; the certificate is still checked for the name."""
    return client.build_request(
        "GET",
        url.copy_with(host=address, userinfo=b""),
        headers={**HEADERS, "Host": url.netloc.decode("ascii")},
        extensions={"sni_hostname": url.raw_host.decode("ascii")},
    )


async def _read(url: httpx2.URL, response: httpx2.Response, limits: FetchLimits) -> Fetched:
    if response.status_code >= 400:
        raise ToolError(f"{url} was answered with {response.status_code} {response.reason_phrase}")
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ENCODINGS:
        raise ToolError(f"{url} comes in an encoding that is not read: {encoding[:100]!r}")
    data = await _body(url, response, limits)
    media_type, _, parameters = response.headers.get("content-type", "").partition(";")
    return Fetched(
        url=str(url),
        content_type=media_type.strip().lower(),
        charset=_charset(parameters),
        disposition=response.headers.get("content-disposition", ""),
        data=data,
    )


async def _body(url: httpx2.URL, response: httpx2.Response, limits: FetchLimits) -> bytes:
    import httpx2

    data = bytearray()
    try:
        async for piece in response.aiter_bytes():
            data += piece
            if len(data) > limits.max_bytes:
                most = limits.max_bytes / 1024**2
                raise ToolError(f"{url} is larger than {most:g} MB: look for a smaller part of it")
    except httpx2.TimeoutException as error:
        raise ToolError(f"{url} stopped coming for {limits.silence:g} seconds") from error
    except httpx2.HTTPError as error:
        raise ToolError(f"{url} broke off: {error or type(error).__name__}") from error
    return bytes(data)


def _charset(parameters: str) -> str:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip("\"'")[:40]
    return ""
