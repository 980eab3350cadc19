"""The WIT text of a signature: one package with one world, types first, docs as ``///`` lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mcp_wasm.build.signature.model import Signature
from mcp_wasm.build.signature.names import written
from mcp_wasm.component.types import (
    Enum,
    Flags,
    Function,
    List,
    Option,
    Primitive,
    Record,
    Result,
    Tuple,
    Type,
    Variant,
    children,
)

PACKAGE = "local"
"""The namespace of the packages: they are for one component and not for others to use."""

Named = Record | Variant | Enum | Flags


def text(signature: Signature, *, interface: str = "", imports: Iterable[str] = ()) -> str:
    """The WIT text of ``signature``.

    With ``interface`` the world exports an interface of that name, which holds
    types and functions: some toolchains need that for types that use types.
    ``imports`` are full names of interfaces that the world imports.
    """
    functions = [each.function for each in signature.functions]
    declared = [line for type_ in named_types(functions) for line in [*_declared(type_), ""]]
    exported = list(_exported(functions, prefix="" if interface else "export "))
    body = [*declared, *exported]
    if interface:
        body = [f"export {written(interface)}: interface {{", *_indented(body), "}"]
    body = [*(f"import {each};" for each in imports), *body]
    world = [*_docs(signature.docs), f"world {written(signature.world)} {{", *_indented(body), "}"]
    return "\n".join([f"package {PACKAGE}:{written(signature.world)};", "", *world, ""])


def named_types(functions: Iterable[Function]) -> list[Named]:
    """The types that need a declaration, each once and after those that it uses."""
    found: dict[str, Named] = {}
    seen: set[int] = set()

    def visit(type_: Type) -> None:
        # By identity: types that share parts are larger than they look when they are compared.
        if id(type_) in seen:
            return
        seen.add(id(type_))
        for part in children(type_):
            visit(part)
        if isinstance(type_, Named):
            found.setdefault(type_.name, type_)

    for function in functions:
        for param in function.params:
            visit(param.type)
        if function.result is not None:
            visit(function.result)
    return list(found.values())


def has_nested(functions: Iterable[Function]) -> bool:
    """Whether a declared type uses another declared type."""
    return any(isinstance(inner, Named) for type_ in named_types(functions) for inner in _below(type_))


def described(function: Function) -> str:
    """The docs of ``function`` with a line for each parameter that has some."""
    lines = [f"- `{param.name}`: {param.docs}" for param in function.params if param.docs]
    return "\n\n".join(filter(None, [function.docs, "\n".join(lines)]))


def reference(type_: Type | None) -> str:
    """``type_`` as it is written where it is used; ``_`` for none."""
    match type_:
        case None:
            return "_"
        case Primitive(primitive=primitive):
            return primitive
        case Record(name=name) | Variant(name=name) | Enum(name=name) | Flags(name=name):
            return written(name)
        case List(element=element):
            return f"list<{reference(element)}>"
        case Option(payload=payload):
            return f"option<{reference(payload)}>"
        case Tuple(elements=elements):
            return f"tuple<{', '.join(reference(each) for each in elements)}>"
        case Result(ok=None, err=None):
            return "result"
        case Result(ok=ok, err=None):
            return f"result<{reference(ok)}>"
        case Result(ok=ok, err=err):
            return f"result<{reference(ok)}, {reference(err)}>"
        case _:
            raise TypeError(f"{type(type_).__name__} comes from no source code")


def _exported(functions: Iterable[Function], prefix: str) -> Iterator[str]:
    for number, function in enumerate(functions):
        if number:
            yield ""
        yield from _docs(described(function))
        params = ", ".join(f"{written(param.name)}: {reference(param.type)}" for param in function.params)
        result = "" if function.result is None else f" -> {reference(function.result)}"
        yield f"{prefix}{written(function.name)}: func({params}){result};"


def _declared(type_: Named) -> Iterator[str]:
    yield from _docs(type_.docs)
    yield f"{type(type_).__name__.lower()} {written(type_.name)} {{"
    yield from _indented(_items(type_))
    yield "}"


def _items(type_: Named) -> Iterator[str]:
    match type_:
        case Record(fields=fields):
            for field in fields:
                yield from _docs(field.docs)
                yield f"{written(field.name)}: {reference(field.type)},"
        case Variant(cases=cases):
            for case in cases:
                yield from _docs(case.docs)
                payload = "" if case.type is None else f"({reference(case.type)})"
                yield f"{written(case.name)}{payload},"
        case Enum(cases=names, case_docs=docs) | Flags(flags=names, flag_docs=docs):
            for name, said in zip(names, docs or [""] * len(names), strict=True):
                yield from _docs(said)
                yield f"{written(name)},"


def _below(type_: Type) -> Iterator[Type]:
    """The types inside ``type_``, down to the next declared one."""
    for part in children(type_):
        yield part
        if not isinstance(part, Named):
            yield from _below(part)


def _docs(said: str) -> list[str]:
    return [f"/// {line}".rstrip() for line in said.split("\n")] if said else []


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"    {line}" if line else "" for line in lines)


def without_docs(text_: str) -> str:
    """A WIT text that this module wrote, without its docs."""
    return "\n".join(line for line in text_.split("\n") if not line.lstrip().startswith("///"))
