from __future__ import annotations

import json
import random

import pytest

from mcp_wasm.agents.message import MOST_BYTES, Message, Priority
from mcp_wasm.mesh import envelope as envelopes
from mcp_wasm.mesh.envelope import Envelope, EnvelopeRefused, Window

MESSAGE = Message("m-1", "tree/a", "tree/b@two", '{"x": [1, "ü"]}', 17, Priority.HIGH, "request", "m-0")
ENVELOPE = Envelope(5, 6, 7, "tell", envelopes.message_out(MESSAGE))
MARK = bytes(range(32))


def framed(body: bytes = b"[]") -> bytes:
    return envelopes.frame("one", "pair", MARK, body)


def test_a_message_comes_back_as_it_went_but_for_its_sender_which_gets_its_node() -> None:
    frame = envelopes.split(framed(envelopes.body_of(ENVELOPE)), "in")
    assert (frame.sender, frame.seal, frame.mark) == ("one", "pair", MARK)
    envelope = envelopes.envelope_in(frame.body)
    assert envelope == ENVELOPE
    found = envelopes.message_in(envelope.body, "one")
    assert found.sender == "tree/a@one"
    assert (found.to, found.payload, found.priority, found.kind, found.re) == (
        MESSAGE.to,
        MESSAGE.payload,
        Priority.HIGH,
        "request",
        "m-0",
    )


@pytest.mark.parametrize("claimed", ["tree/a@other", "client:x@other", "tree/a", "system", "llm"])
def test_nobody_speaks_for_agents_of_another_node(claimed: str) -> None:
    body = {**envelopes.message_out(MESSAGE), "from": claimed}
    assert envelopes.message_in(body, "one").sender.endswith("@one")


HOSTILE = {
    "nothing": b"",
    "not one": b"hello, world, this is no envelope",
    "another version": b"MWE\x02" + framed()[4:],
    "an unknown seal": b"MWE\x01\x09" + framed()[5:],
    "cut off in the name": framed()[:8],
    "cut off in the seal": framed()[:20],
    "no body": framed(b""),
    "a name that is none": b"MWE\x01\x01\x03A.B" + MARK + b"[]",
    "a name that is no text": b"MWE\x01\x01\x03\xff\xfe\xfd" + MARK + b"[]",
    "too large": framed(b" " * envelopes.LARGEST),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_frame_is_refused(data: bytes) -> None:
    with pytest.raises(EnvelopeRefused):
        envelopes.split(data, "in")


BODIES = [
    b"",
    b"{}",
    b"[1,2,3]",
    b"[" * 100_000,
    b'[1,2,3,"tell",[]]',
    b'[1,2,3,"tell me",{}]',
    b'[1.5,2,3,"tell",{}]',
    b'[true,2,3,"tell",{}]',
    b'[-1,2,3,"tell",{}]',
    b'[1,2,99999999999999999999,"tell",{}]',
    b'[1,2,NaN,"tell",{}]',
    b'[1,2,3,"tell",{}]]',
    b'\xff[1,2,3,"tell",{}]',
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_a_body_that_is_no_envelope_is_refused(body: bytes) -> None:
    with pytest.raises(EnvelopeRefused):
        envelopes.envelope_in(body)


WRONG = [
    {"id": ""},
    {"id": "x" * 201},
    {"id": "a b"},
    {"id": 3},
    {"from": "tool:x"},
    {"from": "../x"},
    {"from": "Client:x"},
    {"from": "client:" + "x" * 200},
    {"to": "$SYS.REQ.SERVER.PING"},
    {"to": "a.b"},
    {"to": "a/b@two@three"},
    {"to": "client:x@$SYS"},
    {"payload": "{"},
    {"payload": "[" * 100_000},
    {"payload": "NaN"},
    {"payload": json.dumps("\ud800")[:-1] + '\ud800"'},
    {"payload": '"' + "x" * MOST_BYTES + '"'},
    {"timestamp": -1},
    {"timestamp": 1.5},
    {"timestamp": "now"},
    {"priority": "urgent"},
    {"kind": "exit"},
    {"kind": "down"},
    {"kind": "tool_result"},
    {"kind": "timer"},
    {"re": "a\nb"},
    {"more": ""},
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda each: str(each)[:40])
def test_a_message_that_no_other_node_may_send_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(EnvelopeRefused):
        envelopes.message_in({**envelopes.message_out(MESSAGE), **wrong}, "one")
    less = {**envelopes.message_out(MESSAGE)}
    del less["re"]
    with pytest.raises(EnvelopeRefused):
        envelopes.message_in(less, "one")


@pytest.mark.parametrize("kind", ["request", "reply", "failure", "data_transfer"])
def test_a_payload_as_large_as_a_payload_may_be_is_taken(kind: str) -> None:
    payload = json.dumps("x" * (MOST_BYTES - 2))
    body = {**envelopes.message_out(MESSAGE), "payload": payload, "kind": kind}
    assert envelopes.message_in(body, "one").payload == payload
    assert len(framed(envelopes.body_of(Envelope(1, 2, 3, "tell", body)))) < envelopes.LARGEST


def test_damaged_frames_are_refused_and_nothing_else_happens() -> None:
    dice = random.Random(7)
    good = framed(envelopes.body_of(ENVELOPE))
    for _ in range(2000):
        data = bytearray(good)
        for _ in range(dice.randint(1, 8)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        try:
            found = envelopes.envelope_in(
                envelopes.split(bytes(data[: dice.randint(0, len(data))]), "in").body
            )
            envelopes.message_in(found.body, "one")
        except EnvelopeRefused:
            continue


def test_a_window_takes_every_number_once_in_whatever_order() -> None:
    dice, window = random.Random(3), Window()
    numbers = [n for start in range(0, 5000, 500) for n in dice.sample(range(start, start + 500), 500)]
    assert all(window.take(number) for number in numbers)
    assert not any(window.take(number) for number in numbers)


def test_what_is_older_than_a_window_reaches_is_not_taken() -> None:
    window = Window()
    assert window.take(5000)
    assert window.take(5000 - Window.SIZE + 1)
    assert not window.take(5000 - Window.SIZE)
