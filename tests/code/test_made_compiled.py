"""Kept scripts that become components of their own: without a failed call, with the same grants, for good."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import wasmtime
from wasmtime import component as engine

from mcp_wasm.capability.grant import Clock
from mcp_wasm.code import made_compile
from mcp_wasm.errors import BuildFailed
from mcp_wasm.policy import edit
from mcp_wasm.runtime import Runtime
from tests.code.made_tools import PYTHON, TYPESCRIPT, wanted

pytestmark = [pytest.mark.toolchain, pytest.mark.timeout(400)]

SOURCES = {"python": PYTHON, "typescript": TYPESCRIPT}


@pytest.fixture(scope="module")
def homes(python_home: Path, c_runtime: Runtime) -> dict[str, Path]:
    """Homes whose runners, and what joins them to a source, are ready."""
    return {"python": python_home, "typescript": c_runtime.home}


@pytest.fixture(scope="module", params=list(SOURCES))
def compiled(request: pytest.FixtureRequest, homes: dict[str, Path]) -> Iterator[tuple[Runtime, str, Path]]:
    """A runtime in which a kept tool was called all the time until its component had taken over."""
    language, home = request.param, homes[request.param]
    with Runtime(home=home) as runtime:
        runtime.made.load(compiling=True)
        runtime.made.create(wanted("words", SOURCES[language], language=language), by="x", client="a")
        before = runtime.component("words")
        edit.add(home, "words", before.digest, before.wishes, [Clock("coarse")])
        kept = runtime.made.keep("words", by="anna")
        assert kept.compiled == "compiling"
        listed = runtime.tools
        heard: list[None] = []
        runtime.subscribe(lambda: heard.append(None))
        ended, values = threading.Event(), []

        def call() -> None:
            while not ended.wait(0.05):
                values.append(runtime.call_sync("words_word_count", {"text": "a b c"}).value)

        calling = threading.Thread(target=call)
        calling.start()
        try:
            path = runtime.made.compile("words")
            while runtime.made.show("words").compiled == "compiling":
                runtime.call_sync("words_word_count", {"text": "a b"})
            while len(values) < 3:
                assert calling.is_alive()
        finally:
            ended.set()
            calling.join()
        assert runtime.made.show("words").compiled == "component"
        assert set(values) == {3}
        assert runtime.tools == listed
        assert heard == []
        yield runtime, language, path


def test_it_takes_over_behind_the_same_tools_without_a_failed_call(
    compiled: tuple[Runtime, str, Path],
) -> None:
    runtime, language, _ = compiled
    shown = runtime.component("words")
    assert shown.built is not None
    assert shown.built.digest != shown.digest
    outcome = runtime.call_sync("words_word_count", {"text": "a bb ccc", "least": 2})
    assert outcome.value == 2
    assert outcome.report.digest == shown.built.digest  # what ran; grants go by the other
    if language == "python":
        failed = runtime.call_sync("words_word_count", {"text": "a", "least": None})
        assert failed.value == 1


def test_what_a_person_granted_to_the_source_holds_for_its_component(
    compiled: tuple[Runtime, str, Path],
) -> None:
    runtime, _, _ = compiled
    now = runtime.component("words")
    found = runtime.policies.effective("words", now.digest, now.wishes, now.tools[0].names)
    assert found.clock
    assert not found.waiting


def test_after_a_restart_the_component_is_there_without_a_toolchain(
    compiled: tuple[Runtime, str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime, _, path = compiled

    def build(*_: object) -> None:
        raise AssertionError("it was built again")

    monkeypatch.setattr(made_compile.Compiling, "_run", build)
    with Runtime(home=runtime.home) as again:
        again.made.load(compiling=True)
        while again.made.show("words").compiled == "compiling":
            assert again.call_sync("words_word_count", {"text": "a b"}).value == 2
        assert again.made.show("words").compiled == "component"
        assert again.made.compile("words") == path


def test_a_component_that_was_exchanged_on_disk_does_not_run(
    compiled: tuple[Runtime, str, Path], tmp_path: Path
) -> None:
    _, _, path = compiled
    version = path.parent.parent
    kept = path.read_bytes()
    path.write_bytes(kept + b"\0")
    try:
        with pytest.raises(BuildFailed, match="not the one that was built"):
            made_compile.component(version)
    finally:
        path.write_bytes(kept)
    assert made_compile.component(version) == path


def test_what_is_exported_runs_in_an_engine_that_knows_nothing_of_us(
    compiled: tuple[Runtime, str, Path], tmp_path: Path
) -> None:
    runtime, language, _ = compiled
    out = runtime.made.export("words", tmp_path / "out")
    assert out == tmp_path / "out" / "words.wasm"
    assert "word-count: func(text: string" in out.with_suffix(".wit").read_text()
    plain = wasmtime.Engine()
    linker = engine.Linker(plain)
    linker.add_wasip2()
    store = wasmtime.Store(plain)
    store.set_wasi(wasmtime.WasiConfig())
    instance = linker.instantiate(store, engine.Component.from_file(plain, str(out)))
    function = instance.get_func(store, "word-count")
    assert function is not None
    found = function(store, "a bb ccc", 2 if language == "python" else 2.0)
    assert getattr(found, "payload", found) == 2


def test_a_script_that_cannot_be_compiled_stays_on_its_runner_and_says_why(homes: dict[str, Path]) -> None:
    world = "package a:b; world w { export count: func(text: string) -> u32; }"
    with Runtime(home=homes["typescript"]) as runtime:
        runtime.made.load(compiling=True)
        code = "function count(text) { return text.length; }"
        runtime.made.create(wanted("plain", code, language="javascript", world=world), by="x", client="a")
        runtime.made.keep("plain", by="anna")
        with pytest.raises(BuildFailed, match="only the runner can give it"):
            runtime.made.compile("plain")
        while runtime.made.show("plain").compiled == "compiling":
            assert runtime.call_sync("plain_count", {"text": "abc"}).value == 3
        assert runtime.made.show("plain").compiled.startswith("failed: ")
        assert runtime.call_sync("plain_count", {"text": "abc"}).value == 3


def test_a_runtime_that_closes_ends_what_compiles(homes: dict[str, Path]) -> None:
    with Runtime(home=homes["python"]) as runtime:
        runtime.made.load(compiling=True)
        source = PYTHON + "# closing\n"
        runtime.made.create(wanted("closing", source, language="python"), by="x", client="a")
        runtime.made.keep("closing", by="anna")
        assert runtime.made.show("closing").compiled == "compiling"
    assert not (homes["python"] / "made" / "closing" / "1" / "built").exists()
    with Runtime(home=homes["python"]) as runtime:
        runtime.made.load()
        assert runtime.call_sync("closing_word_count", {"text": "a b"}).value == 2
