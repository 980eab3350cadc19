"""What reading the signatures of Rust and of Go has in common: names, docs, functions, a given world."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mcp_wasm.build.signature import tree
from mcp_wasm.build.signature.docstrings import cut
from mcp_wasm.build.signature.model import Exact, Parameter
from mcp_wasm.build.signature.names import Taken, kebab
from mcp_wasm.build.signature.parts import Parts
from mcp_wasm.build.signature.wit import reference
from mcp_wasm.component.schema import unpublishable
from mcp_wasm.component.types import Function, Type
from mcp_wasm.errors import SignatureRefused

if TYPE_CHECKING:
    from tree_sitter import Node

MOST_FUNCTIONS = 100

# What WIT text may not hold: control characters and marks that turn the writing.
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(slots=True)
class Source:
    """A source that was parsed; ``root`` holds its top level, ``parts`` counts the parts of its types."""

    file: str
    content: bytes
    root: Node
    parts: Parts[Node]

    def refused(self, node: Node, reason: str, hint: str = "") -> SignatureRefused:
        """The refusal of what ``node`` says."""
        return tree.refused(self.file, self.content, node, reason, hint)

    def name(self, node: Node, written: str = "") -> str:
        """What the name at ``node`` (or ``written`` there) is in WIT.

        Raises:
            SignatureRefused: it cannot be one.
        """
        word = written or tree.text(node)
        found = kebab(word.removeprefix("r#"))
        if found is None:
            raise self.refused(
                node, f"`{word[:80]}` cannot be a name in WIT", "Begin it with a letter of ASCII"
            )
        return found


@dataclass(slots=True)
class _Port:
    """Stands for a source until there is one: ``Parts`` and ``Source`` know each other."""

    source: Source | None = None

    def refused(self, node: Node, reason: str, hint: str = "") -> SignatureRefused:
        assert self.source is not None
        return self.source.refused(node, reason, hint)


def source(file: str, content: bytes, root: Node, bodies: Iterable[str]) -> Source:
    """A source whose top level parses; what stands in nodes of the types ``bodies`` is for its compiler.

    Raises:
        SignatureRefused: it does not parse.
    """
    port = _Port()
    port.source = made = Source(file, content, root, Parts(port, Taken()))
    broken = tree.error_in(root, tuple(bodies))
    if broken is not None:
        raise made.refused(broken, "SyntaxError: the source cannot be parsed from here on")
    return made


def distinct(source: Source, named: Iterable[tuple[str, Node]], what: str) -> None:
    """Check that names differ in WIT too.

    Raises:
        SignatureRefused: two do not.
    """
    seen: set[str] = set()
    for name, node in named:
        if name in seen:
            raise source.refused(node, f"two {what} are `{name}` in WIT", "Rename one")
        seen.add(name)


def function(
    source: Source, node: Node, parameters: Sequence[tuple[Node, Type]], result: Type | None, docs: str
) -> Exact:
    """The function whose name is at ``node``, with its ``parameters`` by the places of their names.

    Raises:
        SignatureRefused: a name cannot stand in WIT, or it cannot be a tool.
    """
    taken = [Parameter(tree.text(each), source.name(each), type_) for each, type_ in parameters]
    distinct(source, [(p.name, at) for p, (at, _) in zip(taken, parameters, strict=True)], "parameters")
    code_name = tree.text(node)
    found = Exact(code_name, source.name(node), tuple(taken), result, plain(docs), node.start_point[0] + 1)
    if problem := unpublishable(found.function):
        raise source.refused(node, f"`{code_name}` cannot be a tool: {problem}", "Make its types smaller")
    return found


def plain(docs: str) -> str:
    """Docs of code as WIT can have them."""
    return cut(_UNWRITABLE.sub(" ", docs).strip(), 0)


def fitted(found: Sequence[Exact], wanted: Sequence[Function], file: str) -> tuple[Function, ...]:
    """The functions of a given world as the code has them: ``path`` is the world's, types are both's.

    Raises:
        SignatureRefused: the code has another type, or not the function.
    """
    by_name = {each.name: each for each in found}
    for want in wanted:
        have = by_name.get(want.name)
        if have is None:
            reason = f"the world exports `{want.name}`, and the code has no such function"
            raise SignatureRefused(file, 1, 1, reason, "Write it, or leave it out of the world")
        written, asked = _types(have.function), _types(want)
        if written != asked:
            said = f"the world wants {_shown(want)}, and `{have.code_name}` is {_shown(have.function)}"
            raise SignatureRefused(file, have.line, 1, said, "Change either")
    return tuple(replace(by_name[want.name].function, interface=want.interface) for want in wanted)


def _types(function: Function) -> tuple[tuple[Type, ...], Type | None]:
    return tuple(param.type for param in function.params), function.result


def _shown(function: Function) -> str:
    params = ", ".join(reference(param.type) for param in function.params)
    return f"func({params})" + ("" if function.result is None else f" -> {reference(function.result)}")


def exported_name(function: Function) -> str:
    """The name of the core function; quoted as Rust and Go both write it."""
    return function.path


def nothing(source: Source, hint: str) -> SignatureRefused:
    """The refusal of a source without a function."""
    return source.refused(source.root, "it defines no function that could be called", hint)
