"""A Python guest that keeps state and logs, built by the public toolchain."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mcp_wasm.build.languages import compile_component
from mcp_wasm.build.toolchain import Source
from mcp_wasm.capability.grant import KeyValue, Logging
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.logged import Logged
from tests import once

WIT = Path(__file__).parents[3] / "wit"
WORLD = """package t:t;
world counter {
  import wasi:keyvalue/store@0.2.0-draft2;
  import wasi:keyvalue/atomics@0.2.0-draft2;
  import wasi:keyvalue/batch@0.2.0-draft2;
  import wasi:logging/logging@0.1.0-draft;
  export visit: func(who: string) -> result<s64, string>;
  export append: func(key: string, text: string) -> result<string, string>;
  export everything: func() -> result<list<tuple<string, string>>, string>;
}
"""
PROGRAM = """
import wit_world
from componentize_py_types import Err
from wit_world.imports import atomics, batch, logging, store

def answered(work):
    try:
        return work()
    except Err as error:
        raise Err(type(error.value).__name__ + " " + str(getattr(error.value, "value", "")))

class WitWorld(wit_world.WitWorld):
    def visit(self, who):
        logging.log(logging.Level.INFO, "visits", "visit of " + who)
        return answered(lambda: atomics.increment(store.open("visits"), who, 1))

    def append(self, key, text):
        def work():
            cas = atomics.Cas.new(store.open("visits"), key)
            while True:
                value = (cas.current() or b"") + text.encode()
                try:
                    atomics.swap(cas, value)
                    return value.decode()
                except Err as error:
                    if not isinstance(error.value, atomics.CasError_CasFailed):
                        raise Err(error.value.value)
                    cas = error.value.value
        return answered(work)

    def everything(self):
        def work():
            bucket, cursor, keys = store.open("visits"), None, []
            while True:
                page = bucket.list_keys(cursor)
                keys += page.keys
                cursor = page.cursor
                if cursor is None:
                    return [(key, value.decode()) for key, value in batch.get_many(bucket, keys)]
        return answered(work)
"""


def package(folder: str) -> str:
    """The interfaces of a package as one nested package."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((WIT / folder).glob("*.wit")))
    (name,) = re.findall(r"^package (.*);$", text, re.MULTILINE)
    interfaces = re.findall(r"^interface .*?^}$", text, re.MULTILINE | re.DOTALL)
    return f"package {name} {{\n" + "\n".join(interfaces) + "\n}\n"


@pytest.mark.toolchain
@pytest.mark.timeout(240)
def test_a_python_guest_keeps_state_from_call_to_call(
    home: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    once.share_compiled(tmp_path_factory, home)
    (tmp_path / "app.py").write_text(PROGRAM, encoding="utf-8")
    wit = WORLD + package("wasi-keyvalue-0.2.0-draft2") + package("wasi-logging-0.1.0-draft")
    binary = compile_component("python", Source("counter", tmp_path, "app.py", wit, "counter"))
    (tmp_path / "counter.wasm").write_bytes(binary)
    granted = (KeyValue("visits", write=True), Logging())
    for turn in (1, 2):
        with Runtime(home=home) as runtime:
            runtime.add(tmp_path / "counter.wasm")
            outcome = runtime.call_sync("counter_visit", {"who": "ann"}, approved=granted)
            assert outcome.value == turn
            assert outcome.report.log == (Logged("info", "visits", "visit of ann"),)
            added = runtime.call_sync("counter_append", {"key": "text", "text": "ab"}, approved=granted)
            assert added.value == "ab" * turn
            found = runtime.call_sync("counter_everything", {}, approved=granted)
            assert found.value == [["ann", str(turn)], ["text", "ab" * turn]]
            denied = runtime.call_sync("counter_visit", {"who": "ann"})
            assert (denied.failed, denied.value) == (True, "Error_AccessDenied ")
            reading = runtime.call_sync(
                "counter_append", {"key": "k", "text": ""}, approved=(KeyValue("visits"),)
            )
            assert (reading.failed, reading.value) == (True, "Error_AccessDenied ")
