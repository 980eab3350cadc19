"""``mcp-wasm grants``: what components may do, shown, given, taken away, explained and approved."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_wasm.capability import address, document, explain, hosts, words
from mcp_wasm.capability.effective import WITHOUT_IMPORT, ahead, imported, shadowed
from mcp_wasm.capability.grant import KINDS, Grant, Network, Nn, Storage, kind_of
from mcp_wasm.capability.policy import Entry, Policy, combine
from mcp_wasm.capability.values import Place
from mcp_wasm.cli import granted, grants_flags, settings, terminal, wiring
from mcp_wasm.code.contract import CODE
from mcp_wasm.component.names import NAME, nearest
from mcp_wasm.config.model import Config
from mcp_wasm.errors import CallerError, InvalidSettings
from mcp_wasm.policy import edit
from mcp_wasm.policy.file import FILE_NAME, read

if TYPE_CHECKING:
    from mcp_wasm.registry.tool import Component
    from mcp_wasm.runtime import Runtime


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their flags."""
    grants_flags.declare(parser)


def run(args: argparse.Namespace) -> int:
    """Carry the action out."""
    return _ACTIONS[args.action](args)


def _show(args: argparse.Namespace) -> int:
    config = wiring.read(args)
    policy = _policies(config)
    with wiring.open_runtime(config) as runtime:
        if args.component is not None and args.component not in policy.both.entries:
            runtime.component(args.component)  # a component that is nowhere is a mistake
        components = {each.name: each for each in (*runtime.components, runtime.component(CODE))}
        whole = runtime.policies.policy
    wanted = whole.entries if args.component is None else {args.component: whole.entries.get(args.component)}
    entries = [entry for entry in wanted.values() if entry is not None]
    if args.json:
        terminal.print_json({"file": str(policy.file), "grants": granted.document(entries, components)})
        return 0
    if not entries:
        to = f" to {args.component}" if args.component else ""
        terminal.note(f"Nothing is granted{to}. Grant something: mcp-wasm grants add COMPONENT KIND …")
        return 0
    print(
        terminal.safe("\n\n".join("\n".join(granted.lines(e, components.get(e.component))) for e in entries))
    )
    return 0


def _explain(args: argparse.Namespace) -> int:
    config = wiring.read(args)
    _policies(config)
    with wiring.open_runtime(config) as runtime:
        component = runtime.component(args.component)
        names = _names(runtime, component, args.tool)
        grants = runtime.policies.effective(component.name, component.digest, component.wishes, names)
        entry = runtime.policies.policy.entries.get(component.name)
    if args.json:
        terminal.print_json(granted.explained_document(component, args.tool, grants, entry))
    else:
        print(terminal.safe("\n".join(granted.explained(component, args.tool, grants, entry))))
    return 0


def _add(args: argparse.Namespace) -> int:
    config = wiring.read(args)
    policy = _policies(config)
    _check_name(args.component)
    given = [
        *args.words,
        *(f"{key}={each}" for flag, (key, _) in grants_flags.LISTS.items() for each in vars(args)[flag]),
    ]
    given += [f"{key}=true" for flag, (key, _) in grants_flags.SWITCHES.items() if vars(args)[flag]]
    place = Place(Path.cwd(), Path.home())
    grant = _led(document.grant(args.kind, words.table(args.kind, given), f"a grant of {args.kind}", place))
    component = _find(config, args)
    digest, wishes = grants_flags.meant(component, args)
    if component is not None:
        _check_tools(component, grant)
    identified = policy.identified(args.component)
    added = edit.add(
        policy.file.parent, args.component, "" if identified is not None else digest, wishes, [grant]
    )
    said = f"{args.component}: {_told(grant)}"
    now = read(policy.file)
    gone = _gone(policy.own, now, args.component) if added else []
    instead = f", instead of {' and '.join(map(_told, gone))}" if gone else ""
    print(terminal.line(f"{'granted to' if added else 'has already'} {said}{instead}"))
    _note_ahead(combine(config.grants, now).entries[args.component], grant)
    if component is not None and kind_of(grant) not in WITHOUT_IMPORT | imported(wishes):
        terminal.note(f"note: {args.component} imports nothing of {kind_of(grant)}: that has no effect on it")
    _note_folder(grant, policy.file.parent)
    _note_hosts(grant)
    return 0


def _told(grant: Grant) -> str:
    return f"{kind_of(grant)} {' '.join(words.words(grant))}".rstrip()


def _gone(before: Policy, after: Policy, component: str) -> list[Grant]:
    """The grants that a component had before and has not after."""
    had, has = (
        each.entries[component].grants if component in each.entries else () for each in (before, after)
    )
    return [grant for grant in had if grant not in has]


def _note_ahead(entry: Entry, grant: Grant) -> None:
    """Say where an earlier grant for the same place decides instead of ``grant``."""
    held = next(each for each in entry.grants if each == grant)
    without = [first for each, first in shadowed(entry.grants) if each is held]
    for first in without:
        told = f"note: that has no effect, since an earlier grant decides: {explain.told(first)}"
        terminal.note(terminal.line(f"{told}. Take that away, or change it where it stands."))
    for first in () if without else ahead(entry.grants, held):
        for_tools = f"note: for {', '.join(first.tools)} that has no effect, since an earlier grant decides"
        terminal.note(terminal.line(f"{for_tools}: {explain.told(first)}. Take that away, or change it."))


def _led(grant: Grant) -> Grant:
    """A folder behind links as what they lead to: a call opens folders and follows no link to them."""
    return replace(grant, folder=grant.folder.resolve()) if isinstance(grant, (Storage, Nn)) else grant


def _note_folder(grant: Grant, home: Path) -> None:
    """Say what a person may not have meant."""
    if not isinstance(grant, (Storage, Nn)):
        return
    if not grant.folder.is_dir():
        terminal.note(f"note: there is no folder {grant.folder} yet")
    home = home.resolve()
    over = home.is_relative_to(grant.folder) or grant.folder.is_relative_to(home)
    if isinstance(grant, Storage) and grant.write and over:
        terminal.note(f"note: that is only readable, since grants lie in {home}: name a folder beside it")


def _note_hosts(grant: Grant) -> None:
    """Say which hosts are more, or less, than they look."""
    if not isinstance(grant, Network):
        return
    if hosts.ANY in grant.hosts:
        also = " and private ones" if grant.private else ""
        terminal.note(f"note: that is every host with a public address{also}")
    for ip in (ip for host in grant.hosts if (ip := address.parse(host)) is not None):
        if refusal := address.refusal(ip, grant.private, grant.hosts):
            terminal.note(f"note: {refusal}: no request will reach it")
        elif address.sort(ip)[0] == "metadata":
            terminal.note(f"note: {ip} is {address.sort(ip)[1]}, which hands out credentials")


def _revoke(args: argparse.Namespace) -> int:
    policy = _policies(settings.read(args))
    _check_name(args.component)
    if args.all == (args.what is not None):
        raise InvalidSettings("grants revoke", "KIND or NUMBER, or --all", "both" if args.all else "neither")
    kind, index = (None, None) if args.all else _which(policy, args.component, args.what)
    gone = edit.revoke(policy.file.parent, args.component, kind=kind, index=index)
    for grant in gone:
        print(
            terminal.line(f"revoked from {args.component}: {kind_of(grant)} {' '.join(words.words(grant))}")
        )
    left = policy.settings.entries.get(args.component)
    if left is not None and left.grants:
        terminal.note(f"note: {left.where} grants {len(left.grants)} more: take them away there")
    return 0


def _approve(args: argparse.Namespace) -> int:
    config = wiring.read(args)
    policy = _policies(config)
    known = policy.identified(args.component)
    if known is not None:
        raise CallerError(f"{known.where} says which bytes are meant: change its digest there.")
    component = _find(config, args)
    digest, wishes = grants_flags.meant(component, args)
    edit.approve(policy.file.parent, args.component, digest, wishes, trust=args.trust)
    entry = read(policy.file).entries[args.component]
    print(terminal.safe("\n".join(granted.lines(entry, component))))
    return 0


def _schema(_args: argparse.Namespace) -> int:
    from mcp_wasm.capability.schema import document_schema  # only this action needs it

    terminal.print_json(document_schema())
    return 0


_ACTIONS: dict[str, Callable[[argparse.Namespace], int]] = {
    "show": _show,
    "explain": _explain,
    "add": _add,
    "revoke": _revoke,
    "approve": _approve,
    "schema": _schema,
}


@dataclass(frozen=True, slots=True)
class _Policies:
    """The policy file of a home, what it says, what the settings say, and both together."""

    file: Path
    own: Policy
    settings: Policy
    both: Policy

    def identified(self, component: str) -> Entry | None:
        """The entry of the settings that says which bytes of the component are meant."""
        entry = self.settings.entries.get(component)
        return entry if entry is not None and (entry.digest or entry.trust) else None


def _policies(config: Config) -> _Policies:
    file = wiring.home(config) / FILE_NAME
    own = read(file)
    if own.problem:
        raise CallerError(f"{own.problem}. Nothing is granted to anybody until that is mended.")
    return _Policies(file, own, config.grants, combine(config.grants, own))


def _find(config: Config, args: argparse.Namespace) -> Component | None:
    """The component of that name; None where a digest says which bytes are meant instead."""
    with wiring.open_runtime(config) as runtime:
        try:
            return runtime.component(args.component)
        except CallerError as error:
            if args.digest:
                return None
            told = f"{error} Name its folder with --components, or its bytes with --digest"
            raise CallerError(f"{told} (mcp-wasm inspect FILE prints it).") from None


def _names(runtime: Runtime, component: Component, tool: str | None) -> frozenset[str]:
    """What a tool goes by, or all tools of the component do."""
    renamed = [each for each in runtime.tools if each.component == component.name]
    tools = {each.function.path: each for each in (*component.tools, *renamed)}
    called = {path: {each.name, path, each.function.name} for path, each in tools.items()}
    if tool is None:
        return frozenset().union(*called.values())
    found = [names for names in called.values() if tool in names]
    if not found:
        raise _no_tool(component, tool)
    return frozenset(found[0])


def _check_tools(component: Component, grant: Grant) -> None:
    known = {name for each in component.tools for name in (each.name, each.function.path, each.function.name)}
    for tool in grant.tools:
        if not tool.endswith("*") and tool not in known:
            raise _no_tool(component, tool)


def _no_tool(component: Component, tool: str) -> CallerError:
    names = [each.name for each in component.tools]
    hint = ", ".join(nearest(tool, names) or names)
    return CallerError(f"{component.name} has no tool named {tool!r}; near: {hint}.")


def _which(policy: _Policies, component: str, what: str) -> tuple[str, int | None]:
    """The kind and, where one is meant, the place among the grants of that kind in the file."""
    found = re.fullmatch(r"([a-z]+)(?:\[([0-9]{1,6})\])?|([0-9]{1,6})", what)
    if found is None or (found[1] and found[1] not in KINDS):
        raise InvalidSettings(
            "grants revoke", f"a number of `grants show`, or one of {', '.join(KINDS)}", what
        )
    if found[1]:
        return found[1], None if found[2] is None else int(found[2])
    entry, own = policy.both.entries.get(component), policy.own.entries.get(component)
    number, given = int(found[3]), entry.grants if entry is not None else ()
    if not 0 < number <= len(given):
        raise CallerError(f"{component} has no grant number {number}. See: mcp-wasm grants show {component}")
    grant = given[number - 1]
    same = [each for each in (own.grants if own is not None else ()) if kind_of(each) == kind_of(grant)]
    for index, each in enumerate(same):
        if each is grant:
            return kind_of(grant), index
    raise CallerError(f"{grant.rule} stands in the settings: take it away there.")


def _check_name(component: str) -> None:
    if not NAME.fullmatch(component):
        raise InvalidSettings("COMPONENT", "a component's name: lower-case letters, digits and _", component)
