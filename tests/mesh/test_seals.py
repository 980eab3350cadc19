from __future__ import annotations

from pathlib import Path

import pytest

from mcp_wasm.errors import InvalidSettings, StateUnavailable
from mcp_wasm.mesh import identity
from mcp_wasm.mesh.envelope import EnvelopeRefused
from mcp_wasm.mesh.identity import Card, Identity
from mcp_wasm.mesh.seals import SKEW_MS, Fresh, Life, Seals, StrangerRefused

KEY = bytes(range(32))


def seals(folder: Path, node: str, *, key: bytes = KEY, at: int = 1_000_000) -> Seals:
    folder.mkdir(exist_ok=True)
    return Seals(Identity(node, folder, key), lambda: at)


def life(of: Seals) -> Life:
    return Life(of.node, of.boot, of.exchange)


def test_two_nodes_read_what_is_sealed_for_each_other_and_no_third_does(tmp_path: Path) -> None:
    a, b, c = (seals(tmp_path / name, name) for name in "abc")
    data = a.for_node(life(b), "node/b", a.envelope("tell", {"x": 1}))
    node, envelope = b.open_from(data, "node/b", lambda _: life(a))
    assert (node, envelope.what, envelope.body) == ("a", "tell", {"x": 1})
    with pytest.raises(StrangerRefused):
        c.open_from(data, "node/b", lambda _: life(a))


def test_a_seal_holds_for_its_context_its_life_and_its_bytes(tmp_path: Path) -> None:
    a, b = (seals(tmp_path / name, name) for name in "ab")
    data = a.for_node(life(b), "node/b", a.envelope("tell", {"x": 1}))
    with pytest.raises(EnvelopeRefused):
        b.open_from(data, "re/7", lambda _: life(a))
    with pytest.raises(EnvelopeRefused):
        b.open_from(data[:-3] + b"2}]", "node/b", lambda _: life(a))
    again = seals(tmp_path / "b", "b", at=2_000_000)
    with pytest.raises(
        StrangerRefused
    ):  # what was caught before a node started anew is worth nothing after it
        again.open_from(data, "node/b", lambda _: life(a))


def test_a_stranger_without_the_meshs_key_is_believed_nothing(tmp_path: Path) -> None:
    a, stranger = seals(tmp_path / "a", "a"), seals(tmp_path / "s", "a2", key=bytes(32))
    with pytest.raises(EnvelopeRefused, match="key of this mesh"):
        a.open_all(stranger.for_all("beat", "beat", {}), "beat")
    forged = stranger.for_node(life(a), "node/a", stranger.envelope("tell", {}))
    with pytest.raises(StrangerRefused):
        a.open_from(forged, "node/a", lambda _: life(stranger))


def test_a_member_cannot_take_another_nodes_name(tmp_path: Path) -> None:
    a, b = (seals(tmp_path / name, name) for name in "ab")
    b.open_all(a.for_all("beat", "beat", {}), "beat")
    thief = seals(tmp_path / "thief", "a")
    with pytest.raises(EnvelopeRefused, match="mcp-wasm mesh forget a"):
        b.open_all(thief.for_all("beat", "beat", {}), "beat")
    anew = Identity("b", tmp_path / "b", KEY)
    with pytest.raises(EnvelopeRefused):  # remembered across starts
        anew.admit(thief.identity.card)
    assert identity.forget(tmp_path / "b", "a")
    assert not identity.forget(tmp_path / "b", "a")
    Identity("b", tmp_path / "b", KEY).admit(thief.identity.card)


def test_a_card_of_one_name_does_not_serve_for_another(tmp_path: Path) -> None:
    a, b = (seals(tmp_path / name, name) for name in "ab")
    card = a.identity.card
    with pytest.raises(EnvelopeRefused):
        b.identity.admit(Card("c", card.key, card.mark))


def test_what_was_said_is_taken_once_in_its_time_and_in_its_life(tmp_path: Path) -> None:
    a = seals(tmp_path / "a", "a")
    _, first = a.open_all(a.for_all("beat", "beat", {}), "beat")
    _, second = a.open_all(a.for_all("beat", "beat", {}), "beat")
    now = [1_000_000 + SKEW_MS]
    fresh = Fresh(timed=True, clock=lambda: now[0])
    fresh.check("a", first)
    with pytest.raises(EnvelopeRefused, match="replay"):
        fresh.check("a", first)
    now[0] += 1
    with pytest.raises(EnvelopeRefused, match="clock"):
        fresh.check("a", second)
    Fresh(timed=False).check("a", second)
    later = seals(tmp_path / "a", "a", at=2_000_000)
    now[0] = 2_000_000
    fresh.check("a", later.open_all(later.for_all("beat", "beat", {}), "beat")[1])
    now[0] = 1_000_000
    with pytest.raises(EnvelopeRefused, match="earlier life"):
        fresh.check("a", second)


def test_keys_lie_in_files_for_their_owner_alone_and_stay(tmp_path: Path) -> None:
    folder = tmp_path / "mesh"
    key = identity.keep_mesh_key(folder)
    assert identity.keep_mesh_key(folder) == key
    first = Identity("a", folder, key).card
    assert Identity("a", folder, key).card == first
    for file in folder.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file
    assert (folder / identity.SEED_FILE).read_text().startswith("SU")
    (folder / identity.KEY_FILE).chmod(0o644)
    with pytest.raises(StateUnavailable, match="chmod 600"):
        identity.keep_mesh_key(folder)


@pytest.mark.parametrize("text", ["", "mwk1-", "mwk1-00", "x" * 69, "mwk1-" + "g" * 64, "mwk1-" + "0" * 66])
def test_what_is_no_key_of_a_mesh_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        identity.mesh_key(text, "MCP_WASM_MESH_KEY")
    assert len(text) < 6 or text not in str(caught.value)
    assert identity.mesh_key("mwk1-" + "0f" * 32 + "\n", "x") == b"\x0f" * 32


def test_each_process_of_a_home_has_a_name_of_its_own(tmp_path: Path) -> None:
    with identity.taken_name(tmp_path, "desk") as first:
        assert first == "desk"
        with pytest.raises(InvalidSettings), identity.taken_name(tmp_path, "desk"):
            pass
    with identity.taken_name(tmp_path) as one, identity.taken_name(tmp_path) as two:
        assert two == f"{one}-2"
    with identity.taken_name(tmp_path) as again:
        assert again == one
