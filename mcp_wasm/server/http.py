"""Serving many clients over streamable HTTP: the SDK's application behind our guard, on uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import uvicorn
from anyio.abc import TaskStatus
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_wasm.audit.sink import event
from mcp_wasm.errors import InvalidSettings
from mcp_wasm.server.access import Access, Token, hashed
from mcp_wasm.server.app import ToolServer, build
from mcp_wasm.server.auth import authenticator
from mcp_wasm.server.connections import Connections
from mcp_wasm.server.guard import LOOPBACK, Guard, is_loopback
from mcp_wasm.server.metadata import resource_metadata
from mcp_wasm.server.options import ServerOptions

if TYPE_CHECKING:
    from mcp_wasm.runtime import Runtime
    from mcp_wasm.server.agents import AgentDoor

PATH = "/mcp"

_LAST_WORDS = 0.1
"""Seconds between stopping the guests and ending what is then still open, such as listening streams."""

_WILDCARDS = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared with, not bound to


async def serve_http(
    runtime: Runtime,
    options: ServerOptions,
    host: str = "127.0.0.1",
    port: int = 0,
    token: str | None = None,
    *,
    access: Access | None = None,
    started: Callable[[str], None] | None = None,
    agents: AgentDoor | None = None,
) -> None:
    """Serve ``runtime`` at ``http://host:port/mcp`` until SIGTERM or SIGINT comes.

    ``token`` opens every tool; ``access`` has further tokens, what they open, and
    the rates. Port 0 takes a free one. The address is printed on stderr when the socket is
    open, and given to ``started``. Calls in flight may finish for
    ``options.shutdown_seconds``, also when this task is cancelled. The runtime
    stays open. ``agents`` are those that clients may ask.

    Raises:
        InvalidSettings: for an address beyond loopback without a token, an empty
            token, or one that cannot be bound.
    """
    if token is not None and not token.strip():
        raise InvalidSettings("token", "a secret of at least one character", token)
    access = access or Access()
    if token is not None:
        access = replace(access, tokens=(*access.tokens, Token("default", hashed(token))))
    if not access.guarded and not is_loopback(host):
        expected = "a loopback address, or a token as well: whoever reaches the port could call the tools"
        raise InvalidSettings("http", expected, host)
    listening = _bind(host, port)
    tools = build(runtime, options, agents)
    url = _url(host, listening.getsockname()[1])
    app = application(tools, options, host, access, _noted(runtime))
    server = _Uvicorn(Requests(app), tools.end_calls, options, access)
    sys.stderr.write(f"Serving MCP at {url}\n")
    sys.stderr.flush()
    if started is not None:
        started(url)
    async with anyio.create_task_group() as group:
        try:
            await group.start(server.run_to_its_end, listening)
            await server.over.wait()
        finally:
            server.stop()


def application(
    server: ToolServer,
    options: ServerOptions,
    host: str,
    access: Access,
    refused: Callable[[str], None] | None = None,
) -> ASGIApp:
    """The guarded ASGI application of ``server``, for a socket bound to ``host``.

    ``refused`` is told the address of whoever sent no valid token.
    """

    async def health(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    metadata, routes, names = None, [Route("/health", health)], {*LOOPBACK, *options.allowed_hosts}
    if access.oauth is not None:
        metadata, name, found = resource_metadata(access.oauth, options.title)
        routes += found
        names.add(name)
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        max_request_body_size=options.body_limit,
        session_idle_timeout=options.session_seconds,
        max_sessions=options.sessions,
        # The guard checks Host and Origin, for /health as well, and who asks.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        custom_starlette_routes=routes,
    )
    anywhere = not is_loopback(host) and not options.allowed_hosts
    return Guard(
        app,
        hosts=None if anywhere else names | ({host} - _WILDCARDS),
        origins={*LOOPBACK, *options.allowed_origins},
        tokens=authenticator(access),
        access=access,
        metadata=metadata,
        refused=refused,
    )


class Requests:
    """Passes requests on to ``app`` and can end all that are in flight, each with a whole response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._running: set[anyio.CancelScope] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        last: Message = {}

        async def remember(message: Message) -> None:
            nonlocal last
            last = message
            await send(message)

        with anyio.CancelScope() as running:
            self._running.add(running)
            try:
                await self._app(scope, receive, remember)
            finally:
                self._running.discard(running)
        if running.cancelled_caught:
            with anyio.move_on_after(0.1):  # a client that reads nothing does not get to wait for the end
                await _finish(last, scope, receive, send)

    def end(self) -> None:
        """End what is in flight."""
        for running in tuple(self._running):
            running.cancel()


async def _finish(last: Message, scope: Scope, receive: Receive, send: Send) -> None:
    """Complete a response of which ``last`` was sent last."""
    if not last:
        await PlainTextResponse("The server is ending", 503)(scope, receive, send)
    elif last["type"] == "http.response.start" or last.get("more_body"):
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Uvicorn(uvicorn.Server):
    """uvicorn that ends within a second of a signal, and then returns instead of raising the signal again."""

    def __init__(
        self, requests: Requests, end_calls: Callable[[], None], options: ServerOptions, access: Access
    ) -> None:
        self._requests, self._end_calls, self._grace = requests, end_calls, options.shutdown_seconds
        self.over = anyio.Event()
        super().__init__(
            uvicorn.Config(
                requests,
                log_level="warning",
                access_log=False,
                server_header=False,
                date_header=False,
                lifespan="on",
                ws="none",
                # Without proxies that a person named, no request can say that it comes from elsewhere.
                proxy_headers=bool(access.proxies),
                forwarded_allow_ips=list(access.proxies),
                http=Connections(access),  # type: ignore[arg-type]
                limit_concurrency=access.connections + 1,
                timeout_graceful_shutdown=self._grace + _LAST_WORDS + 0.2,  # type: ignore[arg-type]
            )
        )

    async def run_to_its_end(
        self, listening: socket.socket, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve until ``stop``; a cancellation is left to whoever calls that."""
        task_status.started()
        with anyio.CancelScope(shield=True):
            await self.serve(sockets=[listening])
        self.over.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and SIGINT, where the platform's event loop can be told of them."""
        loop, caught = asyncio.get_running_loop(), []
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self.stop)
                caught.append(number)
        try:
            yield
        finally:
            for number in caught:
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """Accept no more; let what is in flight finish for a moment, then stop it, then end the rest."""
        if not self.should_exit:
            self.should_exit = True
            loop = asyncio.get_running_loop()
            loop.call_later(self._grace, self._end_calls)
            loop.call_later(self._grace + _LAST_WORDS, self._requests.end)


def _noted(runtime: Runtime) -> Callable[[str], None]:
    """What writes requests without a valid token into the audit log of ``runtime``."""

    def refused(address: str) -> None:
        runtime.note(event("sign-in", client=address, transport="http", outcome="denied"))

    return refused


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        raise InvalidSettings("http", "an address that can be bound", f"{host}:{port} ({error})") from None
    # Connections inherit it. asyncio sets it only where the socket was made for TCP by number, and without
    # it a response in three writes takes 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}{PATH}" if ":" in host else f"http://{host}:{port}{PATH}"
