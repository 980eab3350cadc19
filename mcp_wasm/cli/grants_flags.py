"""The actions of ``mcp-wasm grants`` and their flags, as people type them."""

from __future__ import annotations

import argparse
from typing import Any

from mcp_wasm.capability import document, words
from mcp_wasm.capability.grant import KINDS
from mcp_wasm.capability.keys import KEYS
from mcp_wasm.cli import wiring
from mcp_wasm.errors import InvalidSettings
from mcp_wasm.registry.tool import Component

LISTS = {
    "host": ("hosts", "a host: a name, an address, `*.suffix`, or `*` for every public one"),
    "scheme": ("schemes", "http or https"),
    "method": ("methods", "a method of requests, or `*`"),
    "port": ("ports", "a port"),
    "tool": ("tools", "only for this tool of the component"),
}
"""Flags that may be given several times, each with the key that it is short for."""

SWITCHES = {
    "private": ("private", "addresses that are not public may be reached too"),
    "write": ("write", "it may write there"),
}
"""Flags without a value, each with the key that it sets."""

_FORMS = "kinds and their short forms:\n" + "\n".join(
    f"  {f'{kind} {words.FORMS[kind]}':<34} keys: {', '.join(key.name for key in KEYS[kind])}"
    for kind in KINDS
)


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their flags."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=_Action)

    def action(name: str, about: str, **more: Any) -> argparse.ArgumentParser:
        made = actions.add_parser(
            name, help=about, description=f"{about[0].upper()}{about[1:]}.", allow_abbrev=False, **more
        )
        common = made.add_argument_group("common")
        # Also the parent has them: what is not given here must not hide what is given there.
        for flag, meta, text in (("config", "FILE", "settings file"), ("home", "DIR", "home folder")):
            common.add_argument(f"--{flag}", metavar=meta, default=argparse.SUPPRESS, help=text)
        common.add_argument(
            "--verbose", action="store_true", default=argparse.SUPPRESS, help="log everything"
        )
        return made

    show = action("show", "say what is granted, and whether it holds for the bytes that are there")
    show.add_argument("component", metavar="COMPONENT", nargs="?", help="only this component's")
    explain = action("explain", "say for each import and wish of a component whether it is granted, and why")
    explain.add_argument("component", metavar="COMPONENT")
    explain.add_argument("tool", metavar="TOOL", nargs="?", help="as this tool of it has it")
    add = action(
        "add",
        "grant something to a component",
        epilog=_FORMS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add.add_argument("component", metavar="COMPONENT")
    add.add_argument("kind", metavar="KIND", help=f"one of {', '.join(KINDS)}")
    add.add_argument("words", metavar="WORD", nargs="*", help="the short form of the kind, or KEY=VALUE")
    for flag, (_, about) in LISTS.items():
        add.add_argument(f"--{flag}", action="append", default=[], metavar=flag.upper(), help=about)
    for flag, (_, about) in SWITCHES.items():
        add.add_argument(f"--{flag}", action="store_true", help=about)
    revoke = action("revoke", "take grants away from a component")
    revoke.add_argument("component", metavar="COMPONENT")
    revoke.add_argument("what", metavar="KIND|NUMBER", nargs="?", help="which, as `grants show` numbers them")
    revoke.add_argument("--all", action="store_true", help="all that it has")
    approve = action("approve", "let a component keep its grants for the bytes that are there now")
    approve.add_argument("component", metavar="COMPONENT")
    approve.add_argument(
        "--trust",
        choices=document.TRUST,
        help="whether other bytes of this name keep the grants from now on, while their wishes do not grow",
    )
    action("schema", "print the JSON Schema of the policy file, for editors")
    for each in (add, approve):
        each.add_argument(
            "--digest", metavar="SHA256", default="", help="the bytes, where no such component is found"
        )
    for each in (show, explain, add, approve):
        wiring.add_sources(each)
    for each in (show, explain):
        each.add_argument("--json", action="store_true", help="print a JSON document")


def meant(component: Component | None, args: argparse.Namespace) -> tuple[str, frozenset[str]]:
    """The digest that is meant, and what those bytes wish for as far as it is known.

    Raises:
        InvalidSettings: what ``--digest`` says is none.
    """
    digest = args.digest or (component.digest if component is not None else "")
    if not document.DIGEST.fullmatch(digest):
        raise InvalidSettings("--digest", "64 hexadecimal digits in lower case", digest)
    return digest, component.wishes if component is not None and component.digest == digest else frozenset()


class _Action(argparse.ArgumentParser):
    """A parser that takes words before, between and after flags, as people type them."""

    _mixed = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if self._mixed:
            return super().parse_known_args(args, namespace)
        self._mixed = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._mixed = False
