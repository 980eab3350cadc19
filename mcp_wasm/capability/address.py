"""Which IP addresses a guest may be connected to, decided before any packet is sent.

Pure. A name says nothing of where it leads: whoever owns it can let it resolve
to a machine of the person's own. So every address, resolved or written as a
literal, is judged here by the tables below; they are this module's own and not
``ipaddress.is_global``, which changes with the Python that runs.

An address is public, private (only for a grant with ``private``), reserved
(never), or a metadata service of a cloud, which hands credentials to whoever can
reach it: that one needs ``private`` and a grant that names this very address.
An IPv6 address that carries an IPv4 address is judged by that one too.

Sources: the IANA special-purpose registries for IPv4 and IPv6; RFC 6052 and 8215
(NAT64), 3056 (6to4), 4380 (Teredo), 4291 (mapped and compatible addresses).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Sort: TypeAlias = Literal["public", "private", "reserved", "metadata"]
_Network: TypeAlias = IPv4Network | IPv6Network

METADATA: Mapping[Address, str] = {
    ip_address(text): whose
    for text, whose in (
        ("169.254.169.254", "most clouds"),
        ("169.254.169.253", "the resolver of Amazon's network"),
        ("169.254.170.2", "Amazon's containers"),
        ("169.254.170.23", "Amazon's Kubernetes"),
        ("100.100.100.200", "Alibaba's cloud"),
        ("168.63.129.16", "Microsoft's cloud"),
        ("192.0.0.192", "Oracle's cloud"),
        ("fd00:ec2::254", "Amazon's cloud"),
        ("fd00:ec2::23", "Amazon's Kubernetes"),
        ("fd20:ce::254", "Google's cloud"),
        ("fd00:c1::a9fe:a9fe", "Oracle's cloud"),
        ("fe80::a9fe:a9fe", "OpenStack"),
    )
}
"""Metadata services of clouds, by address."""

_V4: tuple[tuple[str, Sort, str], ...] = (
    ("0.0.0.0/8", "reserved", "an unspecified address"),
    ("10.0.0.0/8", "private", "an address of a private network"),
    ("100.64.0.0/10", "private", "an address of a provider's own network"),
    ("127.0.0.0/8", "private", "a loopback address"),
    ("169.254.0.0/16", "private", "a link-local address"),
    ("172.16.0.0/12", "private", "an address of a private network"),
    ("192.0.0.0/24", "reserved", "a reserved address"),
    ("192.0.2.0/24", "reserved", "an address for examples"),
    ("192.88.99.0/24", "reserved", "an address of obsolete relays"),
    ("192.168.0.0/16", "private", "an address of a private network"),
    ("198.18.0.0/15", "private", "an address for tests of networks"),
    ("198.51.100.0/24", "reserved", "an address for examples"),
    ("203.0.113.0/24", "reserved", "an address for examples"),
    ("224.0.0.0/4", "reserved", "a multicast address"),
    ("255.255.255.255/32", "reserved", "the broadcast address"),
    ("240.0.0.0/4", "reserved", "a reserved address"),
    ("0.0.0.0/0", "public", ""),
)
_V6: tuple[tuple[str, Sort, str], ...] = (
    ("::/128", "reserved", "an unspecified address"),
    ("::1/128", "private", "a loopback address"),
    ("::/96", "private", "an IPv4 address in an obsolete IPv6 form"),
    ("::ffff:0:0/96", "private", "an IPv4 address in IPv6 form"),
    ("::ffff:0:0:0/96", "private", "an IPv4 address in IPv6 form"),
    ("64:ff9b::/96", "public", ""),
    ("64:ff9b:1::/48", "private", "an IPv4 address behind a private translator"),
    ("2001::/32", "private", "an address of an obsolete tunnel"),
    ("2001::/23", "reserved", "a reserved address"),
    ("2001:db8::/32", "reserved", "an address for examples"),
    ("2002::/16", "private", "an address of an obsolete tunnel"),
    ("3fff::/20", "reserved", "an address for examples"),
    ("2000::/3", "public", ""),
    ("fc00::/7", "private", "an address of a private network"),
    ("fe80::/10", "private", "a link-local address"),
    ("fec0::/10", "private", "an address of a private network"),
    ("ff00::/8", "reserved", "a multicast address"),
    # What lies outside 2000::/3 and is not named was never given to anybody.
    ("::/0", "reserved", "a reserved address"),
)


def _table(rows: tuple[tuple[str, Sort, str], ...]) -> tuple[tuple[_Network, Sort, str], ...]:
    return tuple((ip_network(network), sort, words) for network, sort, words in rows)


_TABLES = {4: _table(_V4), 6: _table(_V6)}
"""By version; the first network that holds an address decides."""

_EMBEDDED: tuple[tuple[IPv6Network, int], ...] = tuple(
    (IPv6Network(network), shift)
    for network, shift in (
        ("::/96", 0),
        ("::ffff:0:0/96", 0),
        ("::ffff:0:0:0/96", 0),
        ("64:ff9b::/96", 0),
        ("64:ff9b:1::/48", 0),
        ("2002::/16", 80),
        ("2001::/32", 0),
    )
)
"""Where an IPv6 address carries an IPv4 address: how many bits stand behind it."""

_TEREDO = IPv6Network("2001::/32")
_SELF = (IPv6Address("::"), IPv6Address("::1"))


def parse(text: str) -> Address | None:
    """The address that ``text`` writes in its usual form, or None.

    IPv4 is four decimal numbers without leading zeros, IPv6 has no zone; a
    bracketed IPv6 address is taken as the authority of a URL has it.
    """
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
        if ":" not in text:
            return None
    if "%" in text or not text.isascii():
        return None
    try:
        return ip_address(text)
    except ValueError:
        return None


def sort(ip: Address) -> tuple[Sort, str]:
    """Which sort of address ``ip`` is, and what it is in words; no words for a public one."""
    if ip in METADATA:
        return "metadata", f"the metadata service of {METADATA[ip]}"
    own, words = next((s, words) for network, s, words in _TABLES[ip.version] if ip in network)
    inner = embedded(ip) if isinstance(ip, IPv6Address) else None
    if inner is None or own == "reserved":
        return own, words
    carried, inner_words = sort(inner)
    if carried == "public":
        return own, words
    return carried, f"{inner_words} ({inner}) in IPv6 form"


def embedded(ip: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that ``ip`` carries (mapped, compatible, NAT64, 6to4, Teredo's client), or None."""
    if ip in _SELF:
        return None
    for network, shift in _EMBEDDED:
        if ip in network:
            bits = (int(ip) >> shift) & 0xFFFF_FFFF
            return IPv4Address(bits ^ 0xFFFF_FFFF if network == _TEREDO else bits)
    return None


def refusal(ip: Address, private: bool, hosts: Iterable[str] = ()) -> str:
    """Why a guest must not be connected to ``ip``, as a phrase; ``""`` if it may.

    ``private`` and ``hosts`` are those of the grant. With ``private`` the
    addresses of loopback, of links and of private networks may be reached;
    multicast, unspecified and reserved ones never, and a metadata service only
    where ``hosts`` names this very address.
    """
    kind, words = sort(ip)
    if kind == "public" or (kind == "private" and private):
        return ""
    told = f"{ip} is {words}"
    if kind == "private":
        return f"{told}, which needs private = true in the grant"
    if kind == "metadata":
        if private and any(parse(host) == ip for host in hosts):
            return ""
        return f"{told}, which needs a grant that names this address and has private = true"
    return f"{told}, which no grant allows"
