"""Changes to the policy file: exact, at once, with a person's comments kept, and never half done."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_wasm.capability.effective import effective
from mcp_wasm.capability.grant import (
    Clock,
    ConfigValue,
    Environment,
    Grant,
    KeyValue,
    Logging,
    Network,
    Random,
    Secret,
    Sessions,
    Storage,
)
from mcp_wasm.capability.policy import Entry
from mcp_wasm.errors import CallerError, InvalidSettings
from mcp_wasm.policy import edit
from mcp_wasm.policy.file import read

OLD, NEW = "a" * 64, "b" * 64
A, B, C = Environment("A"), Environment("B"), KeyValue("c", write=True)
WISHES = frozenset({"wasi:keyvalue/store"})


def entry(home: Path, name: str = "fetch") -> Entry:
    policy = read(home / "grants.toml")
    assert not policy.problem
    return policy.entries[name]


def write(home: Path, text: str) -> Path:
    home.mkdir(parents=True, exist_ok=True)
    (home / "grants.toml").write_text(text, encoding="utf-8")
    (home / "grants.toml").chmod(0o600)
    return home / "grants.toml"


def test_grants_are_added_for_the_bytes_that_a_person_saw(home: Path) -> None:
    assert edit.add(home, "fetch", OLD, WISHES, [A, C]) == (A, C)
    assert edit.add(home, "fetch", OLD, WISHES, [A, B]) == (B,)
    assert edit.add(home, "notes", NEW, (), [A]) == (A,)
    found = entry(home)
    assert (found.digest, found.trust, found.wishes) == (OLD, None, WISHES)
    assert found.grants == (A, B, C)
    assert entry(home, "notes").grants == (A,)


def test_the_file_is_its_owners_alone(home: Path) -> None:
    edit.add(home, "fetch", OLD, (), [A])
    write(home, (home / "grants.toml").read_text()).chmod(0o644)
    edit.add(home, "fetch", OLD, (), [B])
    assert stat.S_IMODE((home / "grants.toml").stat().st_mode) == 0o600
    assert sorted(path.name for path in home.iterdir()) == [".grants.toml.lock", "audit", "grants.toml"]


def test_adding_never_revives_grants_that_wait(home: Path) -> None:
    edit.add(home, "fetch", OLD, (), [A])
    before = (home / "grants.toml").read_bytes()
    with pytest.raises(CallerError, match="given to other bytes"):
        edit.add(home, "fetch", NEW, (), [B])
    assert (home / "grants.toml").read_bytes() == before


def test_an_entry_without_grants_holds_for_whoever_comes_next(home: Path) -> None:
    write(home, f'[grants.fetch]\ndigest = "{OLD}"\n')
    edit.add(home, "fetch", NEW, WISHES, [A])
    assert (entry(home).digest, entry(home).grants) == (NEW, (A,))


def test_a_trusted_name_takes_more_grants_while_its_wishes_did_not_grow(home: Path) -> None:
    edit.add(home, "fetch", OLD, WISHES, [A])
    edit.approve(home, "fetch", OLD, WISHES, trust="name")
    edit.add(home, "fetch", NEW, WISHES, [B])
    assert (entry(home).digest, entry(home).grants) == (OLD, (A, B))
    with pytest.raises(CallerError, match="they wait"):
        edit.add(home, "fetch", NEW, {*WISHES, "wasi:http/types"}, [C])


def test_where_the_settings_say_which_bytes_the_file_does_not(home: Path) -> None:
    edit.add(home, "fetch", "", WISHES, [A])
    edit.add(home, "fetch", "", WISHES, [B])
    assert entry(home) == Entry("fetch", grants=(A, B))


def test_approving_moves_all_grants_to_other_bytes(home: Path) -> None:
    edit.add(home, "fetch", OLD, WISHES, [A, C])
    edit.approve(home, "fetch", NEW, {"x", "wasi:http/types"})
    assert entry(home) == Entry("fetch", NEW, None, frozenset({"x", "wasi:http/types"}), (A, C))
    edit.approve(home, "fetch", NEW, (), trust="name")
    edit.approve(home, "fetch", OLD, ())
    assert entry(home).trust == "name"
    edit.approve(home, "fetch", OLD, (), trust="bytes")
    assert entry(home) == Entry("fetch", OLD, "bytes", frozenset(), (A, C))
    with pytest.raises(CallerError, match="nothing to approve"):
        edit.approve(home, "other", OLD, ())


def test_grants_are_revoked_one_by_one_by_kind_and_all(home: Path) -> None:
    edit.add(home, "fetch", OLD, (), [A, B, C, Clock()])
    edit.add(home, "notes", OLD, (), [A])
    assert edit.revoke(home, "fetch", kind="environment", index=1) == (B,)
    assert edit.revoke(home, "fetch", kind="clock") == (Clock(),)
    assert entry(home).grants == (A, C)
    for kind, index in (("environment", 1), ("environment", -1), ("network", None)):
        with pytest.raises(CallerError, match="no such grant"):
            edit.revoke(home, "fetch", kind=kind, index=index)
    assert edit.revoke(home, "fetch") == (A, C)
    with pytest.raises(CallerError, match="nothing granted"):
        edit.revoke(home, "fetch")
    assert list(read(home / "grants.toml").entries) == ["notes"]
    edit.revoke(home, "notes", kind="environment")
    assert not read(home / "grants.toml").entries


PERSONS = f"""\
# What my tools may do.

[grants.fetch]  # for work
digest = "{OLD}"
# the API
[[grants.fetch.environment]]
name = "A"  # why not

[[grants.fetch.environment]]
name = "B"

# the notes
[grants.notes]
trust = "name"
[grants.notes.storage]  # one table
folder = "~/notes"
guest = "/notes"
"""


def test_what_a_person_wrote_stays(home: Path) -> None:
    path = write(home, PERSONS)
    edit.add(home, "fetch", OLD, (), [Network(("a.example",)), Environment("Z")])
    edit.add(home, "notes", NEW, (), [Storage(Path("/x"), "/x")])
    edit.revoke(home, "fetch", kind="environment", index=1)
    edit.approve(home, "notes", NEW, ())
    text = path.read_text()
    kept = ("# What my tools may do.", "# for work", "# the API", "# why not", "# the notes", "# one table")
    assert [comment for comment in kept if comment not in text] == []
    assert 'folder = "~/notes"' in text
    assert entry(home).grants == (A, Environment("Z"), Network(("a.example",)))
    assert entry(home, "notes").grants == (
        Storage(Path.home() / "notes", "/notes"),
        Storage(Path("/x"), "/x"),
    )


STYLES = [
    f'[grants]\n[grants.fetch]\ndigest = "{OLD}"\n',
    f'grants.fetch.digest = "{OLD}"\n',
    f'[grants]\nfetch.digest = "{OLD}"\n',
    f'[grants]\nfetch = {{digest = "{OLD}"}}\n',
    f'grants = {{fetch = {{digest = "{OLD}"}}}}\n',
    f'[grants.fetch]\ndigest = "{OLD}"\nenvironment = [{{name = "B"}}]\n',
    f'[grants.fetch]\ndigest = "{OLD}"\nenvironment = {{name = "B"}}\n',
    f'[[grants.fetch.environment]]\nname="B"\n[grants.other.clock]\n[grants.fetch.random]\n'
    f'[grants.fetch.sessions]\n[grants]\nfetch.digest = "{OLD}"\n',
    f'[grants.fetch.random]\n[grants.other.clock]\n[grants.fetch]\ndigest="{OLD}"\n',
    f'"grants"."fetch"."digest" = \'{OLD}\'\r\n',
    f'[grants.fetch]\ndigest = """\\\n   {OLD}"""\nwishes = [ # why\n  "x", # this\n]\n',
]


LEFT_ALONE = [STYLES[index] for index in (2, 3, 4, 6, 7)]
"""Inside inline tables, or of dotted keys inside a table: TOML cannot add tables to them."""


@pytest.mark.parametrize("text", STYLES)
def test_any_way_of_writing_is_changed_right_or_left_alone(home: Path, text: str) -> None:
    path = write(home, text)
    before = read(path)
    if before.problem:
        pytest.fail(before.problem)
    given = before.entries["fetch"].grants
    try:
        edit.add(home, "fetch", OLD, (), [A, C])
    except InvalidSettings:
        assert path.read_text() == text
        assert text in LEFT_ALONE
        return
    after = read(path)
    assert set(after.entries["fetch"].grants) == {*given, A, C}
    assert {k: v for k, v in after.entries.items() if k != "fetch"} == {
        k: v for k, v in before.entries.items() if k != "fetch"
    }
    edit.revoke(home, "fetch", kind="keyvalue")
    assert set(entry(home).grants) == {*given, A}


def test_a_grant_for_the_same_place_and_tools_comes_instead_of_the_earlier_one(home: Path) -> None:
    text = f"""\
[grants.fetch]
digest = "{OLD}"

# my notes
[[grants.fetch.storage]]
folder = "/n"  # on the disk
guest = "/notes"

[[grants.fetch.storage]]
folder = "/x"
guest = "/x"

# time stands
[grants.fetch.clock]
mode = "fixed"
at = 5.0
"""
    path = write(home, text)
    notes, x = Storage(Path("/n"), "/notes", write=True), Storage(Path("/x"), "/x")
    for_one = Storage(Path("/m"), "/notes", tools=("get",))
    assert edit.add(home, "fetch", OLD, (), [notes, Clock("coarse"), for_one]) == (
        notes,
        Clock("coarse"),
        for_one,
    )
    assert entry(home).grants == (notes, x, for_one, Clock("coarse"))
    kept = [
        comment for comment in ("# my notes", "# on the disk", "# time stands") if comment in path.read_text()
    ]
    assert len(kept) == 3
    assert edit.add(home, "fetch", OLD, (), [notes, Clock("coarse")]) == ()


def test_an_earlier_grant_goes_where_the_later_one_that_a_person_wants_is_there(home: Path) -> None:
    table = "[[grants.fetch.random]]\n{}\n"
    write(home, f'[grants.fetch]\ndigest = "{OLD}"\n' + table.format("seed = 1") + table.format("seed = 2"))
    assert edit.add(home, "fetch", OLD, (), [Random(1)]) == ()
    assert edit.add(home, "fetch", OLD, (), [Random(2)]) == (Random(2),)
    assert entry(home).grants == (Random(2),)


PLACED: list[tuple[Grant, Grant]] = [
    (Storage(Path("/a"), "/notes"), Storage(Path("/a"), "/notes", write=True)),
    (Environment("A", "1"), Environment("A")),
    (Secret("A", "env:A"), Secret("A", "env:A", ("a.example",))),
    (ConfigValue("k", "1"), ConfigValue("k", "2")),
    (Clock("fixed", 1.0), Clock("coarse")),
    (Random(7), Random()),
    (Logging("error"), Logging("debug")),
    (Sessions(1), Sessions(2)),
]


@pytest.mark.parametrize(("old", "new"), PLACED, ids=lambda grant: type(grant).__name__)
@pytest.mark.parametrize("tools", [(), ("get",)])
def test_what_was_added_last_is_what_holds(
    home: Path, old: Grant, new: Grant, tools: tuple[str, ...]
) -> None:
    wishes = frozenset({"wasi:logging/logging", "wasi:config/store"})
    for grant in (old, new):
        given = replace(grant, tools=tools)
        assert edit.add(home, "fetch", OLD, wishes, [given]) == (given,)
        held = effective(read(home / "grants.toml"), "fetch", OLD, wishes, frozenset({"get"}))
        assert tuple(held) == (given,)
        assert entry(home).grants == (given,)


def test_grants_that_come_together_do_not_narrow_each_other(home: Path) -> None:
    write_, read_ = Storage(Path("/a"), "/notes", write=True), Storage(Path("/a"), "/notes")
    assert edit.add(home, "fetch", OLD, (), [write_, read_]) == (write_,)
    assert entry(home).grants == (write_,)
