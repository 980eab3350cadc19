"""One call in a fresh instance: a store, its budget, the call, and nothing left over.

Synchronous; ``invoke`` runs it on a worker thread. Arguments are validated
while they are lowered, before the store exists.
"""

from __future__ import annotations

import ctypes
import json
import time
from collections.abc import Mapping
from ctypes import byref
from typing import Any

from mcp_wasm.component import check as checking
from mcp_wasm.errors import HostFault, InvalidArguments, McpWasmError, Mismatch, OutputLimitExceeded
from mcp_wasm.sandbox import lower as lowering
from mcp_wasm.sandbox import trap, wasi
from mcp_wasm.sandbox.call import Call, Permit, at_epoch, keep
from mcp_wasm.sandbox.engine import engine
from mcp_wasm.sandbox.host import poll
from mcp_wasm.sandbox.lift import TooMuchText, lift_within
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.prepared import Plan, Prepared
from mcp_wasm.sandbox.raw import KIND, EngineError, Val, check, ffi
from mcp_wasm.sandbox.report import Outcome, Report
from mcp_wasm.sandbox.scalars import Misfit
from mcp_wasm.sandbox.stop import Stop, Watchdog

_NO_FINALIZER = ctypes.cast(0, ctypes.CFUNCTYPE(None, ctypes.c_void_p))


class Arguments:
    """Lowered arguments of one call, freed on exit.

    Raises:
        InvalidArguments: naming every place that does not fit.
    """

    __slots__ = ("count", "values")

    def __init__(self, tool: str, plan: Plan, given: Mapping[str, Any]) -> None:
        self.count = len(plan.params)
        self.values = (Val * max(1, self.count))()
        lowering.begin()
        try:
            if not isinstance(given, dict) or not plan.names.issuperset(given):
                raise Misfit
            for index, (name, optional, lower) in enumerate(plan.params):
                if name in given:
                    lower(given[name], self.values[index])
                elif optional:
                    self.values[index].kind = KIND["option"]
                else:
                    raise Misfit
        except Misfit:
            self.free()
            raise _explained(tool, plan, given) from None
        except lowering.TooMuchLeftOut:
            self.free()
            allowed = f"at most {lowering.LEFT_OUT:,} optional fields left out"
            raise InvalidArguments(tool, [Mismatch("", allowed, "more")]) from None
        except BaseException:
            self.free()
            raise

    def free(self) -> None:
        """Give the values back to the engine."""
        for index in range(self.count):
            ffi.wasmtime_component_val_delete(byref(self.values[index]))
        self.count = 0


def _explained(tool: str, plan: Plan, given: object) -> McpWasmError:
    mismatches = checking.check(plan.function, given)
    if mismatches:
        return InvalidArguments(tool, mismatches)
    return HostFault(f"the arguments of {tool} were refused without a reason")


def run(  # noqa: PLR0917 - one caller, on the path of every call
    permit: Permit,
    prepared: Prepared,
    plan: Plan,
    given: Mapping[str, Any],
    stop: Stop,
    watchdog: Watchdog,
    waits: tuple[float, float] = (0.0, 0.0),
) -> Outcome:
    """Call one function in a fresh instance.

    ``waits`` are the seconds that the call waited for a compile and for a
    worker; they are only reported.

    Raises:
        InvalidArguments: before anything runs.
        GuestError, HostFault: carrying a ``report`` of what was spent.
    """
    arguments = Arguments(permit.about.tool, plan, given)
    try:
        return _run(permit, prepared, plan, arguments, stop, watchdog, waits)
    finally:
        arguments.free()


def _run(  # noqa: PLR0917 - the same
    permit: Permit,
    prepared: Prepared,
    plan: Plan,
    arguments: Arguments,
    stop: Stop,
    watchdog: Watchdog,
    waits: tuple[float, float],
) -> Outcome:
    begun, limits = time.monotonic(), permit.limits
    stop.deadline = min(stop.deadline, begun + limits.deadline)
    call = Call(permit, stop)
    store = ffi.wasmtime_store_new(engine().ptr(), call.number, _NO_FINALIZER)
    call.context = context = ffi.wasmtime_store_context(store)
    times = [begun, begun, *waits]
    try:
        _set_budget(store, context, call, limits, poll.BRIDGE if prepared.needs_wasi else (0, 0))
        watchdog.begin(stop)
        try:
            if prepared.needs_wasi:
                wasi.configure(call)
            result, text = _enter(prepared, plan, arguments, context, call, limits, times)
        except EngineError as error:
            failure = trap.failure(call, limits, _fuel_used(context, limits), str(error))
            raise failure from failure.__cause__
        finally:
            watchdog.end(stop)
            call.end()
        _check_end(call, limits)
        return Outcome(*result, text, _report(prepared, call, context, limits, times))
    except McpWasmError as error:
        error.report = _report(prepared, call, context, limits, times)
        raise
    finally:
        ffi.wasmtime_store_delete(store)
        call.close()


def _set_budget(store: Any, context: Any, call: Call, limits: Limits, ours: tuple[int, int]) -> None:
    """``ours`` is how many instances and memories of our own the store holds beside the guest's."""
    instances, memories = limits.instances + ours[0], limits.memories + ours[1]
    check(ffi.wasmtime_context_set_fuel(context, limits.fuel))
    ffi.wasmtime_store_limiter(
        store, limits.memory, limits.table_elements, instances, limits.tables, memories
    )
    ffi.wasmtime_store_epoch_deadline_callback(store, at_epoch, call.number, keep)
    ffi.wasmtime_context_set_epoch_deadline(context, 1)


def _enter(  # noqa: PLR0917 - the same
    prepared: Prepared,
    plan: Plan,
    arguments: Arguments,
    context: Any,
    call: Call,
    limits: Limits,
    times: list[float],
) -> tuple[tuple[Any, bool], str]:
    instance, function = ffi.wasmtime_component_instance_t(), ffi.wasmtime_component_func_t()
    check(
        ffi.wasmtime_component_linker_instantiate(
            prepared.linker(call.grants).ptr(), context, prepared.component.ptr(), byref(instance)
        )
    )
    times[1] = time.monotonic()
    if not ffi.wasmtime_component_instance_get_func(
        byref(instance), context, plan.index.ptr(), byref(function)
    ):
        raise EngineError(f"the instance has no {plan.function.path}")
    slot = Val()
    check(
        ffi.wasmtime_component_func_call(
            byref(function),
            context,
            arguments.values,
            arguments.count,
            byref(slot),
            0 if plan.lift is None else 1,
        )
    )
    if plan.lift is None:
        return (None, False), "null"
    try:
        _check_end(call, limits)  # reading a huge result takes seconds, which nobody waits for any more
        value = lift_within(plan.lift, slot, limits.result)
    except TooMuchText:
        raise OutputLimitExceeded(limits.result, detail="Its strings alone are longer.") from None
    finally:
        ffi.wasmtime_component_val_delete(byref(slot))
    failed = False
    if plan.fails:
        ((side, value),) = value.items()
        failed = side == "err"
    return (value, failed), _dumped(value, limits)


def _dumped(value: Any, limits: Limits) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # A character has at most four bytes, so only a text near the limit is encoded to be measured.
    size = len(text) if len(text) * 4 <= limits.result else len(text.encode())
    if size > limits.result:
        raise OutputLimitExceeded(limits.result, size)
    return text


def _check_end(call: Call, limits: Limits) -> None:
    stopped = trap.overdue(call, limits)
    if stopped is not None:
        raise stopped
    if call.fault is not None:
        raise HostFault("a host function failed") from call.fault


def _fuel_used(context: Any, limits: Limits) -> int:
    left = ctypes.c_uint64(0)
    check(ffi.wasmtime_context_get_fuel(context, byref(left)))
    return limits.fuel - min(left.value, limits.fuel)


def _report(prepared: Prepared, call: Call, context: Any, limits: Limits, times: list[float]) -> Report:
    begun, instantiated, compiling, queued = times
    return Report(
        digest=prepared.digest,
        fuel=_fuel_used(context, limits),
        queue_ms=queued * 1e3,
        compile_ms=compiling * 1e3,
        instantiate_ms=(instantiated - begun) * 1e3,
        run_ms=(time.monotonic() - instantiated) * 1e3,
        stdout=call.stdout.printed(),
        stderr=call.stderr.printed(),
        denials=call.denials,
    )
