"""What a made tool may be: names, sizes, numbers, and whose tool it may replace. Nothing is changed here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from mcp_wasm.capability.command import LOADED
from mcp_wasm.capability.policy import Policy
from mcp_wasm.code.contract import MADE_LANGUAGES
from mcp_wasm.code.made_contract import (
    DESCRIPTION,
    MOST,
    MOST_UNKEPT,
    PERSON,
    SOURCE_BYTES,
    TESTS,
    TESTS_BYTES,
    TOTAL_BYTES,
    Edition,
    Wanted,
    tests_text,
)
from mcp_wasm.component import names
from mcp_wasm.component.docs_text import cleaned
from mcp_wasm.errors import CallerError
from mcp_wasm.registry.index import Index
from mcp_wasm.registry.tool import Component

_LONGEST_NAME, _LONGEST_BY = 200, 80
_UNSEEN = re.compile(r"[^\w .,@+/'-]")

SERVERS = frozenset(
    f"{verb}_{what}"
    for verb in ("create", "describe", "export", "keep", "list", "remove", "restore", "search", "show")
    for what in ("tool", "tools", "made_tool", "made_tools")
) | {"run_code", "call_tool", "load_component", "unload_component"}
"""Names of the server's own tools, which would hide a made one."""


def check(wanted: Wanted) -> None:
    """Refuse what is too large or no text.

    Raises:
        CallerError: naming the limit.
    """
    if wanted.language not in MADE_LANGUAGES:
        raise CallerError(
            f"There is no language {wanted.language[:40]!r}: take one of {', '.join(MADE_LANGUAGES)}."
        )
    for what, text in (("The source", wanted.source), ("The world", wanted.world)):
        try:
            size = len(text.encode())
        except UnicodeEncodeError:
            raise CallerError(f"{what} is no text that UTF-8 can write (it has lone surrogates).") from None
        if size > SOURCE_BYTES:
            raise CallerError(f"{what} has {size:,} bytes; {SOURCE_BYTES:,} are taken.")
    if len(wanted.description) > DESCRIPTION:
        raise CallerError(
            f"The description has {len(wanted.description):,} characters; {DESCRIPTION:,} are taken."
        )
    if len(wanted.tests) > TESTS:
        raise CallerError(f"There are {len(wanted.tests):,} tests; {TESTS} are taken.")
    try:
        size = len(tests_text(wanted.tests))
    except (TypeError, ValueError, RecursionError):
        raise CallerError("The tests hold what is no JSON value.") from None
    if size > TESTS_BYTES:
        raise CallerError(f"The tests have {size:,} bytes of JSON; {TESTS_BYTES:,} are taken.")


def name_of(wanted: str) -> str:
    """The name of the component that shall be called ``wanted``.

    Raises:
        CallerError: no component can be called so.
    """
    if not wanted.strip() or len(wanted) > _LONGEST_NAME:
        raise CallerError(f"A tool has a name of 1 to {_LONGEST_NAME} characters.")
    name = names.component_name(wanted)
    if name in names.RESERVED or name.startswith(LOADED):
        raise CallerError(f"The name {name} is reserved. Take another name.")
    return name


def plain(by: str) -> str:
    """Who made or kept something, as one short line without what could pass for words of ours."""
    return _UNSEEN.sub("", " ".join(cleaned(by).split()))[:_LONGEST_BY] or "unknown"


def refuse_granted(name: str, policy: Policy) -> None:
    """Refuse a new tool under a name to which people granted something.

    Raises:
        CallerError: it is such a name, or none can tell.
    """
    if policy.problem or name in policy.entries:
        why = "the policy cannot be read" if policy.problem else "a person has granted something to that name"
        raise CallerError(f"{name} cannot be made: {why}. Take another name.")


def refuse_others(current: Edition, client: str, policy: Policy) -> None:
    """Refuse to replace a tool that is not ``client``'s, or whose grants would go over to any new version.

    Raises:
        CallerError: it is such a tool.
    """
    if client == PERSON:
        return
    if current.client != client:
        raise CallerError(f"{current.name} was made by {current.created_by}, not by you. Take another name.")
    entry = policy.entries.get(current.name)
    if entry is not None and entry.trust == "name":
        raise CallerError(
            f"{current.name} has grants for whatever has that name, so only a person may replace it. "
            "Take another name."
        )


def refuse_too_many(name: str, client: str, kept: Mapping[str, Edition], own: Mapping[str, Edition]) -> None:
    """Refuse one made tool more than there may be.

    Raises:
        CallerError: with the limit and what to do.
    """
    if len(kept.keys() | own.keys() | {name}) > MOST:
        raise CallerError(f"{MOST} tools are made already. Remove one that is not needed.")
    unkept = {each.name for each in own.values() if each.client == client} | {name}
    if client != PERSON and len(unkept) > MOST_UNKEPT:
        raise CallerError(
            f"You have made {MOST_UNKEPT} tools that nobody kept. Remove one that is not needed, or have a "
            "person keep one."
        )


def refuse_too_large(size: int) -> None:
    """Refuse more where made tools take as many bytes as they may.

    Raises:
        CallerError: with the limit and what to do.
    """
    if size > TOTAL_BYTES:
        raise CallerError(f"Made tools take {size:,} bytes; {TOTAL_BYTES:,} are allowed. Remove some.")


def refuse_taken_tools(component: Component, index: Index) -> None:
    """Refuse a tool named as one of another component: then neither would keep its name.

    Raises:
        CallerError: naming both.
    """
    others = {
        tool.name: other.name
        for other in index.components
        for tool in other.tools
        if other.name != component.name
    }
    others |= {tool.name: tool.component for tool in index.all_tools if tool.component != component.name}
    for tool in component.tools:
        owner = "the server" if tool.name in SERVERS else others.get(tool.name)
        if owner is not None:
            raise CallerError(f"Its tool {tool.name} would be named as one of {owner}. Take another name.")


def refuse_not_allowed(component: Component, may: Callable[[str], bool] | None) -> None:
    """Refuse tools that who makes them may not call: others may, and would take them for somebody else's.

    Raises:
        CallerError: naming the first.
    """
    for tool in component.tools:
        if may is not None and not may(tool.name):
            raise CallerError(
                f"Its tool would be {tool.name}, and you may not call one of that name. Take another name."
            )


def refuse_unsaid(kept: Edition, waiting: Sequence[Edition]) -> None:
    """Refuse to keep what is kept where a version waits that may be meant, and nobody has said so.

    Raises:
        CallerError: with what there is.
    """
    if waiting:
        told = ", ".join(f"{each.digest[:12]} by {each.created_by}" for each in waiting[:5])
        raise CallerError(
            f"{kept.name} is kept already, as version {kept.version} ({kept.digest[:12]}). In sessions, not "
            f"kept, are: {told}. Look at one with `mcp-wasm made show {kept.name} --digest DIGEST`, and keep "
            "it with the same --digest."
        )


def refuse_kept_meanwhile(found: Edition, kept: Edition | None, *, damaged: bool) -> None:
    """Refuse to keep a version over another tool than the one that it was made to replace.

    Raises:
        CallerError: something else was kept under its name.
    """
    if damaged or (kept is not None and kept.digest not in {found.over, found.digest}):
        raise CallerError(
            f"Another tool named {found.name} was kept meanwhile. Remove that, or have this one made under "
            "another name."
        )
