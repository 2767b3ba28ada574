"""Fetching from a real server that is as hostile as servers get."""

import asyncio
import gzip
import ipaddress
import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.web_server import Send, WebServer, redirect, response
from treeact.errors import ToolError
from treeact.tools.web.addresses import is_public
from treeact.tools.web.fetch import FetchLimits, fetch

LIMITS = FetchLimits(allow_private=True, max_bytes=100_000, seconds=5.0, silence=1.0, redirects=4)
PUBLIC_ONLY = FetchLimits(seconds=5.0, silence=1.0)


@pytest.fixture(scope="module")
def server() -> Iterator[WebServer]:
    with WebServer(ANSWERS) as server:
        yield server


def endless(send: Send, ended: threading.Event) -> None:
    send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    while not ended.is_set():
        send(b"x" * 10_000)


def slow(send: Send, ended: threading.Event) -> None:
    """Send a byte now and then, for ever: each comes before the silence is too long."""
    send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    while not ended.wait(0.2):
        send(b"x")


def slow_head(send: Send, ended: threading.Event) -> None:
    send(b"HTTP/1.1 200 OK\r\n")
    while not ended.wait(0.2):
        send(b"X-More: x\r\n")


def silent(send: Send, ended: threading.Event) -> None:
    ended.wait(20)


def endless_head(send: Send, ended: threading.Event) -> None:
    send(b"HTTP/1.1 200 OK\r\n")
    while not ended.is_set():
        send(b"X-More: " + b"x" * 10_000 + b"\r\n")


def cut_off(send: Send, ended: threading.Event) -> None:
    send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")


BOMB = gzip.compress(bytes(50_000_000))
ANSWERS = {
    "/plain": response(b"hello", content_type="text/plain; charset=latin-1"),
    "/once": redirect("/twice?x=1"),
    "/twice": redirect("plain"),
    "/circle": redirect("/circle"),
    "/to-file": redirect("file:///etc/passwd"),
    "/to-nothing": redirect("http://"),
    "/to-garbage": redirect("http://[::1"),
    "/no-location": response(b"stay", status="302 Found"),
    "/gone": response(b"", status="410 Gone"),
    "/huge": response(b"x" * 100_001),
    "/fits": response(b"x" * 100_000),
    "/lies": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nx",
    "/endless": endless,
    "/slow": slow,
    "/slow-head": slow_head,
    "/silent": silent,
    "/endless-head": endless_head,
    "/cut-off": cut_off,
    "/gzip": response(gzip.compress(b"small"), "Content-Encoding: gzip"),
    "/bomb": response(BOMB, "Content-Encoding: gzip"),
    "/bomb-in-bomb": response(gzip.compress(BOMB), "Content-Encoding: gzip, gzip"),
    "/not-gzip": response(b"plain", "Content-Encoding: gzip"),
    "/brotli": response(b"plain", "Content-Encoding: br"),
    "/not-http": b"SSH-2.0-OpenSSH_9.9\r\n",
    "/empty": b"",
}


async def test_what_is_there_is_got_with_what_the_server_says_of_it(server: WebServer) -> None:
    fetched = await fetch(f"{server.url}/plain#part", LIMITS)
    assert (fetched.data, fetched.content_type, fetched.charset) == (
        b"hello",
        "text/plain",
        "latin-1",
    )
    head = server.requests[-1]
    assert head.startswith("GET /plain HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{server.port}\r\n" in head


async def test_redirects_are_followed_and_the_last_address_is_told(server: WebServer) -> None:
    fetched = await fetch(f"{server.url}/once", LIMITS)
    assert fetched.data == b"hello"
    assert fetched.url == f"{server.url}/plain"


async def test_a_body_may_be_as_large_as_the_limit(server: WebServer) -> None:
    assert len((await fetch(f"{server.url}/fits", LIMITS)).data) == 100_000


async def test_compression_is_undone(server: WebServer) -> None:
    assert (await fetch(f"{server.url}/gzip", LIMITS)).data == b"small"
    assert (await fetch(f"{server.url}/no-location", LIMITS)).data == b"stay"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/circle", "redirects more than 4 times"),
        ("/to-file", "is no web address"),
        ("/to-nothing", "redirects more than"),
        ("/to-garbage", "is no URL"),
        ("/gone", "410 Gone"),
        ("/missing", "404 Not Found"),
        ("/huge", "is larger than"),
        ("/endless", "is larger than"),
        ("/bomb", "is larger than"),
        ("/bomb-in-bomb", "an encoding that is not read"),
        ("/brotli", "an encoding that is not read"),
        ("/not-gzip", "broke off"),
        ("/cut-off", "broke off"),
        ("/lies", "broke off"),
        ("/not-http", "cannot be had"),
        ("/empty", "cannot be had"),
        ("/endless-head", "cannot be had"),
        ("/silent", "has not answered for 1 seconds"),
    ],
)
async def test_what_cannot_be_got_is_an_observation(
    server: WebServer, path: str, says: str
) -> None:
    with pytest.raises(ToolError, match=says):
        await fetch(f"{server.url}{path}", LIMITS)


@pytest.mark.parametrize("path", ["/slow", "/slow-head"])
async def test_a_trickle_ends_with_the_time(server: WebServer, path: str) -> None:
    limits = FetchLimits(allow_private=True, seconds=1.0, silence=0.7)
    with pytest.raises(ToolError, match=r"was not there within 1 seconds"):
        await fetch(f"{server.url}{path}", limits)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "no url",
        "ftp://example.com/x",
        "file:///etc/passwd",
        "http:///x",
        "//example.com",
        "javascript:1",
    ],
)
async def test_only_web_addresses_are_fetched(url: str) -> None:
    with pytest.raises(ToolError, match=r"web address|no URL"):
        await fetch(url, LIMITS)


async def test_a_closed_port_is_an_observation() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        with pytest.raises(ToolError, match="cannot be had"):
            await fetch(url, LIMITS)


async def test_an_unknown_name_is_an_observation_with_the_remedy() -> None:
    with pytest.raises(ToolError, match="check the spelling"):
        await fetch("http://no-such-host.invalid/", LIMITS)


async def test_a_cancelled_fetch_lets_go(server: WebServer) -> None:
    task = asyncio.create_task(fetch(f"{server.url}/slow", LIMITS))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# Addresses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
    ],
)
async def test_every_way_to_write_loopback_is_refused(server: WebServer, host: str) -> None:
    seen = len(server.requests)
    with pytest.raises(ToolError, match="not on the public internet"):
        await fetch(f"http://{host}:{server.port}/plain", PUBLIC_ONLY)
    assert len(server.requests) == seen


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200",
        "168.63.129.16", "0.0.0.0", "192.0.0.192", "198.18.0.1", "224.0.0.1", "255.255.255.255",
        "240.0.0.1", "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1",
        "::ffff:10.0.0.1", "::10.0.0.1", "64:ff9b::a00:1", "64:ff9b::7f00:1", "64:ff9b:1::1",
        "::ffff:0:10.0.0.1", "2606:4700::5efe:10.0.0.1", "5f00::1", "3fff::1", "100:0:0:1::1",
        "2002:a00:1::", "2002:7f00:1::1", "2001:0:4136:e378:8000:63bf:f5ff:fffe", "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "::ffff:1.1.1.1"]
)
def test_addresses_that_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_address_within_another_is_judged_like_itself(inner: ipaddress.IPv4Address) -> None:
    for outer in (f"::ffff:{inner}", f"64:ff9b::{inner}"):
        assert is_public(ipaddress.ip_address(outer)) == is_public(inner)


@given(st.ip_addresses())
def test_nothing_that_python_calls_not_global_is_public(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    mapped = isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped
    if not address.is_global and not mapped:
        assert not is_public(address)


class Names:
    """Stands for the machine's resolver: gives each name its answers one after the other."""

    def __init__(self, answers: dict[str, list[list[str]]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, *args: object, **kwargs: object) -> list[object]:
        self.asked.append(host)
        answers = self.answers.get(host, [[host]])
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        family = {4: socket.AF_INET, 6: socket.AF_INET6}
        return [
            (family[ipaddress.ip_address(ip).version], socket.SOCK_STREAM, 6, "", (ip, port))
            for ip in found
        ]


async def test_a_public_name_of_a_private_address_is_refused(
    server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Names({"inside.example": [["127.0.0.1"]]}))
    seen = len(server.requests)
    with pytest.raises(ToolError, match=r"'inside.example' is at 127.0.0.1, which is not"):
        await fetch(f"http://inside.example:{server.port}/plain", PUBLIC_ONLY)
    assert len(server.requests) == seen


async def test_one_private_address_among_public_ones_is_enough_to_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", Names({"mixed.example": [["1.1.1.1", "10.0.0.1"]]}))
    with pytest.raises(ToolError, match="not on the public internet"):
        await fetch("http://mixed.example/", PUBLIC_ONLY)


async def test_a_name_that_changes_its_address_is_looked_up_once(
    server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Names({"rebind.example": [["192.88.98.1"], ["127.0.0.1"]]})
    monkeypatch.setattr(socket, "getaddrinfo", names)
    seen = len(server.requests)
    limits = FetchLimits(seconds=1.0, silence=0.5)
    with pytest.raises(ToolError, match=r"rebind\.example"):
        await fetch(f"http://rebind.example:{server.port}/plain", limits)
    assert names.asked.count("rebind.example") == 1
    assert len(server.requests) == seen, "the second answer must never be connected to"


async def test_a_redirect_is_checked_like_the_first_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first server is public by name; what it redirects to is not."""
    monkeypatch.setattr("treeact.tools.web.addresses.is_public", lambda a: str(a) == "127.0.0.1")
    with WebServer() as first, WebServer({"/secret": response(b"secret")}) as second:
        first.answers = {
            "/ip": redirect(f"http://127.0.0.2:{second.port}/secret"),
            "/name": redirect(f"http://inside.example:{second.port}/secret"),
            "/metadata": redirect("http://169.254.169.254/latest/meta-data/"),
        }
        names = Names({"inside.example": [["127.0.0.3"]]})
        monkeypatch.setattr(socket, "getaddrinfo", names)
        for path in ("/ip", "/name", "/metadata"):
            with pytest.raises(ToolError, match="not on the public internet"):
                await fetch(f"{first.url}{path}", PUBLIC_ONLY)
        assert first.paths == ["/ip", "/name", "/metadata"]
        assert second.requests == []


async def test_the_next_address_is_tried_when_one_refuses(
    server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Names({"two.example": [["127.0.0.9", "127.0.0.1"]]})
    monkeypatch.setattr(socket, "getaddrinfo", names)
    fetched = await fetch(f"http://two.example:{server.port}/plain", LIMITS)
    assert fetched.data == b"hello"
    assert f"Host: two.example:{server.port}\r\n" in server.requests[-1]


async def test_proxies_of_the_environment_are_not_used(
    server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with WebServer({"/plain": response(b"from the proxy")}) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert (await fetch(f"{server.url}/plain", LIMITS)).data == b"hello"
        assert proxy.requests == []
