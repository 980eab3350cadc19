"""The embedded server: only for us, for as long as we live, and back when it died."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_wasm.errors import CallerError, MeshServerFailed, Unreachable
from mcp_wasm.mesh.options import Access, Auth, EmbeddedOptions
from mcp_wasm.mesh.server import Embedded, running
from mcp_wasm.mesh.server_config import User
from tests.mesh.servers import Connect, until

pytestmark = pytest.mark.anyio

linux = pytest.mark.skipif(sys.platform != "linux", reason="looked for in /proc, and promised on Linux only")


async def test_nobody_gets_in_without_the_password(server: Embedded, connect: Connect) -> None:
    url = server.running.url
    for auth in (
        Auth(),
        Auth(user="node", password=""),
        Auth(user="node", password="guess"),
        Auth(token="guess"),
        Auth(user="sys", password="sys"),
    ):
        with pytest.raises(Unreachable, match=r"(?i)authorization violation"):
            await connect(Access(url, auth))
    await connect(server)


async def test_the_files_are_ours_alone_and_the_password_is_new_each_time(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "nats"
    passwords = set()
    for _ in range(2):
        server = Embedded(folder)
        await server.start()
        passwords.add(server.running.password)
        assert server.running.password not in repr(server.running)
        assert folder.stat().st_mode & 0o777 == 0o700
        for name in ("server.conf", "access.json"):
            assert (folder / name).stat().st_mode & 0o777 == 0o600
        await server.stop()
        assert running(folder) is None
    assert len(passwords) == 2


@linux
async def test_it_listens_on_loopback_only(server: Embedded) -> None:
    host, _, port = server.running.url.removeprefix("nats://").rpartition(":")
    assert host == "127.0.0.1"
    listening = await asyncio.to_thread(Path(f"/proc/{server.pid}/net/tcp").read_text, encoding="ascii")
    wanted = f":{int(port):04X}"
    found = [line.split()[1] for line in listening.splitlines()[1:] if line.split()[1].endswith(wanted)]
    assert f"0100007F{wanted}" in found
    assert f"00000000{wanted}" not in found


async def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(MeshServerFailed, match="no link"):
        await Embedded(tmp_path / "link").start()


async def test_killed_it_comes_back_with_port_password_and_data(server: Embedded, connect: Connect) -> None:
    one = await connect(server)
    before = server.running
    js = await one.jetstream()
    await js.add_stream(name="s", subjects=["s"])
    await js.publish("s", b"kept")
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    await until(lambda: server.restarts)
    assert server.running == before
    await until(lambda: one.connected)
    js = await one.jetstream()
    assert (await js.get_msg("s", 1)).data == b"kept"


async def test_a_second_process_uses_the_server_and_takes_it_over(tmp_path: Path, connect: Connect) -> None:
    """Two objects of one process lock each other out as two processes do."""
    first, second = Embedded(tmp_path / "nats"), Embedded(tmp_path / "nats")
    await first.start()
    await second.start()
    before = first.running
    assert (first.ours, second.ours) == (True, False)
    assert second.running == before
    with pytest.raises(MeshServerFailed, match="another process"):
        await second.allow([])
    one = await connect(second)
    await first.stop()
    await until(lambda: second.ours and second.pid)
    await until(lambda: one.connected)
    assert second.running == before
    await second.stop()


@linux
async def test_it_ends_with_a_process_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys, pathlib\n"
        "from mcp_wasm.mesh.server import Embedded\n"
        "async def main():\n"
        "    server = Embedded(pathlib.Path(sys.argv[1]))\n"
        "    await server.start()\n"
        "    print(server.pid, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(tmp_path / "nats"), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    pid = int(await child.stdout.readline())
    os.kill(pid, 0)
    child.kill()
    await child.wait()
    await until(lambda: not Path(f"/proc/{pid}/exe").exists())


async def test_a_port_that_another_program_took_meanwhile_is_not_insisted_on(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = Embedded(tmp_path / "nats")
        await server.start()
        port = taken.getsockname()[1]
        server._running = replace(server.running, url=f"nats://127.0.0.1:{port}")
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        await until(lambda: server.restarts)
        assert not server.running.url.endswith(f":{port}")
        await server.stop()


async def test_a_program_that_does_not_start_is_told_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(MeshServerFailed, match="it ended with code"):
        await Embedded(tmp_path / "nats", EmbeddedOptions(port=70_000)).start()


async def test_a_page_of_another_origin_gets_no_websocket(tmp_path: Path) -> None:
    import aiohttp

    with pytest.raises(CallerError, match="the origin of a page"):
        EmbeddedOptions(websocket=0)
    server = Embedded(tmp_path / "nats", EmbeddedOptions(websocket=0, origins=("http://127.0.0.1:8000",)))
    await server.start()
    try:
        url = server.running.websocket
        assert url is not None
        assert url.startswith("ws://127.0.0.1:")
        async with aiohttp.ClientSession() as client:
            for origin in ("http://evil.example", "http://127.0.0.1:8001", "null", "https://127.0.0.1:8000"):
                with pytest.raises(aiohttp.WSServerHandshakeError):
                    await client.ws_connect(url, headers={"Origin": origin})
            async with client.ws_connect(url, headers={"Origin": "http://127.0.0.1:8000"}) as socket:
                assert b"INFO" in await socket.receive_bytes()
    finally:
        await server.stop()


async def test_users_come_and_go_while_it_runs(server: Embedded, connect: Connect) -> None:
    guest = Access(server.running.url, Auth(user="guest", password="guest-secret"))
    with pytest.raises(Unreachable):
        await connect(guest)
    await server.allow([User("guest", "guest-secret")])
    one = await connect(guest)
    await server.allow([])
    await until(lambda: not one.connected)
    with pytest.raises(Unreachable):
        await connect(guest)
