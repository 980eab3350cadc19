"""Workers and their NATS server are killed amid durable messages; the benchmarks do it with more of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mesh import kills

pytestmark = [pytest.mark.anyio, pytest.mark.slow, pytest.mark.timeout(60)]


async def test_no_durable_message_is_lost_when_workers_and_the_server_are_killed(tmp_path: Path) -> None:
    told = await kills.run(tmp_path, 300, workers=2, worker_kills=2, server_kills=1)
    assert (told.workers_killed, told.servers_killed) == (2, 1)
    assert (told.acknowledged, told.handled, told.lost, told.dead) == (300, 300, 0, 0)
