"""What holds for one call: imports ∩ policy ∩ call, and what other bytes keep."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_wasm.capability import policy as policies
from mcp_wasm.capability.effective import effective, waits
from mcp_wasm.capability.grant import (
    KINDS,
    NOTHING,
    Clock,
    ConfigValue,
    Environment,
    Grant,
    KeyValue,
    Logging,
    Network,
    Nn,
    Random,
    Secret,
    Sessions,
    Storage,
    Tools,
    kind_of,
)
from mcp_wasm.capability.llm import Llm
from mcp_wasm.capability.messaging import Messaging
from mcp_wasm.capability.policy import Entry, Policy, combine
from mcp_wasm.capability.wishes import lines, of_imports, wishes

OLD, NEW = "a" * 64, "b" * 64
HTTP = "wasi:http/outgoing-handler"
KV = "wasi:keyvalue/store"

ONE_OF_EACH: list[tuple[Grant, str]] = [
    (Network(("a.example",)), HTTP),
    (Storage(Path("/x"), "/x"), ""),
    (Environment("A"), ""),
    (Secret("S", "env:S"), ""),
    (KeyValue("b"), KV),
    (Clock("fixed"), ""),
    (Random(1), ""),
    (Logging(), "wasi:logging/logging"),
    (ConfigValue("k", "v"), "wasi:config/store"),
    (Nn(("m",), Path("/m")), "wasi:nn/graph"),
    (Llm(("p",)), ""),
    (Messaging(("a",)), ""),
    (Tools(("t",)), "mcp-wasm:tools/call"),
    (Sessions(), ""),
]


def policy(*grants: Grant, **entry: object) -> Policy:
    return Policy({"fetch": Entry("fetch", grants=grants, **({"digest": OLD} | entry))})  # type: ignore[arg-type]


def held(found: Policy, wishes: set[str], digest: str = OLD, **call: object) -> list[Grant]:
    grants = effective(found, "fetch", digest, frozenset(wishes), frozenset({"fetch_get", "get"}), **call)  # type: ignore[arg-type]
    return list(grants)


def test_the_table_has_every_kind() -> None:
    assert [kind_of(grant) for grant, _ in ONE_OF_EACH] == list(KINDS)


@pytest.mark.parametrize(("grant", "wish"), ONE_OF_EACH)
def test_a_grant_holds_where_its_interface_is_imported(grant: Grant, wish: str) -> None:
    assert held(policy(grant), {wish} - {""}) == [grant]
    assert held(policy(grant), {"acme:other/thing"}) == ([] if wish else [grant])


@pytest.mark.parametrize(("grant", "wish"), ONE_OF_EACH)
def test_a_call_can_only_narrow(grant: Grant, wish: str) -> None:
    everything = frozenset(KINDS)
    assert held(policy(grant), {wish} - {""}, allowed=everything) == [grant]
    # A clock that stands, or numbers from a seed, are less than a guest has without: they stay.
    left = [grant] if isinstance(grant, (Clock, Random)) else []
    assert held(policy(grant), {wish} - {""}, allowed=everything - {kind_of(grant)}) == left
    assert held(policy(grant), {wish} - {""}, allowed=frozenset()) == left
    assert held(policy(), {wish} - {""}, allowed=everything) == []


def test_a_line_of_a_manifest_is_no_import() -> None:
    asked = wishes([], {"wishes": {"network": [{"hosts": ["a.example"]}], HTTP: {}}})
    assert held(policy(Network(("a.example",))), set(asked)) == []


def test_nobody_has_anything_by_default() -> None:
    assert effective(policies.EMPTY, "fetch", OLD, frozenset({HTTP}), frozenset()) is NOTHING
    assert effective(policy(Environment("A")), "other", OLD, frozenset(), frozenset()) is NOTHING


def test_a_grant_for_some_tools_holds_for_those() -> None:
    get, put = Environment("A", tools=("fetch_get",)), Environment("B", tools=("fetch_put",))
    by_path = Environment("C", tools=("get",))
    assert held(policy(get, put, by_path), set()) == [get, by_path]


def test_of_several_grants_for_one_place_the_first_holds() -> None:
    first, second = Storage(Path("/a"), "/data"), Storage(Path("/b"), "/data", write=True)
    assert held(policy(first, second, Clock("fixed"), Clock("real")), set()) == [first, Clock("fixed")]
    assert held(policy(first), set(), approved=[second]) == [second]
    hosts = Network(("a.example",)), Network(("b.example",))
    assert held(policy(*hosts), {HTTP}) == list(hosts)


CHANGED: list[tuple[dict[str, object], set[str], str, str]] = [
    ({}, {HTTP}, OLD, ""),
    ({}, {HTTP, KV}, OLD, ""),
    ({}, {HTTP}, NEW, "the bytes of fetch are not those"),
    ({"trust": "bytes"}, {HTTP}, NEW, "the bytes of fetch are not those"),
    ({"trust": "name"}, {HTTP}, OLD, ""),
    ({"trust": "name"}, {HTTP}, NEW, ""),
    ({"trust": "name"}, {HTTP, KV}, NEW, f"wishes for more ({KV})"),
    ({"trust": "name"}, {"network hosts=[]"}, NEW, ""),
    ({"trust": "name"}, {"environment name=A"}, NEW, "wishes for more (environment name=A)"),
    ({"trust": "name", "wishes": frozenset({HTTP})}, {HTTP}, NEW, ""),
    ({"trust": "name", "wishes": frozenset({HTTP})}, set(), NEW, ""),
    ({"trust": "name", "wishes": frozenset({HTTP, KV})}, {HTTP, KV}, NEW, ""),
    ({"trust": "name", "wishes": frozenset()}, {HTTP}, NEW, "wishes for more"),
    ({"trust": "name", "wishes": frozenset({HTTP})}, {HTTP, "wasi:http/types"}, NEW, "wishes for more"),
    ({"trust": "name", "digest": ""}, {HTTP}, NEW, ""),
    ({"trust": "name", "digest": ""}, {HTTP, KV}, NEW, "wishes for more"),
    ({"problem": "it is broken"}, {HTTP}, OLD, "it is broken"),
]


@pytest.mark.parametrize(("entry", "wishes", "digest", "told"), CHANGED)
def test_other_bytes_keep_their_grants_only_where_the_name_is_trusted_and_nothing_more_is_wished(
    entry: dict[str, object], wishes: set[str], digest: str, told: str
) -> None:
    grant = Network(("a.example",))
    found = policy(grant, **entry)
    grants = effective(found, "fetch", digest, frozenset(wishes), frozenset())
    assert told in grants.waiting
    assert bool(grants.waiting) is bool(told)
    assert bool(grants.network) is (not told and HTTP in wishes)
    assert waits(found.entries["fetch"], digest, frozenset(wishes)) == grants.waiting


def test_what_a_person_allowed_for_now_holds_while_the_policy_waits() -> None:
    now = Environment("A", "1")
    grants = effective(policy(Environment("B")), "fetch", NEW, frozenset(), frozenset(), approved=[now])
    assert list(grants) == [now]
    assert grants.waiting
    narrowed = effective(
        policies.EMPTY, "fetch", NEW, frozenset(), frozenset(), frozenset({"network"}), approved=[now]
    )
    assert list(narrowed) == []


def test_a_policy_that_cannot_be_read_gives_nothing_and_says_so() -> None:
    broken = Policy(policy(Environment("A")).entries, problem="grants.toml cannot be read")
    grants = effective(broken, "fetch", OLD, frozenset(), frozenset())
    assert (list(grants), grants.waiting) == ([], "grants.toml cannot be read")


def entry(**values: object) -> Policy:
    return Policy({"fetch": Entry("fetch", **values)})  # type: ignore[arg-type]


def test_two_policies_give_what_both_give_the_first_before_the_second() -> None:
    first, second = Environment("A", "1"), Environment("B", "2")
    both = combine(entry(digest=OLD, grants=(first,)), entry(grants=(second,)))
    assert held(both, set()) == [first, second]
    both = combine(entry(grants=(first,)), entry(trust="name", grants=(second,)))
    assert held(both, set(), NEW) == [first, second]
    assert combine(policies.EMPTY, entry(digest=OLD)).entries == entry(digest=OLD).entries


def test_only_one_of_two_policies_may_say_which_bytes_are_meant() -> None:
    both = combine(entry(digest=OLD, where="settings"), entry(digest=OLD, where="grants.toml"))
    assert "both settings and grants.toml" in waits(both.entries["fetch"], OLD, frozenset())
    neither = combine(entry(grants=(Environment("A"),)), policies.EMPTY)
    assert "neither a digest nor trust" in waits(neither.entries["fetch"], OLD, frozenset())
    assert held(neither, set()) == []
    assert combine(Policy(problem="one"), Policy(problem="two")).problem == "one; two"


def test_wishes_are_imports_without_version_and_lines_of_the_manifest() -> None:
    imports = ["wasi:http/outgoing-handler@0.2.3", "wasi:cli/environment@0.2.0", "log", "a b"]
    assert of_imports(imports) == {HTTP, "log", "a_b"}
    manifest = {
        "wishes": {
            "network": [{"hosts": ["b.example", "a.example"], "reason": "to fetch\x1b[2J"}],
            "clock": {"mode": "real"},
            "odd\nkind": [{"key\x1b": 1}, 5],
        }
    }
    found = wishes([], manifest)
    assert found == {
        'network hosts=["a.example","b.example"]',
        'clock mode="real"',
        "odd\\nkind key\\u001b=1",
    }
    assert dict(lines(manifest))['network hosts=["a.example","b.example"]'] == "to fetch\x1b[2J"


@pytest.mark.parametrize("manifest", [{}, {"wishes": 5}, {"wishes": {"network": 5}}, {"wishes": {"a": [[]]}}])
def test_a_manifest_that_makes_no_sense_wishes_nothing(manifest: dict[str, object]) -> None:
    assert wishes([], manifest) == frozenset()


def test_long_wishes_are_cut_and_stay_apart() -> None:
    one, other = ({"wishes": {"environment": {"name": "A" * 1000 + end}}} for end in "xy")
    assert len(wishes([], one) | wishes([], other)) == 2
    assert all(len(wish) < 500 for wish in wishes([], one))
