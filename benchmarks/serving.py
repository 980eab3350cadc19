"""The servers that are measured, each in a process of its own: this project's, and one that does nothing.

    python -m benchmarks.serving ours|sdk stdio|http [FOLDER]

``sdk`` is the MCP SDK's low-level server with one tool that returns a constant,
on the SDK's own transports: what any Python server costs at least. An HTTP
server prints its port on standard output.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path


def sdk(transport: str) -> None:
    """Serve one tool that does nothing, by the SDK's means alone."""
    import anyio
    from mcp.server.lowlevel import Server
    from mcp.types import CallToolResult, ListToolsResult, TextContent, Tool

    tool = Tool(name="add_add", input_schema={"type": "object", "properties": {}})
    answer = CallToolResult(
        content=[TextContent(type="text", text='{"result":3}')], structured_content={"result": 3}
    )

    async def list_tools(_ctx: object, _params: object) -> ListToolsResult:
        return ListToolsResult(tools=[tool])

    async def call_tool(_ctx: object, _params: object) -> CallToolResult:
        return answer

    server = Server("nothing", on_list_tools=list_tools, on_call_tool=call_tool)
    if transport == "http":
        import uvicorn

        listening = _listening()
        config = uvicorn.Config(server.streamable_http_app(), log_level="warning", access_log=False)
        uvicorn.Server(config).run(sockets=[listening])
        return
    from mcp.server.stdio import stdio_server

    async def serve() -> None:
        async with stdio_server() as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())

    anyio.run(serve)


def ours(transport: str, folder: Path) -> None:
    """Serve the components of ``folder``; its ``home`` keeps what was compiled."""
    import anyio

    from mcp_wasm.runtime import Runtime
    from mcp_wasm.server.options import ServerOptions

    with Runtime(home=folder / "home") as runtime:
        runtime.watch([folder])
        if transport == "stdio":
            from mcp_wasm.server.stdio import serve_stdio

            anyio.run(serve_stdio, runtime, ServerOptions())
            return
        from mcp_wasm.server.http import serve_http

        async def serve() -> None:
            await serve_http(runtime, ServerOptions(), started=_told)

        anyio.run(serve)


def _listening() -> socket.socket:
    listening = socket.create_server(("127.0.0.1", 0), backlog=128)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as where uvicorn binds by itself
    _told(f"http://127.0.0.1:{listening.getsockname()[1]}/mcp")
    return listening


def _told(url: str) -> None:
    print(url.rpartition(":")[2].removesuffix("/mcp"), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "sdk":
        sdk(sys.argv[2])
    else:
        ours(sys.argv[2], Path(sys.argv[3]))
