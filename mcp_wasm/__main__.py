"""``python -m mcp_wasm`` is the command ``mcp-wasm``."""

from __future__ import annotations

from mcp_wasm.cli.main import run

if __name__ == "__main__":
    run()
