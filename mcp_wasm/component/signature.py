"""A function on one line, as WIT writes it; types that have names are shown by them."""

from __future__ import annotations

from mcp_wasm.component.types import (
    Enum,
    Flags,
    Function,
    Handle,
    List,
    Option,
    Primitive,
    Record,
    Result,
    Tuple,
    Type,
    Unsupported,
    Variant,
)


def signature(function: Function) -> str:
    """``interface#name: func(a: s32, b: option<string>) -> list<u8>``."""
    params = ", ".join(f"{param.name}: {written(param.type)}" for param in function.params)
    result = f" -> {written(function.result)}" if function.result is not None else ""
    return f"{function.path}: func({params}){result}"


def written(type_: Type | None) -> str:
    """A type; ``_`` for the absent side of a result."""
    match type_:
        case None:
            return "_"
        case Primitive(primitive=name):
            return name
        case Unsupported(what=what):
            return what
        case Handle(owned=owned, name=name):
            return f"{'own' if owned else 'borrow'}<{name or '?'}>"
    return type_.name or _structure(type_)


def _structure(type_: Type) -> str:
    """A type that has no name, by what it is made of."""
    match type_:
        case List(element=element):
            return f"list<{written(element)}>"
        case Option(payload=payload):
            return f"option<{written(payload)}>"
        case Tuple(elements=elements):
            return f"tuple<{', '.join(map(written, elements))}>"
        case Result(ok=None, err=None):
            return "result"
        case Result(ok=ok, err=err):
            return f"result<{written(ok)}>" if err is None else f"result<{written(ok)}, {written(err)}>"
        case Record(fields=fields):
            return f"record {{ {', '.join(f'{each.name}: {written(each.type)}' for each in fields)} }}"
        case Variant(cases=cases):
            shown = (
                each.name if each.type is None else f"{each.name}({written(each.type)})" for each in cases
            )
            return f"variant {{ {', '.join(shown)} }}"
        case Enum(cases=names):
            return f"enum {{ {', '.join(names)} }}"
        case Flags(flags=names):
            return f"flags {{ {', '.join(names)} }}"
        case _:
            return written(type_)
