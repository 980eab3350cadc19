"""A call of a function that is source code: it runs on a runner, typed as a component's function is.

A runner is a component that takes source as data and answers in JSON. It is a
guest like any other, so nothing of its answer is trusted: arguments are lowered
and lifted with the function's own types before they are sent, and the result is
once more, which makes both what a compiled component would accept and give.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from ctypes import byref
from dataclasses import replace
from functools import lru_cache
from typing import Any

from mcp_wasm.component import check as checking
from mcp_wasm.component import types as wit
from mcp_wasm.component.script import Script, form
from mcp_wasm.errors import InvalidArguments, Mismatch, Trap
from mcp_wasm.sandbox import instance, lower
from mcp_wasm.sandbox.call import Permit
from mcp_wasm.sandbox.lift import Lift, lift_plan
from mcp_wasm.sandbox.prepared import Prepared
from mcp_wasm.sandbox.raw import Val, ffi
from mcp_wasm.sandbox.report import Outcome
from mcp_wasm.sandbox.scalars import Lower, Misfit
from mcp_wasm.sandbox.stop import Stop, Watchdog

RUN = "run"
"""The export of a runner, ``func(request: string) -> string`` (``wit/mcp-wasm-code-0.1.0``)."""

_ERROR_TEXT = 16 * 1024


def run(  # noqa: PLR0917 - as instance.run, for a script
    script: Script,
    function: wit.Function,
    permit: Permit,
    prepared: Prepared,
    given: Mapping[str, Any],
    stop: Stop,
    watchdog: Watchdog,
    waits: tuple[float, float] = (0.0, 0.0),
) -> Outcome:
    """Call ``function`` of ``script`` in a fresh instance of its runner, ``prepared``.

    Raises:
        InvalidArguments: before anything runs.
        GuestError, HostFault: carrying a ``report`` of what was spent.
    """
    about = permit.about
    request = {
        "language": script.language,
        "code": script.code,
        "file": script.file,
        "mode": "call",
        "function": script.names[function.path],
        "arguments": _arguments(about.tool, function, given),
        "types": _types(function),
        "result": form(_result_of(function)),
    }
    shapes = script.shapes.get(function.path)
    if shapes:
        request["shapes"] = shapes
    if function.path in script.shapes:
        request["shapes"] = script.shapes[function.path]
    text = json.dumps(request, ensure_ascii=False, separators=(",", ":"))
    outcome = instance.run(permit, prepared, prepared.plans[RUN], {"request": text}, stop, watchdog, waits)
    outcome = replace(outcome, report=replace(outcome.report, digest=about.digest))
    try:
        return _read(outcome, function)
    except Trap as error:
        error.report = outcome.report
        raise


def answer_of(outcome: Outcome) -> dict[str, Any]:
    """The answer of a runner.

    Raises:
        Trap: if it is none, which only code that tampers with its runner can bring about.
    """
    try:
        answer = json.loads(str(outcome.value))
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise Trap("the code ended its runner without an answer")
    return answer


def _read(outcome: Outcome, function: wit.Function) -> Outcome:
    answer = answer_of(outcome)
    error = answer.get("error")
    if error is not None:
        text = error_text(error)
        return replace(outcome, value=text, failed=True, text=json.dumps(text, ensure_ascii=False))
    result = _result_of(function)
    if result is None:
        return replace(outcome, value=None, failed=False, text="null")
    try:
        value = _canonical(result, answer.get("value"))
    except (Misfit, lower.TooMuchLeftOut):
        raise _misfit(function, result, answer.get("value")) from None
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return replace(outcome, value=value, failed=False, text=text)


def _types(function: wit.Function) -> list[list[Any]]:
    return [[param.name, form(param.type)] for param in function.params]


def error_text(error: object) -> str:
    """An error of an answer as the text that a compiled component's ``err`` would be."""
    if not isinstance(error, dict):
        return "the code failed"
    kind, message = str(error.get("type", "Error")), str(error.get("message", ""))
    parts = [f"{kind}: {message}" if message else kind]
    parts += [str(error[key]) for key in ("traceback", "hint") if error.get(key)]
    # Half a character could not be sent.
    return "\n".join(parts)[:_ERROR_TEXT].encode("utf-8", "replace").decode()


def _result_of(function: wit.Function) -> wit.Type | None:
    """The type of what the code returns: the ok side, since an exception is the other one."""
    return function.result.ok if isinstance(function.result, wit.Result) else function.result


def _arguments(tool: str, function: wit.Function, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments in the one JSON form of each; left out are those that were.

    Raises:
        InvalidArguments: naming every place that does not fit.
    """
    lower.begin()
    try:
        types = {param.name: param.type for param in function.params}
        if not isinstance(given, dict) or not types.keys() >= given.keys():
            raise Misfit
        for param in function.params:
            if param.name not in given and not isinstance(param.type, wit.Option):
                raise Misfit
        return {name: _canonical(types[name], value) for name, value in given.items()}
    except Misfit:
        raise InvalidArguments(tool, checking.check(function, given)) from None
    except lower.TooMuchLeftOut:
        allowed = f"at most {lower.LEFT_OUT:,} optional fields left out"
        raise InvalidArguments(tool, [Mismatch("", allowed, "more")]) from None


@lru_cache(maxsize=4096)
def _plans(type_: wit.Type) -> tuple[Lower, Lift]:
    return lower.lower_plan(type_), lift_plan(type_)


def _canonical(type_: wit.Type, value: Any) -> Any:
    """``value`` as a component would be given it and give it back."""
    into, out = _plans(type_)
    slot = Val()
    try:
        into(value, slot)
        return out(slot)
    finally:
        ffi.wasmtime_component_val_delete(byref(slot))


def _misfit(function: wit.Function, result: wit.Type, value: Any) -> Trap:
    as_argument = wit.Function("", function.name, (wit.Param("result", result),))
    found = checking.check(as_argument, {"result": value})
    where = "; ".join(str(each) for each in found[:3]) or "it is another value"
    return Trap(
        f"{function.name} returned what its signature does not say ({where})",
        hint="Mend the code or its signature.",
    )


RunIn = Callable[..., Outcome]
"""How a call is run once it has a worker: ``instance.run``, or the same in a session."""
