"""A call in an instance: a store, its budget, the call; a fresh one each time, and nothing left over.

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
from mcp_wasm.errors import (
    CapabilityDenied,
    HostFault,
    InvalidArguments,
    McpWasmError,
    Mismatch,
    OutputLimitExceeded,
)
from mcp_wasm.sandbox import lower as lowering
from mcp_wasm.sandbox import trap, wasi
from mcp_wasm.sandbox.call import Call, Permit, at_epoch, keep
from mcp_wasm.sandbox.engine import engine
from mcp_wasm.sandbox.lift import Overdue, TooMuchText, lift_within
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.linker import active
from mcp_wasm.sandbox.prepared import Plan, Prepared
from mcp_wasm.sandbox.raw import KIND, EngineError, Val, check, ffi
from mcp_wasm.sandbox.report import Outcome, Printed, Report
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
        live = Live(permit, prepared, stop)
        try:
            return live.run(plan, arguments, watchdog, waits)
        finally:
            live.close()
    finally:
        arguments.free()


class Live:
    """A store with one instance in it, and the call that has it.

    One call and gone, as a rule; with ``lasting`` it serves one call after the
    other, each under a permit of its own (``renew``), until one of them traps or
    ``close``. One thread at a time.
    """

    __slots__ = ("_context", "_instance", "_lasting", "_prepared", "_store", "call")

    def __init__(self, permit: Permit, prepared: Prepared, stop: Stop, *, lasting: bool = False) -> None:
        self._prepared, self._lasting = prepared, lasting
        self.call = call = Call(permit, stop)
        self._store = ffi.wasmtime_store_new(engine().ptr(), call.number, _NO_FINALIZER)
        self._context = call.context = ffi.wasmtime_store_context(self._store)
        self._instance: Any = None
        limits = call.limits
        used = active(prepared.interfaces, call.grants) if prepared.needs_wasi else ()
        instances = limits.instances + sum(interface.bridge[0] for interface in used)
        memories = limits.memories + sum(interface.bridge[1] for interface in used)
        ffi.wasmtime_store_limiter(
            self._store, limits.memory, limits.table_elements, instances, limits.tables, memories
        )
        ffi.wasmtime_store_epoch_deadline_callback(self._store, at_epoch, call.number, keep)

    def renew(self, permit: Permit, stop: Stop) -> None:
        """The next call: who asks, its limits and grants, and its own stop token."""
        self.call.renew(permit, stop)

    def close(self) -> None:
        """Let go of the instance and of all that it held."""
        if self._lasting:
            self.call.end()
        ffi.wasmtime_store_delete(self._store)
        self.call.close()

    def run(
        self, plan: Plan, arguments: Arguments, watchdog: Watchdog, waits: tuple[float, float]
    ) -> Outcome:
        """Call one function; see the module's ``run``."""
        call, limits, begun = self.call, self.call.limits, time.monotonic()
        stop = call.stop
        stop.deadline = min(stop.deadline, begun + limits.deadline)
        times = [begun, begun, *waits]
        try:
            check(ffi.wasmtime_context_set_fuel(self._context, limits.fuel))
            ffi.wasmtime_context_set_epoch_deadline(self._context, 1)
            watchdog.begin(stop)
            try:
                if self._instance is None:
                    self._instantiate()
                times[1] = time.monotonic()
                result, text = self._enter(plan, arguments)
            except EngineError as error:
                failure = trap.failure(call, limits, self._fuel_used(), str(error))
                raise failure from failure.__cause__
            finally:
                watchdog.end(stop)
                if not self._lasting:
                    call.end()
            _check_end(call, limits)
            return Outcome(*result, text, self._report(times))
        except McpWasmError as error:
            error.report = self._report(times)
            raise

    def _instantiate(self) -> None:
        if self._prepared.needs_wasi:
            wasi.configure(self.call, active(self._prepared.interfaces, self.call.grants))
        instance = ffi.wasmtime_component_instance_t()
        linker = self._prepared.linker(self.call.grants)
        try:
            check(
                ffi.wasmtime_component_linker_instantiate(
                    linker.ptr(), self._context, self._prepared.component.ptr(), byref(instance)
                )
            )
        except EngineError as error:
            loud = tuple(denial for denial in self.call.denials if not denial.quiet)
            if loud and trap.overdue(self.call, self.call.limits) is None:
                raise CapabilityDenied(loud) from error
            raise
        self._instance = instance

    def _enter(self, plan: Plan, arguments: Arguments) -> tuple[tuple[Any, bool], str]:
        call, function = self.call, ffi.wasmtime_component_func_t()
        if not ffi.wasmtime_component_instance_get_func(
            byref(self._instance), self._context, plan.index.ptr(), byref(function)
        ):
            raise EngineError(f"the instance has no {plan.function.path}")
        slot = Val()
        check(
            ffi.wasmtime_component_func_call(
                byref(function),
                self._context,
                arguments.values,
                arguments.count,
                byref(slot),
                0 if plan.lift is None else 1,
            )
        )
        if plan.lift is None:
            return (None, False), "null"
        try:
            _check_end(call, call.limits)  # reading a huge result takes seconds, for which nobody waits now
            value = lift_within(plan.lift, slot, call.limits.result, call.stop.due)
        except Overdue:
            _check_end(call, call.limits)
            raise
        except TooMuchText:
            raise OutputLimitExceeded(call.limits.result, detail="Its strings alone are longer.") from None
        finally:
            ffi.wasmtime_component_val_delete(byref(slot))
        if call.redactor is not None:
            value = call.redactor.value(value)
        failed = False
        if plan.fails:
            ((side, value),) = value.items()
            failed = side == "err"
        return (value, failed), _dumped(value, call.limits)

    def _fuel_used(self) -> int:
        left = ctypes.c_uint64(0)
        check(ffi.wasmtime_context_get_fuel(self._context, byref(left)))
        return self.call.limits.fuel - min(left.value, self.call.limits.fuel)

    def _report(self, times: list[float]) -> Report:
        begun, instantiated, compiling, queued = times
        call = self.call
        return Report(
            digest=self._prepared.digest,
            fuel=self._fuel_used(),
            queue_ms=queued * 1e3,
            compile_ms=compiling * 1e3,
            instantiate_ms=(instantiated - begun) * 1e3,
            run_ms=(time.monotonic() - instantiated) * 1e3,
            stdout=_shown(call, call.stdout.printed()),
            stderr=_shown(call, call.stderr.printed()),
            denials=call.denials,
            log=call.log.lines,
            log_dropped=call.log.dropped,
            fuel_is_least=call.cut,
        )


def _shown(call: Call, printed: Printed) -> Printed:
    if call.redactor is None:
        return printed
    clean = call.redactor.cut if printed.dropped else call.redactor.text
    return Printed(clean(printed.text), printed.dropped)


def _dumped(value: Any, limits: Limits) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # A character has at most four bytes, so only a text near the limit is encoded to be measured.
    size = len(text) if len(text) * 4 <= limits.result else len(text.encode())
    if size > limits.result:
        raise OutputLimitExceeded(limits.result, size)
    return text


def _check_end(call: Call, limits: Limits) -> None:
    if isinstance(call.fault, McpWasmError):
        raise call.fault
    stopped = trap.overdue(call, limits)
    if stopped is not None:
        raise stopped
    if call.fault is not None:
        raise HostFault("a host function failed") from call.fault
