"""``mcp-wasm build``: builds the tools that come with the package into the home folder."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from mcp_wasm.build import bundled
from mcp_wasm.build.bundled import BundledTool
from mcp_wasm.cli import settings, terminal, wiring
from mcp_wasm.component.names import nearest
from mcp_wasm.config.model import Config
from mcp_wasm.errors import BuildFailed, CallerError, ComponentRefused, McpWasmError, ToolchainMissing

_CODE = "code"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "names", metavar="NAME", nargs="*", help="which tools (default: all), or code: what run_code needs"
    )
    parser.add_argument("--list", action="store_true", help="only say which there are and in which state")
    parser.add_argument("--json", action="store_true", help="print the states as JSON")
    # How a server starts this command: with low priority, and only what can be built now.
    parser.add_argument("--background", action="store_true", help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Build what is not ready; 3 if something that was asked for is not ready afterwards."""
    config = settings.read(args)
    folder = wiring.built(config)
    if args.names == [_CODE]:
        return _build_code(config, as_json=args.json, only_list=args.list)
    tools = _chosen(args.names)
    if args.background:
        if hasattr(os, "nice"):  # not on Windows
            os.nice(10)
        tools = [tool for tool in tools if bundled.state(tool, folder) != "toolchain missing"]
    failed = [] if args.list else _build(tools, folder, config)
    if args.background and config.server.code:
        _build_code(config, as_json=False, only_list=False)
    _report(tools, folder, as_json=args.json)
    for error in failed:
        terminal.fail(str(error))
    return 3 if failed else 0


def _build_code(config: Config, *, as_json: bool, only_list: bool) -> int:
    from mcp_wasm.cli import languages  # with the runtime

    with wiring.new_runtime(config) as runtime:
        if not only_list:
            with terminal.Progress() as progress:
                languages.build(runtime, progress.step)
        states = languages.states(runtime)
    if as_json:
        terminal.print_json([{"name": "code", "language": s.language, "state": s.state} for s in states])
    else:
        rows = [(s.language, s.state, s.remedy) for s in states]
        print(terminal.table([("LANGUAGE", "STATE", ""), *rows]))
    return 0


def _chosen(names: Sequence[str]) -> list[BundledTool]:
    every = {tool.name: tool for tool in bundled.list_bundled()}
    for name in names:
        if name not in every:
            close = nearest(name, tuple(every))
            hint = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(every)}."
            raise CallerError(f"No tool named {name!r} comes with the package. {hint}")
    return [every[name] for name in names] if names else list(every.values())


def _build(tools: Sequence[BundledTool], folder: Path, config: Config) -> list[McpWasmError]:
    failed: list[McpWasmError] = []
    missing = [tool for tool in tools if not bundled.is_current(tool, folder)]
    missing.sort(key=lambda tool: tool.shipped is None)  # what is only copied comes first
    with terminal.Progress(len(missing)) as progress:
        for done, tool in enumerate(missing):
            progress.part(done, f"{tool.name}: building")
            try:
                path = bundled.build_bundled(tool, folder, progress=_steps(progress, tool.name))
                if tool.shipped is None:
                    progress.step(f"{tool.name}: compiling for this machine")
                    _compile(path, config)
            except (ToolchainMissing, BuildFailed, ComponentRefused) as error:
                progress.say(f"{tool.name}: not built")
                failed.append(error)
            else:
                progress.say(f"{tool.name}: ready")
    return failed


def _compile(path: Path, config: Config) -> None:
    """Put the compiled component into the cache, so that its first call need not wait for that.

    A small component, such as those that are shipped, compiles in no time when it is called.
    """
    with wiring.new_runtime(config) as runtime:
        runtime.prepare(runtime.add(path).tools[0].name).result()


def _steps(progress: terminal.Progress, name: str) -> Callable[[str], None]:
    return lambda step: progress.step(f"{name}: {step}")


def _report(tools: Sequence[BundledTool], folder: Path, *, as_json: bool) -> None:
    states = [(tool, bundled.state(tool, folder)) for tool in tools]
    if as_json:
        terminal.print_json([{"name": t.name, "language": t.language, "state": state} for t, state in states])
        return
    rows = [(t.name, t.language, state, _remedy(t, state)) for t, state in states]
    print(terminal.table([("TOOL", "LANGUAGE", "STATE", ""), *rows]))


def _remedy(tool: BundledTool, state: bundled.State) -> str:
    match state:
        case "ready":
            return ""
        case "buildable":
            return f"mcp-wasm build {tool.name}"
        case "toolchain missing":
            return tool.toolchain.install
