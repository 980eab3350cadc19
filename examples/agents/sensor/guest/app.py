"""The sensor agent: a reading comes in, a model says what it means, and it is counted, logged and reported.

A reading may come twice, since durable messages are delivered at least once. So what it does bears that:
the numbers that were seen are kept in the same write as the counts, and an alarm that is sent again has
the same id as before, by which its receiver's mailbox knows it.
"""

from __future__ import annotations

import json
import struct
from typing import Any

from wit_world import exports
from wit_world.imports import graph, logging, store
from wit_world.imports.logging import Level
from wit_world.imports.tensor import Tensor, TensorType
from wit_world.imports.types import (
    Context,
    Effect,
    Effect_Reply,
    Effect_Send,
    Message,
    Outgoing,
    Priority,
    Reply,
)

MODEL = BUCKET = "readings"
CLASSES = ("normal", "worn", "failing")
REMEMBERED = 1000
"""Numbers of readings of one probe; what is older than these is not delivered again."""


class Handler(exports.Handler):
    """What makes the component an agent."""

    def handle(self, context: Context, message: Message) -> list[Effect]:
        """Classify a reading, or tell what was counted. An error is a crash, and the message comes again."""
        asked = json.loads(message.payload)
        bucket = store.open(BUCKET)
        state = json.loads(bucket.get("state") or b'{"seen": {}, "counts": {}, "again": 0}')
        if asked.get("what") == "counts":
            return [Effect_Reply(Reply("", json.dumps(state), False))]
        probe, number = asked["probe"], asked["number"]
        found, sure = _classified(asked)
        _count(state, probe, number, found)
        # One write, so that what was seen and what was counted are never apart.
        bucket.set("state", json.dumps(state).encode())
        if found != "failing":
            return []
        logging.log(Level.WARN, "sensor", f"{probe} is failing: reading {number}, {sure:.0%} sure")
        alarm = json.dumps({"probe": probe, "number": number, "sure": round(sure, 3)})
        to = json.loads(context.config)["alarms"]
        return [Effect_Send(Outgoing(to, alarm, Priority.HIGH, "coordination"))]


def _count(state: dict[str, Any], probe: str, number: int, found: str) -> None:
    """Count a reading once, however often it comes."""
    seen = state["seen"].setdefault(probe, [])
    if number in seen:
        state["again"] += 1
        return
    seen.append(number)
    del seen[:-REMEMBERED]
    state["counts"][found] = state["counts"].get(found, 0) + 1


def _classified(reading: dict[str, Any]) -> tuple[str, float]:
    """The class of a reading and how likely it is, by the model that a person granted."""
    data = struct.pack("<3f", reading["celsius"], reading["vibration"], reading["ampere"])
    model = graph.load_by_name(MODEL).init_execution_context()
    ((_, output),) = model.compute([("reading", Tensor([1, 3], TensorType.FP32, data))])
    likely = struct.unpack("<3f", output.data())
    best = max(range(len(CLASSES)), key=likely.__getitem__)
    return CLASSES[best], likely[best]
