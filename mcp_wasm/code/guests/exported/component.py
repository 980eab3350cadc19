"""A component of one Python source: the functions of its world, with values and errors as on the runner.

It stands beside the modules of the runner (``guests/python``) when it is built.
The source's top level is run then, once, and is part of the component. A value
goes from what componentize-py makes of it to plain JSON, and from there by the
runner's own way to what the type hints say, so that both take and give the same.
"""

from __future__ import annotations

import base64
import dataclasses
import math
import os
import random
import types
import typing
from collections.abc import Callable
from typing import Any

import componentize_py_types
import engine
import failures
import preload
import program
import streams
import wit_world

_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_ERROR_TEXT = 16 * 1024
_SEED, _ENTROPY = random.seed, os.urandom


def world(functions: dict[str, Any], source: str, file: str) -> type:
    """The class that implements the world.

    ``functions`` has for each name in WIT what the code calls it and its types:
    ``[code name, [[parameter, type], …], result type or None]``.
    """
    preload.finish(engine.answer, program.forget)
    code = _Code(source, file)
    made = {}
    for name, described in functions.items():
        method = _method_name(name)
        made[method] = _method(code, getattr(wit_world.WitWorld, method), described)
    return type("WitWorld", (wit_world.WitWorld,), made)


class _Code:
    """The source, its top level run."""

    def __init__(self, source: str, file: str) -> None:
        self.request = program.Request({"code": source, "file": file, "mode": "call"})
        state = random.getstate()
        self.names = program.load(self.request)
        self.seeds_itself = random.getstate() != state
        self.called = False

    def call(self, name: str, given: dict[str, Any], types_: list[Any], result: Any) -> Any:
        """The plain JSON of what a function returned.

        Raises:
            Err: with the text of what the code raised.
        """
        if not self.called and not self.seeds_itself:
            # What the snapshot holds would be the same for every instance.
            _SEED(int.from_bytes(_ENTROPY(32)))
        self.called = True
        streams.begin()
        try:
            return program.result_of(self.names[name], given, types_, result)
        except BaseException as error:
            # SystemExit and KeyboardInterrupt are outcomes like any other.
            said = _text(failures.describe(error, self.request))
        finally:
            streams.end()
        raise componentize_py_types.Err(said)


def _method(code: _Code, declared: Any, described: list[Any]) -> Callable[..., Any]:
    name, types_, result = described
    hints = typing.get_type_hints(declared)
    returned = hints.pop("return", None)
    params = list(zip(types_, hints.values(), strict=True))

    def method(_self: Any, *given: Any) -> Any:
        """Call the function of the code."""
        plain = {
            label: _from_component(value, type_, hint)
            for ((label, type_), hint), value in zip(params, given, strict=True)
        }
        value = code.call(name, plain, types_, result)
        return None if result is None else _to_component(value, result, returned)

    return method


def _method_name(name: str) -> str:
    snake = name.replace("-", "_")
    found = [each for each in (snake, f"{snake}_", f"_{snake}") if hasattr(wit_world.WitWorld, each)]
    return found[0]


def _text(error: dict[str, Any]) -> str:
    kind, message = error["type"], error["message"]
    parts = [f"{kind}: {message}" if message else kind, error.get("traceback"), error.get("hint")]
    return "\n".join(part for part in parts if part)[:_ERROR_TEXT]


def _from_component(value: Any, type_: list[Any], hint: Any) -> Any:
    """A value of componentize-py as plain JSON."""
    match type_:
        case ["option", inner]:
            return None if value is None else _from_component(value, inner, _without_none(hint))
        case ["primitive", "f32" | "f64"] if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case ["list", ["primitive", "u8"]]:
            return base64.b64encode(bytes(value)).decode()
        case ["list", inner]:
            (part,) = typing.get_args(hint)
            return [_from_component(each, inner, part) for each in value]
        case ["tuple", inner]:
            parts = typing.get_args(hint)
            return [_from_component(*each) for each in zip(value, inner, parts, strict=True)]
        case ["record", fields]:
            hints = typing.get_type_hints(hint)
            own = [(getattr(value, each.name), hints[each.name]) for each in dataclasses.fields(hint)]
            pairs = zip(fields, own, strict=True)
            return {
                label: _from_component(part, inner, part_hint) for (label, inner), (part, part_hint) in pairs
            }
        case ["enum", labels]:
            return labels[list(hint).index(value)]
        case ["flags", labels]:
            return [label for label, flag in zip(labels, hint, strict=True) if flag in value]
        case ["variant", cases]:
            place = _classes(hint).index(type(value))
            label, inner = cases[place]
            if inner is None:
                return {"tag": label}
            return {"tag": label, "val": _from_component(value.value, inner, _payload(type(value)))}
    return value


def _to_component(value: Any, type_: list[Any], hint: Any) -> Any:
    """Plain JSON as a value of componentize-py."""
    match type_:
        case ["option", inner]:
            return None if value is None else _to_component(value, inner, _without_none(hint))
        case ["primitive", "f32" | "f64"]:
            return _FLOATS[value] if isinstance(value, str) else float(value)
        case ["primitive", name] if name[0] in "us":
            return value if name == "string" else int(value)
        case ["list", ["primitive", "u8"]]:
            return base64.b64decode(value)
        case ["list", inner]:
            (part,) = typing.get_args(hint)
            return [_to_component(each, inner, part) for each in value]
        case ["tuple", inner]:
            parts = typing.get_args(hint)
            return tuple(_to_component(*each) for each in zip(value, inner, parts, strict=True))
        case ["record", fields]:
            hints = typing.get_type_hints(hint)
            own = [hints[each.name] for each in dataclasses.fields(hint)]
            return hint(
                *(
                    _to_component(value[label], inner, part)
                    for (label, inner), part in zip(fields, own, strict=True)
                )
            )
        case ["enum", labels]:
            return list(hint)[labels.index(value)]
        case ["flags", labels]:
            made = hint(0)
            for label, flag in zip(labels, hint, strict=True):
                made |= flag if label in value else hint(0)
            return made
        case ["variant", cases]:
            place = [label for label, _ in cases].index(value["tag"])
            case, inner = _classes(hint)[place], cases[place][1]
            return case() if inner is None else case(_to_component(value["val"], inner, _payload(case)))
    return value


def _without_none(hint: Any) -> Any:
    parts = tuple(each for each in typing.get_args(hint) if each is not types.NoneType)
    return parts[0] if len(parts) == 1 else typing.Union[parts]  # noqa: UP007 - of a number that is not known


def _classes(hint: Any) -> list[Any]:
    """The classes of the cases of a variant, which is a union of them."""
    return list(typing.get_args(hint)) or [hint]


def _payload(case: type) -> Any:
    return typing.get_type_hints(case)["value"]
