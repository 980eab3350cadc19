"""``mcp-wasm config``: shows or writes the entry by which an MCP client starts this server."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from mcp_wasm.cli import settings, terminal
from mcp_wasm.cli.clients import CLIENTS, Client
from mcp_wasm.cli.merge import Document
from mcp_wasm.cli.serve import this_command
from mcp_wasm.errors import InvalidSettings


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("client", metavar="CLIENT", choices=CLIENTS, help=f"one of {', '.join(CLIENTS)}")
    parser.add_argument(
        "--write", action="store_true", help="merge the entry into the client's file, after a backup of it"
    )
    parser.add_argument(
        "--user",
        action="store_true",
        help="the person's own file instead of this project's, where there are both",
    )
    parser.add_argument("--file", type=Path, metavar="FILE", help="another file than the client's usual one")
    parser.add_argument("--name", default="mcp-wasm", help="what the server is called in the client")
    parser.add_argument(
        "--components", metavar="DIR", action="append", type=settings.folder, help="serve this folder too"
    )


def run(args: argparse.Namespace) -> int:
    """Print the entry, or write it and say where."""
    client = CLIENTS[args.client]
    path = args.file or _file(client, user=args.user)
    entry = client.entry([*_command(), *_serve(args)])
    pasted = json.dumps({client.servers: {args.name: entry}}, indent=2, ensure_ascii=False)
    if not args.write:
        print(pasted)
        terminal.note(f"For {path}; `mcp-wasm config {args.client} --write` puts it there.")
        return 0
    try:
        document = Document.read(path)
        changed = document.put((client.servers, args.name), entry)
    except InvalidSettings:
        print(pasted)
        terminal.note("Nothing was written. Put the lines above into the file by hand.")
        raise
    if not changed:
        print(f"{path} has this entry already.")
        return 0
    backup = document.write()
    if backup is not None:
        print(f"kept the old file as {backup}")
    print(f"wrote {path}")
    terminal.note(client.after)
    return 0


def _file(client: Client, *, user: bool) -> Path:
    if client.project is None or user:
        return client.user()
    return Path.cwd() / client.project


def _command() -> list[str]:
    """How the client starts this program, from whatever folder, with nothing on its PATH."""
    script = Path(sys.executable).with_name("mcp-wasm.exe" if sys.platform == "win32" else "mcp-wasm")
    return [str(script)] if script.is_file() else this_command()


def _serve(args: argparse.Namespace) -> list[str]:
    words = ["serve"]
    for folder in args.components or ():
        words += ["--components", str(folder)]
    for flag in ("config", "home"):
        value = getattr(args, flag)
        if value is not None:
            words += [f"--{flag}", str(Path(value).expanduser().absolute())]
    return words
