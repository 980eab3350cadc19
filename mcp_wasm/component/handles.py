"""Handles of sessions in arguments: which functions carry them, and where in a value they are.

Pure. What a handle stands for is the sandbox's business (``sandbox.session``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mcp_wasm.component.types import (
    Function,
    Handle,
    List,
    Option,
    Record,
    Result,
    Tuple,
    Type,
    Variant,
    children,
)


def carries(function: Function) -> bool:
    """Whether ``function`` takes or gives handles, so that its calls belong to a session."""
    types = [param.type for param in function.params]
    return any(map(_has_handle, types if function.result is None else [*types, function.result]))


def given(function: Function, arguments: dict[str, Any]) -> Iterator[tuple[str, Handle, str]]:
    """The handles in ``arguments``, which fit ``function``: JSON pointer, type and text of each."""
    for param in function.params:
        if param.name in arguments and _has_handle(param.type):
            yield from _inside(f"/{param.name}", param.type, arguments[param.name])


def _has_handle(type_: Type) -> bool:
    return isinstance(type_, Handle) or any(map(_has_handle, children(type_)))


def _inside(at: str, type_: Type, value: Any) -> Iterator[tuple[str, Handle, str]]:
    match type_:
        case Handle():
            yield at, type_, value
        case List(element=element):
            for index, item in enumerate(value):
                yield from _inside(f"{at}/{index}", element, item)
        case Tuple(elements=elements):
            for index, (element, item) in enumerate(zip(elements, value, strict=True)):
                yield from _inside(f"{at}/{index}", element, item)
        case Record(fields=fields):
            for field in fields:
                if field.name in value:
                    yield from _inside(f"{at}/{field.name}", field.type, value[field.name])
        case Variant(cases=cases):
            payload = next(case.type for case in cases if case.name == value["tag"])
            if payload is not None:
                yield from _inside(f"{at}/val", payload, value["val"])
        case Option(payload=payload) if value is not None:
            inner = value["some"] if isinstance(payload, Option) else value
            yield from _inside(at, payload, inner)
        case Result(ok=ok, err=err):
            ((side, inner),) = value.items()
            chosen = ok if side == "ok" else err
            if chosen is not None:
                yield from _inside(f"{at}/{side}", chosen, inner)
        case _:
            return
