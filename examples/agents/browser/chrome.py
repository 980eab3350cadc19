"""Drives a Chromium without a window, as far as the example's check needs it: by the DevTools protocol.

Source: https://chromedevtools.github.io/devtools-protocol/ (``Target``, ``Runtime``). The browser
is one that is installed here; nothing is downloaded, and it can resolve no name.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_START_S, _WAIT_S = 60.0, 30.0


def program() -> str | None:
    """The browser of this machine, None where there is none."""
    return next((found for each in PROGRAMS if (found := shutil.which(each))), None)


class Page:
    """A page in the browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, session: str) -> None:
        self._socket, self._session, self._numbers = socket, session, itertools.count(1000)

    async def value(self, expression: str) -> Any:
        """What a JavaScript expression is, awaited, as JSON.

        Raises:
            RuntimeError: it throws.
        """
        params = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        found = await said(self._socket, next(self._numbers), "Runtime.evaluate", params, self._session)
        if "exceptionDetails" in found:
            raise RuntimeError(str(found["exceptionDetails"].get("exception", {}).get("description")))
        return found["result"].get("value")

    async def text(self, id_: str, *unlike: str) -> str:
        """The text of an element, as soon as there is one and it is none of ``unlike``."""
        async with asyncio.timeout(_WAIT_S):
            while True:
                found = await self.value(f"document.getElementById({json.dumps(id_)})?.textContent ?? ''")
                if found and found not in unlike:
                    return str(found)
                await asyncio.sleep(0.02)

    async def click(self, selector: str) -> None:
        """Click an element."""
        await self.value(f"document.querySelector({json.dumps(selector)}).click()")


@asynccontextmanager
async def browser(program: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A browser that runs while the block does; what it is told goes through the result."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            program,
            "--headless=new",
            f"--user-data-dir={profile}",
            "--remote-debugging-port=0",
            "--no-first-run",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            # Its own sandbox refuses root, as in most containers; it opens no page but ours.
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            "about:blank",
        ]
        quiet = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(*command, stdin=quiet, stdout=quiet, stderr=quiet)
        try:
            place = await _place(Path(profile) / "DevToolsActivePort", process)
            async with (
                aiohttp.ClientSession() as session,
                session.ws_connect(place, max_msg_size=0) as socket,
            ):
                yield socket
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def opened(socket: aiohttp.ClientWebSocketResponse, url: str, number: int) -> Page:
    """Open a page; ``number`` is one that no other command of this connection has."""
    target = await said(socket, number, "Target.createTarget", {"url": url})
    params = {"targetId": target["targetId"], "flatten": True}
    attached = await said(socket, number + 1, "Target.attachToTarget", params)
    return Page(socket, attached["sessionId"])


async def said(
    socket: aiohttp.ClientWebSocketResponse, number: int, method: str, params: Any, session: str = ""
) -> Any:
    """The result of one command; events that come meanwhile are passed over."""
    command = {"id": number, "method": method, "params": params}
    await socket.send_json(command | ({"sessionId": session} if session else {}))
    async with asyncio.timeout(_WAIT_S):
        while True:
            answer = await socket.receive_json()
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]


async def _place(file: Path, process: asyncio.subprocess.Process) -> str:
    async with asyncio.timeout(_START_S):
        while True:
            lines = _lines(file)
            if len(lines) == 2:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            if process.returncode is not None:
                raise RuntimeError(f"the browser ended with {process.returncode}")
            await asyncio.sleep(0.02)


def _lines(file: Path) -> list[str]:
    return file.read_text("ascii").split() if file.exists() else []
