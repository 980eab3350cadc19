"""Which attempt is covered by a grant: tables from both sides, and the sentences of refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_wasm.capability import match
from mcp_wasm.capability.grant import NOTHING, Grant, Grants, KeyValue, Network, Nn, Secret, Tools, gather
from mcp_wasm.capability.llm import Llm
from mcp_wasm.capability.messaging import Messaging

API = Network(("api.example.com", "*.example.org"), rule="grants.fetch.network[0]")
LOCAL = Network(("127.0.0.1", "::1"), ("http",), (8080,), ("GET", "POST"), private=True)
ANY = Network(("*",), ("http", "https"), methods=("*",))

REQUESTS = [
    (API, "GET", "https", "api.example.com", 443, True),
    (API, "HEAD", "https", "API.example.com.", 443, True),
    (API, "get", "https", "api.example.com", 443, True),
    (API, "GET", "HTTPS", "a.b.example.org", 443, True),
    (API, "POST", "https", "api.example.com", 443, False),
    (API, "GET", "http", "api.example.com", 80, False),
    (API, "GET", "https", "api.example.com", 8443, False),
    (API, "GET", "https", "api.example.com", 80, False),
    (API, "GET", "https", "example.org", 443, False),
    (API, "GET", "https", "www.api.example.com", 443, False),
    (API, "GET", "https", "", 443, False),
    (API, "GET", "https", "api.example.com@evil.org", 443, False),
    (API, "GET", "ftp", "api.example.com", 443, False),
    (LOCAL, "POST", "http", "127.0.0.1", 8080, True),
    (LOCAL, "GET", "http", "[::1]", 8080, True),
    (LOCAL, "GET", "http", "0:0::1", 8080, True),
    (LOCAL, "GET", "http", "127.0.0.1", 80, False),
    (LOCAL, "GET", "http", "127.0.0.1", 8081, False),
    (LOCAL, "GET", "http", "127.1", 8080, False),
    (LOCAL, "GET", "http", "2130706433", 8080, False),
    (LOCAL, "GET", "http", "127.0.0.2", 8080, False),
    (ANY, "DELETE", "http", "anything.example", 80, True),
    (ANY, "GET", "https", "8.8.8.8", 443, True),
    (ANY, "GET", "https", "127.0.0.1", 443, False),
    (ANY, "GET", "https", "10.0.0.1", 443, False),
    (ANY, "GET", "http", "169.254.169.254", 80, False),
    (ANY, "GET", "https", "::1", 443, False),
    (ANY, "GET", "https", "::ffff:127.0.0.1", 443, False),
    (Network(("169.254.169.254",), ("http",)), "GET", "http", "169.254.169.254", 80, False),
    (Network(("169.254.169.254",), ("http",), private=True), "GET", "http", "169.254.169.254", 80, True),
    (Network(("*",), ("http",), private=True), "GET", "http", "169.254.169.254", 80, False),
    (Network(("*",), ("http",), private=True), "GET", "http", "10.1.2.3", 80, True),
    (Network(("*",), ("http",), private=True), "GET", "http", "224.0.0.1", 80, False),
    (Network(()), "GET", "https", "api.example.com", 443, False),
]


@pytest.mark.parametrize(("grant", "method", "scheme", "host", "port", "allowed"), REQUESTS)
def test_a_request_is_covered_or_not(  # noqa: PLR0917 - the columns of the table
    grant: Network, method: str, scheme: str, host: str, port: int, allowed: bool
) -> None:
    decision = match.network(gather([grant]), "fetch", method, scheme, host, port)
    assert decision.grant == (grant if allowed else None)
    assert decision.rule
    assert not decision.rule.endswith(".")


@pytest.mark.parametrize(("grant", "method", "scheme", "host", "port", "allowed"), REQUESTS)
def test_what_a_refusal_proposes_covers_the_attempt(  # noqa: PLR0917 - the columns of the table
    grant: Network, method: str, scheme: str, host: str, port: int, allowed: bool
) -> None:
    wanted = match.network(gather([grant]), "fetch", method, scheme, host, port).wanted
    if wanted is not None:
        assert not allowed
        assert match.network(gather([wanted]), "fetch", method, scheme, host, port).grant is wanted


def test_the_first_grant_that_allows_decides() -> None:
    first = Network(("example.com",), methods=("POST",), rule="first")
    second = Network(("*.com", "example.com"), rule="second")
    third = Network(("example.com",), requests=1, rule="third")
    decision = match.network(gather([first, second, third]), "fetch", "GET", "https", "example.com", 443)
    assert decision.grant is second
    assert decision.rule.startswith("second allows")


def test_no_grant_at_all_is_told_with_the_component() -> None:
    decision = match.network(NOTHING, "fetch", "GET", "https", "example.com", 443)
    assert decision.rule == "no grant of network to fetch"
    assert decision.wanted == Network(("example.com",), methods=("GET",))


def test_why_grants_wait_is_told_in_their_place() -> None:
    decision = match.network(Grants(waiting="its bytes changed"), "fetch", "GET", "https", "example.com", 443)
    assert decision.rule == "its bytes changed"


NEAREST = [
    ("POST", "https", "api.example.com", 443, "grants.fetch.network[0] allows GET, HEAD to api.example.com"),
    ("GET", "http", "x.example.org", 80, "grants.fetch.network[0] allows"),
    ("GET", "https", "other.example", 443, "grants.fetch.network[0] allows"),
    ("GET", "http", "127.0.0.1", 9, "what was allowed for now allows GET, POST to 127.0.0.1, ::1 over http"),
    ("GET", "https", "127.1", 443, "no host"),
]


@pytest.mark.parametrize(("method", "scheme", "host", "port", "rule"), NEAREST)
def test_a_refusal_names_the_nearest_grant(method: str, scheme: str, host: str, port: int, rule: str) -> None:
    decision = match.network(gather([API, LOCAL]), "fetch", method, scheme, host, port)
    assert rule in decision.rule


def test_an_address_that_is_kept_out_is_told_with_its_grant() -> None:
    rule = match.network(gather([ANY]), "fetch", "GET", "https", "127.0.0.1", 443).rule
    assert rule.endswith("127.0.0.1 is a loopback address, which needs private = true in the grant")


HOPELESS = [
    ("GET", "ftp", "a.example", 21),
    ("GET", "https", "255.255.255.255", 443),
    ("G T", "https", "a", 443),
]


@pytest.mark.parametrize(("method", "scheme", "host", "port"), HOPELESS)
def test_nothing_is_proposed_where_no_grant_could_allow_it(
    method: str, scheme: str, host: str, port: int
) -> None:
    assert match.network(NOTHING, "fetch", method, scheme, host, port).wanted is None


NAMES = [
    ("exact", "exact", True),
    ("exact", "exactly", False),
    ("exact", "Exact", False),
    ("pre*", "pre", True),
    ("pre*", "prefix", True),
    ("pre*", "pr", False),
    ("pre*", "Prefix", False),
    ("*", "anything", True),
    ("*", "", True),
    ("a*b", "a*b", True),
    ("a*b", "axb", False),
    ("", "", True),
    ("", "x", False),
    ("a?", "ab", False),
    ("[ab]", "a", False),
]


@pytest.mark.parametrize(("pattern", "given", "fits"), NAMES)
def test_a_name_fits_exactly_or_by_its_prefix(pattern: str, given: str, fits: bool) -> None:
    assert match.name(pattern, given) is fits
    grants = gather([KeyValue(pattern, True), Nn((pattern,), Path("/models")), Tools((pattern,))])
    models = gather([Llm((pattern,), (pattern,))])
    assert (match.bucket(grants, "c", given, True).grant is not None) is fits
    assert (match.model(grants, "c", given).grant is not None) is fits
    assert (match.tool(grants, "c", given).grant is not None) is fits
    assert (match.llm(models, "c", given, given, "ask").grant is not None) is fits
    messages = gather([Messaging((pattern,))])
    assert (match.agent(messages, "c", given).grant is not None) is fits


def test_a_model_is_asked_by_a_granted_provider_for_a_granted_operation() -> None:
    any_, one = Llm(("open*",), rule="any"), Llm(("local",), ("small",), ("reason",), rule="one")
    both = gather([one, any_])
    assert match.llm(both, "c", "openai", "large", "ask").grant is any_
    assert match.llm(both, "c", "local", "small", "reason").grant is one
    refused = match.llm(both, "c", "local", "large", "reason")
    assert refused.grant is None
    assert refused.rule == "one allows reason by models small of local"
    assert refused.wanted == Llm(("local",), ("large",), ("reason",))
    assert match.llm(both, "c", "local", "small", "ask").wanted == Llm(("local",), ("small",), ("ask",))
    assert match.llm(NOTHING, "c", "local", "small", "ask").rule == "no grant of llm to c"
    assert match.llm(NOTHING, "c", "local", "a\x1b[2J", "ask").wanted is None
    assert match.llm(NOTHING, "c", "local", "small", "other").wanted is None


SUBJECTS = [
    ("a", "a", True), ("a", "b", False), ("a", "a.b", False), ("a.b", "a", False), ("*", "a", True),
    ("*", "a.b", False), ("a.*", "a.b", True), ("a.*", "a", False), ("a.*.c", "a.b.c", True),
    ("a.*.c", "a.b.d", False), (">", "a", True), (">", "a.b.c", True), ("a.>", "a.b.c", True),
    ("a.>", "a", False), ("a.>", "b.a", False), ("*.>", "a.b", True), ("*.>", "a", False), ("A", "a", False),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "given", "fits"), SUBJECTS)
def test_a_subject_fits_word_for_word_a_star_one_and_an_arrow_the_rest(
    pattern: str, given: str, fits: bool
) -> None:
    assert match.subject_fits(pattern, given) is fits
    publishing, hearing = gather([Messaging((), (pattern,))]), gather([Messaging((), (), (pattern,))])
    assert (match.subject(publishing, "c", given).grant is not None) is fits
    assert (match.subscription(hearing, "c", given).grant is not None) is fits
    assert match.subject(hearing, "c", given).grant is None
    assert match.subscription(publishing, "c", given).grant is None
    assert match.agent(publishing, "c", given).grant is None


@pytest.mark.parametrize(
    ("given", "asked", "covers"),
    [
        (">", ">", True), (">", "*.a", True), ("*", "*", True), ("*", ">", False), ("a.>", "a.*", True),
        ("a.>", "a.>", True), ("a.*", "a.>", False), ("a", "*", False), ("*.b", "a.*", False),
        ("a.*.>", "a.>", False),
    ],
)  # fmt: skip
def test_a_subscription_needs_a_pattern_that_covers_all_of_it(given: str, asked: str, covers: bool) -> None:
    grants = gather([Messaging((), (), (given,))])
    assert (match.subscription(grants, "c", asked).grant is not None) is covers


def test_a_refused_message_names_what_is_allowed_and_what_would_allow_it() -> None:
    grants = gather([Messaging(("a",), rule="one"), Messaging((), ("x.>",), ("y",), rule="two")])
    refused = match.agent(grants, "c", "b/c@node-2")
    assert refused.rule == "one allows sending to a"
    assert refused.wanted == Messaging(("b/c@node-2",))
    refused = match.subject(grants, "c", "z.y")
    assert refused.rule == "two allows publishing to x.>; subscribing to y"
    assert refused.wanted == Messaging((), ("z.y",))
    assert match.subscription(grants, "c", "z.*").wanted == Messaging((), (), ("z.*",))
    assert match.agent(NOTHING, "c", "b").rule == "no grant of messaging to c"
    assert match.agent(NOTHING, "c", "b*").wanted is None
    assert match.agent(gather([Messaging()]), "c", "b").rule == "what was allowed for now allows no messages"


@pytest.mark.parametrize("to", ["", "a.>", "a.*", ">", "a b", "a..b", "$SYS.x", "a\r\nPUB x"])
def test_what_is_no_subject_is_not_published_to_whatever_is_granted(to: str) -> None:
    refused = match.subject(gather([Messaging((), (">",))]), "c", to)
    assert (refused.grant, refused.wanted) == (None, None)


@pytest.mark.parametrize("to", ["", "a.>.b", "a b", "$SYS.>", "a\n"])
def test_what_is_no_pattern_is_not_subscribed_to_whatever_is_granted(to: str) -> None:
    refused = match.subscription(gather([Messaging((), (), (">",))]), "c", to)
    assert (refused.grant, refused.wanted) == (None, None)


def test_writing_needs_a_grant_with_write() -> None:
    read, write = KeyValue("b", rule="read"), KeyValue("b", write=True, rule="write")
    assert match.bucket(gather([read]), "c", "b", False).grant is read
    refused = match.bucket(gather([read]), "c", "b", True)
    assert refused.grant is None
    assert refused.rule == "read allows reading of bucket b"
    assert refused.wanted == KeyValue("b", write=True)
    assert match.bucket(gather([read, write]), "c", "b", True).grant is write
    assert match.bucket(gather([read, write]), "c", "b", False).grant is read


def test_a_name_that_a_grant_could_not_mean_alone_is_not_proposed() -> None:
    assert match.bucket(NOTHING, "c", "all*", False).wanted is None
    assert match.bucket(NOTHING, "c", "a\x1b[2J", False).wanted is None
    assert match.tool(NOTHING, "c", "").wanted is None
    assert match.tool(NOTHING, "c", "other_tool").wanted == Tools(("other_tool",))


def test_a_secret_goes_to_its_hosts_only() -> None:
    secret = Secret("TOKEN", "env:TOKEN", ("api.example.com",))
    assert match.secret_hosts(secret, "API.example.com")
    assert not match.secret_hosts(secret, "evil.example.com")
    assert not match.secret_hosts(Secret("TOKEN", "env:TOKEN"), "api.example.com")


TOOLS: list[tuple[tuple[str, ...], set[str], bool]] = [
    ((), {"fetch_get"}, True),
    (("fetch_get",), {"fetch_get", "get"}, True),
    (("get",), {"fetch_get", "get"}, True),
    (("fetch_*",), {"fetch_get"}, True),
    (("fetch_put",), {"fetch_get", "get"}, False),
    (("fetch_put",), set(), False),
]


@pytest.mark.parametrize(("tools", "names", "holds"), TOOLS)
def test_a_grant_holds_for_its_tools(tools: tuple[str, ...], names: set[str], holds: bool) -> None:
    assert match.for_tool(KeyValue("b", tools=tools), names) is holds


def test_every_refusal_of_a_kind_has_a_sentence() -> None:
    grants: list[Grant] = [Tools(("a",), rule="here")]
    assert match.absent(gather(grants), "tools", "c") == "here allows calls of a"
    assert match.absent(NOTHING, "storage", "c") == "no grant of storage to c"
    assert match.absent(Grants(waiting="why"), "storage", "c") == "why"
