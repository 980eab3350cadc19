"""The command ``mcp-wasm``: finds the subcommand, runs it, and turns errors into one line and an exit code.

Only the module of the command that was asked for is imported, so that ``serve``
and ``--help`` start quickly. The exit codes are part of the interface:

    0    done
    1    the tool returned an error, or its guest trapped or reached a limit
    2    wrong usage, arguments, settings or files, or source that does not compile; nothing was run
    3    a fault of the host: a missing toolchain, a failed build, too busy, a bug
    130  interrupted (Ctrl-C); 141 the reader of the output went away; 143 terminated
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn, Protocol, cast

from mcp_wasm import __version__
from mcp_wasm.cli import terminal
from mcp_wasm.errors import CallerError, GuestError, HostError, HostFault, McpWasmError

COMMANDS = {
    "serve": "publish components as MCP tools, over stdio or HTTP",
    "list": "list the tools that would be served",
    "inspect": "say what a component exports, imports and needs, without running it",
    "call": "call one tool and print its result and what it cost",
    "run": "run programs in the sandbox for code: Python, JavaScript, TypeScript, C, WebAssembly text",
    "publish": "make a tool of source code, typed by its signatures",
    "made": "list, show, remove and restore tools that were made of code",
    "keep": "let a tool that a model made outlive its session",
    "export": "write a tool that was made of code as a component for any runtime",
    "add": "copy a component, or a folder of them, into the home folder",
    "remove": "remove a component that was added",
    "grants": "show, give, take away, explain and approve what components may do",
    "build": "build the tools that come with the package",
    "agents": "run a tree of agents, look at it, ask its agents and send to them",
    "config": "set up an MCP client to use this server",
    "doctor": "say what is installed, what is missing, and what to type",
    "audit": "show who called what, with what end and at what cost",
    "mesh": "run a mesh of nodes, see who is in it and who exports an interface",
    "worker": "serve calls of this node's tools to the other nodes of a mesh",
    "cache": "show the size of the compiled cache, or prune it",
}

DONE, FAILED, USAGE, FAULT = 0, 1, 2, 3
INTERRUPTED, READER_GONE, TERMINATED = 130, 141, 143

EXIT_CODES = (
    "exit codes: 0 done; 1 the tool returned an error, trapped or reached a limit; 2 wrong usage, arguments, "
    "settings or files, or source that does not compile; 3 a fault of the host or a missing toolchain; "
    "130 interrupted"
)

_log = logging.getLogger(__name__)


class Command(Protocol):
    """What the module of a command offers."""

    @staticmethod
    def arguments(parser: argparse.ArgumentParser) -> None:
        """Declare the command's flags."""

    @staticmethod
    def run(args: argparse.Namespace) -> int:
        """Carry the command out; its exit code."""


def run() -> NoReturn:
    """The entry of the script ``mcp-wasm``."""
    signal.signal(signal.SIGTERM, _terminated)
    code = main(sys.argv[1:])
    if sys.argv[1:2] == ["serve"]:
        # Everything is closed by now; taking the interpreter apart costs half a second more.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def main(argv: Sequence[str]) -> int:
    """Run one command line; its exit code. Errors become one line on stderr."""
    terminal.prepare()
    try:
        args, command = _parse(argv)
        code = command.run(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _discard_stdout()
        return READER_GONE
    except Exception as error:  # noqa: BLE001 - the top: a bug of ours must not show a traceback for an answer
        return _failed(error)
    return code


def _failed(error: Exception) -> int:
    """Tell what went wrong; the exit code."""
    ended = _end_behind(error)
    if ended is not None:
        return ended
    if isinstance(error, McpWasmError):
        terminal.fail(str(error))
        _log.debug("what led to it", exc_info=error)
        return exit_code(error)
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        terminal.fail(f"{where}{error.strerror or error}")
        _log.debug("what led to it", exc_info=error)
        return FAULT
    fault = HostFault(f"{type(error).__name__}: {error}")
    terminal.fail(f"internal error {fault.id}: {fault.what} (again with --verbose for the details)")
    _log.debug("internal error %s", fault.id, exc_info=error)
    return FAULT


def _end_behind(error: BaseException) -> int | None:
    """The exit code of the interrupt or signal during whose handling ``error`` arose, if there was one."""
    context = error.__context__
    while context is not None:
        if isinstance(context, KeyboardInterrupt):
            return INTERRUPTED
        if isinstance(context, SystemExit) and isinstance(context.code, int):
            return context.code
        context = context.__context__
    return None


def exit_code(error: McpWasmError) -> int:
    """The exit code for an error, by whose fault it was."""
    match error:
        case CallerError():
            return USAGE
        case GuestError():
            return FAILED
        case HostError():
            return FAULT
    return FAULT


def parser_of(name: str) -> tuple[argparse.ArgumentParser, Command]:
    """The parser of a command and its module."""
    command = cast(Command, importlib.import_module(f"mcp_wasm.cli.{name}"))
    about = COMMANDS[name]
    parser = argparse.ArgumentParser(
        prog=f"mcp-wasm {name}",
        description=f"{about[0].upper()}{about[1:]}.",
        epilog=EXIT_CODES,
        formatter_class=Formatter,
        allow_abbrev=False,
    )
    command.arguments(parser)
    common = parser.add_argument_group("common")
    common.add_argument("--config", metavar="FILE", help="settings file (default: see `mcp-wasm --help`)")
    common.add_argument(
        "--home", metavar="DIR", help="folder of added components and cache (default: ~/.mcp-wasm)"
    )
    common.add_argument("--verbose", action="store_true", help="log everything on stderr, with tracebacks")
    return parser, command


def _parse(argv: Sequence[str]) -> tuple[argparse.Namespace, Command]:
    name = argv[0] if argv else ""
    if name not in COMMANDS:
        _top(argv)
    parser, command = parser_of(name)
    args = parser.parse_args(argv[1:])
    logging.basicConfig(
        level=logging.DEBUG if args.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s" if args.verbose else "mcp-wasm: %(message)s",
        stream=sys.stderr,
        force=True,
    )
    # What the SDK and asyncio tell at this level is about themselves.
    for other in ("asyncio", "mcp", "httpx", "httpcore"):
        logging.getLogger(other).setLevel(logging.WARNING)
    return args, command


def _top(argv: Sequence[str]) -> NoReturn:
    """Answer ``mcp-wasm``, ``--help``, ``--version`` and what is no command."""
    listed = "\n".join(f"  {name:<8} {about}" for name, about in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="mcp-wasm",
        usage="mcp-wasm COMMAND [options]\n       mcp-wasm COMMAND --help",
        description=f"WebAssembly components as MCP tools, sandboxed.\n\ncommands:\n{listed}",
        epilog=_SETTINGS + EXIT_CODES.replace("; ", "\n  ").replace(": ", ":\n  ", 1),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"mcp-wasm {__version__}")
    if not argv:
        parser.print_help(sys.stderr)
        raise SystemExit(USAGE)
    parser.parse_known_args([word for word in argv if word in ("-h", "--help", "--version")][:1])
    from mcp_wasm.component.names import nearest  # only where a command was mistyped

    word = next((word for word in argv if not word.startswith("-")), argv[0])
    close = nearest(word, tuple(COMMANDS))
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(COMMANDS)}"
    parser.error(f"there is no command {word!r}; {hint}")


_SETTINGS = """\
settings, first found:
  --config FILE or MCP_WASM_CONFIG; mcp-wasm.toml in this folder (which cannot raise limits or
  move the home); mcp-wasm.toml in the home folder. Flags go over them.
  MCP_WASM_HOME: the home folder (default: ~/.mcp-wasm); MCP_WASM_TOKEN: the token for HTTP

"""


class Formatter(argparse.HelpFormatter):
    """Shows the default of each flag that has one and does not tell it in its words."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        import textwrap  # only --help needs it

        return textwrap.wrap(text, width, break_on_hyphens=False)

    def _get_help_string(self, action: argparse.Action) -> str | None:
        told = action.help or ""
        if "default" in told or action.default in (None, False, argparse.SUPPRESS, []):
            return told
        return f"{told} (default: %(default)s)"


def _terminated(_number: int, _frame: object) -> NoReturn:
    """Leave through every ``finally``, so that child processes and scratch folders go too."""
    raise SystemExit(TERMINATED)


def _discard_stdout() -> None:
    """Let the interpreter's last flush of stdout find a place that takes it."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
