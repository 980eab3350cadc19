from __future__ import annotations

import zlib

import pytest

from mcp_wasm.mesh.announcement import (
    AgentNews,
    Beat,
    ComponentNews,
    Description,
    beat_in,
    description_in,
)
from mcp_wasm.mesh.directory import SILENT, Directory
from mcp_wasm.mesh.envelope import EnvelopeRefused

BEAT = Beat(bytes(32), "0" * 64, calls=1, room=7)
HAS = Description(
    {"tree/a": AgentNews(), "keeper": AgentNews(durable=True), "pool": AgentNews(durable=True, group="g")},
    {"text": ComponentNews("d" * 64, "s" * 64)},
    {"my:pkg/store@0.1.0": ("text",)},
)


def test_beats_and_descriptions_come_back_as_they_went() -> None:
    assert beat_in(BEAT.out()) == BEAT
    assert description_in(HAS.packed()) == HAS
    assert description_in(HAS.packed()).digest == HAS.digest


@pytest.mark.parametrize(
    "body",
    [
        {},
        BEAT.out() | {"more": 1},
        BEAT.out() | {"exchange": "AA"},
        BEAT.out() | {"exchange": "no base64"},
        BEAT.out() | {"room": -1},
        BEAT.out() | {"state": "short"},
        BEAT.out() | {"leaving": 1},
    ],
)
def test_a_beat_that_has_not_its_form_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(EnvelopeRefused):
        beat_in(body)


@pytest.mark.parametrize(
    "text",
    [
        b"[]",
        b'{"agents": {}, "components": {}}',
        b'{"agents": {"a@other": [false, ""]}, "components": {}, "exports": {}}',
        b'{"agents": {"$SYS.>": [false, ""]}, "components": {}, "exports": {}}',
        b'{"agents": {"a": [false, "x.*"]}, "components": {}, "exports": {}}',
        b'{"agents": {"a": [1, ""]}, "components": {}, "exports": {}}',
        b'{"agents": {}, "components": {"\\u001b[2J": ["d", "s"]}, "exports": {}}',
        b'{"agents": {}, "components": {}, "exports": {"x": "text"}}',
        b"[" * 200_000,
    ],
)
def test_a_description_that_has_not_its_form_is_refused(text: bytes) -> None:
    with pytest.raises(EnvelopeRefused):
        description_in(zlib.compress(text))


def test_a_description_that_unpacks_to_very_much_is_refused_before_it_does() -> None:
    with pytest.raises(EnvelopeRefused, match="more than"):
        description_in(zlib.compress(b" " * 20_000_000, 1))
    with pytest.raises(EnvelopeRefused):
        description_in(HAS.packed()[:-4])
    with pytest.raises(EnvelopeRefused):
        description_in(b"nothing of the kind")


def test_a_node_is_up_from_its_first_beat_until_it_leaves_or_is_silent() -> None:
    seen = list[tuple[str, str]]()
    directory = Directory("me", lambda node, what: seen.append((node, what)))
    directory.heard("n1", 1, BEAT, 0.0)
    directory.described("n1", 1, HAS)
    directory.heard("n1", 1, BEAT, 1.0)
    directory.expire(1.0 + SILENT)
    assert list(directory.peers) == ["n1"]
    directory.expire(1.0 + SILENT + 0.01)
    assert not directory.peers
    directory.heard("n1", 2, BEAT, 9.0)
    with pytest.raises(EnvelopeRefused, match="earlier life"):
        directory.heard("n1", 1, BEAT, 9.0)
    directory.heard("n1", 3, BEAT, 9.0)  # started anew before its silence was noticed
    directory.heard("n1", 3, Beat(bytes(32), "0" * 64, leaving=True), 10.0)
    assert seen == [
        ("n1", "node_up"),
        ("n1", "node_changed"),
        ("n1", "node_down"),
        ("n1", "node_up"),
        ("n1", "node_down"),
        ("n1", "node_up"),
        ("n1", "node_down"),
    ]


def test_agents_and_interfaces_are_found_without_asking_anybody() -> None:
    directory = Directory("me")
    for node in ("n1", "n2"):
        directory.heard(node, 1, BEAT, 0.0)
    directory.described("n1", 1, HAS)
    directory.described("n2", 9, HAS)  # of another life than the one that is up
    found = directory.locate("tree/a")
    assert found is not None
    assert found.node == "n1"
    assert directory.locate("tree/a", "n2") is None
    assert directory.locate("tree/b") is None
    for name in ("my:pkg/store@0.1.0", "my:pkg/store"):
        assert list(directory.exporting(name)) == [("n1", "text")]
    assert not list(directory.exporting("my:pkg/other"))


def test_a_durable_mailbox_stays_known_while_its_node_is_away_and_others_do_not() -> None:
    directory = Directory("me")
    directory.heard("n1", 1, BEAT, 0.0)
    directory.described("n1", 1, HAS)
    directory.gone("n1", 1)
    assert directory.locate("tree/a") is None
    found = directory.locate("keeper")
    assert found is not None
    assert (found.node, found.up) == ("n1", False)


def test_durable_mailboxes_that_a_node_claims_by_the_thousand_slow_no_other_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mcp_wasm.mesh.directory._REMEMBERED", 10)
    known = Directory("own")
    known.heard("far", 1, BEAT, 0.0)
    known.described("far", 1, HAS)
    known.heard("bad", 1, BEAT, 0.0)
    known.described("bad", 1, Description({f"a{n}": AgentNews(durable=True) for n in range(100)}))
    for node in ("far", "bad"):
        known.gone(node, 1)
    assert [each.node for each in known.places("keeper")] == ["far"]
    assert sum(bool(known.places(f"a{n}")) for n in range(100)) == 8  # two are of the other node
    known.heard("far", 2, BEAT, 0.0)
    known.described("far", 2, HAS)
    assert [(each.node, each.up) for each in known.places("keeper")] == [("far", True)]
