"""Which network addresses a fetch may connect to."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence

from treeact.errors import ToolError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

NEVER_PUBLIC = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8",  # this host
            "100.64.0.0/10",  # carrier-grade NAT, and one cloud's metadata
            "168.63.129.16/32",  # a public number, but a cloud's metadata
            "192.0.0.0/24",  # protocol assignments, and one cloud's metadata
            "192.88.99.0/24",  # 6to4 relays
            "198.18.0.0/15",  # benchmarks
            "240.0.0.0/4",
            "2001:db8::/32",
            "3fff::/20",  # documentation
        ),
    )
)
"""What Python's own list of addresses that are not global leaves out in one version or another."""
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
"""Where IPv6 has the public internet (IANA, Internet Protocol Version 6 Address Space)."""
ISATAP = (0x5EFE, 0x02005EFE)
"""What stands before the IPv4 address that a tunnel within a site leads to (RFC 5214)."""
TRANSLATED = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Return whether an address, and any other that it stands for, is on the public internet."""
    return all(map(_is_global, (address, *_embedded(address))))


def _is_global(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped or address in TRANSLATED:
            return True  # what it stands for decides
        if address not in GLOBAL_UNICAST:
            return False
    return (
        address.is_global
        and not address.is_multicast
        and not any(address in network for network in NEVER_PUBLIC)
    )


def _embedded(address: Address) -> list[Address]:
    """Return the IPv4 addresses that an IPv6 address makes a router connect to."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found: list[Address | None] = [address.ipv4_mapped, address.sixtofour]
    found += address.teredo or ()
    low = int(address) & 0xFFFFFFFF
    if address in TRANSLATED or int(address) >> 32 & 0xFFFFFFFF in ISATAP:
        found.append(ipaddress.IPv4Address(low))
    return [item for item in found if item is not None]


async def resolve(host: str, port: int, *, allow_private: bool) -> Sequence[str]:
    """Return the addresses of a host, in the resolver's order, each fit to connect to.

    The caller is to connect to one of these and to nothing else: a second look-up could give
    another answer.

    Raises:
        ToolError: there are none, or one of them is not public.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ToolError(
            f"the address of {host!r} cannot be found ({error}): check the spelling; "
            "if no name can be found, this machine has no network"
        ) from error
    addresses = list(dict.fromkeys(str(item[4][0]) for item in found))
    for address in addresses:
        if not allow_private and not is_public(ipaddress.ip_address(address.partition("%")[0])):
            raise ToolError(
                f"{host!r} is at {address}, which is not on the public internet: "
                "only public addresses may be visited"
            )
    return addresses
