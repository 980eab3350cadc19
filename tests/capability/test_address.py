"""Which addresses are public, by a table from both sides of every border."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_wasm.capability import address

SORTS = [
    ("0.0.0.0", "reserved"),
    ("0.255.255.255", "reserved"),
    ("1.0.0.0", "public"),
    ("9.255.255.255", "public"),
    ("10.0.0.0", "private"),
    ("10.255.255.255", "private"),
    ("11.0.0.0", "public"),
    ("100.63.255.255", "public"),
    ("100.64.0.0", "private"),
    ("100.127.255.255", "private"),
    ("100.128.0.0", "public"),
    ("126.255.255.255", "public"),
    ("127.0.0.0", "private"),
    ("127.255.255.255", "private"),
    ("128.0.0.0", "public"),
    ("169.253.255.255", "public"),
    ("169.254.0.0", "private"),
    ("169.254.255.255", "private"),
    ("169.255.0.0", "public"),
    ("172.15.255.255", "public"),
    ("172.16.0.0", "private"),
    ("172.31.255.255", "private"),
    ("172.32.0.0", "public"),
    ("192.0.0.1", "reserved"),
    ("192.0.1.0", "public"),
    ("192.0.2.1", "reserved"),
    ("192.88.99.1", "reserved"),
    ("192.167.255.255", "public"),
    ("192.168.0.0", "private"),
    ("192.168.255.255", "private"),
    ("192.169.0.0", "public"),
    ("198.17.255.255", "public"),
    ("198.18.0.0", "private"),
    ("198.19.255.255", "private"),
    ("198.20.0.0", "public"),
    ("198.51.100.7", "reserved"),
    ("203.0.113.7", "reserved"),
    ("223.255.255.255", "public"),
    ("224.0.0.0", "reserved"),
    ("239.255.255.255", "reserved"),
    ("240.0.0.0", "reserved"),
    ("255.255.255.255", "reserved"),
    ("8.8.8.8", "public"),
    ("169.254.169.254", "metadata"),
    ("169.254.169.255", "private"),
    ("100.100.100.200", "metadata"),
    ("168.63.129.16", "metadata"),
    ("168.63.129.17", "public"),
    ("192.0.0.192", "metadata"),
    ("::", "reserved"),
    ("::1", "private"),
    ("::2", "reserved"),
    ("::7f00:1", "private"),
    ("::ffff:8.8.8.8", "private"),
    ("::ffff:127.0.0.1", "private"),
    ("::ffff:169.254.169.254", "metadata"),
    ("::ffff:0.0.0.0", "reserved"),
    ("::ffff:224.0.0.1", "reserved"),
    ("::ffff:0:10.0.0.1", "private"),
    ("64:ff9b::8.8.8.8", "public"),
    ("64:ff9b::10.0.0.1", "private"),
    ("64:ff9b::169.254.169.254", "metadata"),
    ("64:ff9b::240.0.0.1", "reserved"),
    ("64:ff9b:1::8.8.8.8", "private"),
    ("64:ff9b:2::8.8.8.8", "reserved"),
    ("100::1", "reserved"),
    ("2001::1", "reserved"),
    ("2001:0:4136:e378:8000:63bf:f7f7:f7f7", "private"),
    ("2001:0:4136:e378:8000:63bf:5601:5601", "metadata"),
    ("2001:1ff:ffff::1", "reserved"),
    ("2001:200::1", "public"),
    ("2001:db8::1", "reserved"),
    ("2001:4860:4860::8888", "public"),
    ("2002:7f00:1::1", "private"),
    ("2002:808:808::1", "private"),
    ("2002:a9fe:a9fe::1", "metadata"),
    ("2606:4700:4700::1111", "public"),
    ("3fff::1", "reserved"),
    ("4000::1", "reserved"),
    ("5f00::1", "reserved"),
    ("fbff::1", "reserved"),
    ("fc00::1", "private"),
    ("fdff::1", "private"),
    ("fd00:ec2::254", "metadata"),
    ("fd00:ec2::255", "private"),
    ("fd20:ce::254", "metadata"),
    ("fe7f::1", "reserved"),
    ("fe80::1", "private"),
    ("febf::1", "private"),
    ("fec0::1", "private"),
    ("ff02::1", "reserved"),
]


@pytest.mark.parametrize(("text", "sort"), SORTS)
def test_every_address_is_of_one_sort(text: str, sort: str) -> None:
    assert address.sort(ipaddress.ip_address(text))[0] == sort


@pytest.mark.parametrize(("text", "sort"), SORTS)
def test_what_is_not_public_needs_more_than_a_host(text: str, sort: str) -> None:
    ip = ipaddress.ip_address(text)
    assert (address.refusal(ip, private=False) == "") is (sort == "public")
    assert (address.refusal(ip, private=True) == "") is (sort in ("public", "private"))
    assert (address.refusal(ip, private=True, hosts=[text]) == "") is (sort != "reserved")
    assert (address.refusal(ip, private=False, hosts=[text]) == "") is (sort == "public")


def test_a_metadata_service_is_not_named_by_a_pattern_or_another_address() -> None:
    ip = ipaddress.ip_address("169.254.169.254")
    for hosts in (["*"], ["169.254.169.253"], ["metadata.internal"], ["*.254"], ["2852039166"]):
        assert address.refusal(ip, private=True, hosts=hosts)
    assert not address.refusal(ip, private=True, hosts=["other.example", "169.254.169.254"])


def test_a_refusal_says_what_the_address_is_and_what_it_needs() -> None:
    def told(text: str, private: bool = False) -> str:
        return address.refusal(ipaddress.ip_address(text), private)

    assert told("127.0.0.1") == "127.0.0.1 is a loopback address, which needs private = true in the grant"
    assert "(10.0.0.1) in IPv6 form" in told("64:ff9b::10.0.0.1")
    assert "metadata service of most clouds" in told("169.254.169.254", private=True)
    assert told("255.255.255.255").endswith("which no grant allows")


@given(st.ip_addresses(v=4))
def test_an_address_in_ipv6_form_is_never_more_public_than_itself(ip: ipaddress.IPv4Address) -> None:
    bits = int(ip)
    forms = [bits, 0xFFFF << 32 | bits, 0x64FF9B << 96 | bits, 0x2002 << 112 | bits << 80,
             0x2001 << 112 | (bits ^ 0xFFFFFFFF)]  # fmt: skip
    rank = ["public", "private", "metadata", "reserved"]
    for form in forms:
        six = ipaddress.IPv6Address(form)
        if form > 1:
            assert rank.index(address.sort(six)[0]) >= rank.index(address.sort(ip)[0]), six


@given(st.ip_addresses())
def test_what_python_calls_local_is_never_public(ip: address.Address) -> None:
    if ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip.is_private:
        nat64 = isinstance(ip, ipaddress.IPv6Address) and ip in ipaddress.ip_network("64:ff9b::/96")
        assert nat64 or address.sort(ip)[0] != "public"


PARSED = [
    ("127.0.0.1", "127.0.0.1"),
    ("::1", "::1"),
    ("[::1]", "::1"),
    ("0:0:0:0:0:0:0:1", "::1"),
    ("::FFFF:1.2.3.4", "::ffff:102:304"),
    ("127.1", None),
    ("127.0.0.01", None),
    ("0x7f.0.0.1", None),
    ("2130706433", None),
    ("[127.0.0.1]", None),
    ("[::1", None),
    ("fe80::1%eth0", None),
    ("１.1.1.1", None),
    ("", None),
    (" 1.1.1.1", None),
]


@pytest.mark.parametrize(("text", "value"), PARSED)
def test_an_address_is_read_in_its_usual_form_only(text: str, value: str | None) -> None:
    found = address.parse(text)
    assert found == (None if value is None else ipaddress.ip_address(value))
