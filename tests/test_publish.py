"""From a file to tools: names, docs, manifests, and a reason for everything that is refused."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from wasmtime import wat2wasm

from mcp_wasm.errors import ComponentRefused
from mcp_wasm.runtime import Runtime

Program = Callable[[str], Path]

CORE = '(core module $m (func (export "f"))) (core instance $i (instantiate $m))'
LIFTED = '(canon lift (core func $i "f"))'
GOOD = f'{CORE} (func (export "f") {LIFTED})'
POINTER = """(core module $m (memory (export "m") 1) (func (export "f") (result i32) unreachable))
    (core instance $i (instantiate $m)) (alias core export $i "m" (core memory $mem))"""


@pytest.fixture
def runtime(home: Path) -> Iterator[Runtime]:
    with Runtime(home=home) as made:
        yield made


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Write a component given by what stands inside ``(component …)``."""

    def made(name: str, inside: str) -> Path:
        path = tmp_path / name
        path.write_text(f"(component {inside})")
        return path

    return made


Write = Callable[[str, str], Path]


@pytest.mark.parametrize(
    ("file", "component", "tool"),
    [
        ("tiny.wat", "tiny", "tiny_go"),
        ("My-Tool.wat", "my_tool", "my_tool_go"),
        ("42.wat", None, None),
        ("a b.c.wat", None, None),
    ],
)
def test_a_component_is_called_by_its_files_stem(
    runtime: Runtime, write: Write, file: str, component: str | None, tool: str | None
) -> None:
    found = runtime.add(write(file, f'{CORE} (func (export "go") {LIFTED})'))
    assert component is None or found.name == component
    assert tool is None or [each.name for each in found.tools] == [tool]
    for each in found.tools:
        assert each.name.isascii()
        assert each.name.replace("_", "").isalnum()
        assert each.name[0].isalpha()


def test_a_manifest_names_and_describes_and_an_argument_names_above_it(
    runtime: Runtime, write: Write, tmp_path: Path
) -> None:
    path = write("file.wat", f'{CORE} (func (export "go") {LIFTED})')
    (tmp_path / "file.toml").write_text(
        'name = "tool"\n[tools.go]\ntitle = "Go there"\ndescription = "Goes there and back."\n'
    )
    found = runtime.add(path)
    (tool,) = found.tools
    assert (found.name, tool.name, tool.title) == ("tool", "tool_go", "Go there")
    assert tool.description == "Goes there and back."
    assert found.manifest["name"] == "tool"
    assert runtime.add(path, name="other").name == "other"


@pytest.mark.parametrize("manifest", ["name = 7", "[tools.go]\ntitle = ['a']", "[tools.go]\ndescription = 1"])
def test_a_manifest_that_does_not_fit_is_refused_by_its_name(
    runtime: Runtime, write: Write, tmp_path: Path, manifest: str
) -> None:
    path = write("file.wat", f'{CORE} (func (export "go") {LIFTED})')
    (tmp_path / "file.toml").write_text(manifest)
    with pytest.raises(ComponentRefused, match=r"file\.toml.* is not a text"):
        runtime.add(path)


REFUSED: dict[str, tuple[str, str]] = {
    "a resource is taken that only the host could give": (
        f"""{CORE} (import "wasi:io/error@0.2.0" (instance $e (export "error" (type (sub resource)))))
        (alias export $e "error" (type $x))
        (core module $n (func (export "f") (param i32))) (core instance $j (instantiate $n))
        (func (export "f") (param "x" (own $x)) (canon lift (core func $j "f")))""",
        "takes a handle (`error`) to a resource that it imports",
    ),
    "nothing is exported": (CORE, "exports no function"),
    "only a type is exported": ('(type $t (enum "a")) (export $x "t" (type $t))', "exports no function"),
    "something unknown is imported": (
        f'(import "my:own/thing@1.0.0" (instance $x (export "g" (func)))) {GOOD}',
        "it imports my:own/thing@1.0.0, which this host does not provide",
    ),
    "a function is imported": (
        f'(import "help" (func)) {CORE} (func (export "f") {LIFTED})',
        "it imports help",
    ),
    "a core module is imported": (
        f'(import "libc" (core module)) {CORE} (func (export "f") {LIFTED})',
        "it imports libc",
    ),
    "WASI 0.3 is imported": (
        f'(import "wasi:clocks/monotonic-clock@0.3.0" (instance $x (export "g" (func)))) {GOOD}',
        "it imports wasi:clocks/monotonic-clock@0.3.0",
    ),
    "another preview of WASI is imported": (
        f'(import "wasi:io/poll@0.2.0-rc-2023-11-10" (instance $x (export "g" (func)))) {GOOD}',
        "it imports wasi:io/poll@0.2.0-rc-2023-11-10",
    ),
    "a function is imported that our interface does not have": (
        f'(import "wasi:http/outgoing-handler@0.2.0" (instance $x (export "g" (func)))) {GOOD}',
        "it imports wasi:http/outgoing-handler@0.2.0#g, which this host does not provide",
    ),
    "it is a command": (
        f"""{CORE.replace('(func (export "f"))', '(func (export "f") (result i32) (i32.const 0))')}
        (func $run (result (result)) (canon lift (core func $i "f")))
        (instance $run (export "run" (func $run))) (export "wasi:cli/run@0.2.0" (instance $run))""",
        "it is a command",
    ),
}


@pytest.mark.parametrize(("inside", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_a_component_is_refused_because(runtime: Runtime, write: Write, inside: str, says: str) -> None:
    with pytest.raises(ComponentRefused) as caught:
        runtime.add(write("it.wat", inside))
    assert says in str(caught.value)
    assert runtime.components == ()


BYTES: dict[str, tuple[str, bytes, str]] = {
    "empty": ("a.wasm", b"", "it is not WebAssembly"),
    "empty text": ("a.wat", b"", ""),
    "a core module": ("a.wasm", b"\0asm\x01\0\0\0", "it is a core module"),
    "a core module as text": ("a.wat", b"(module)", "it is a core module"),
    "another layer": ("a.wasm", b"\0asm\x0d\0\x07\0", "unknown layer"),
    "an old component": ("a.wasm", b"\0asm\x0a\0\x01\0", "engine refuses it"),
    "a program": ("a.wasm", b"\x7fELF" + b"\0" * 100, "it is not WebAssembly"),
    "text in a binary's place": ("a.wasm", b"(component)", "it is not WebAssembly"),
    "a binary in a text's place": ("a.wat", b"\x7fELF\xff" + b"\0" * 100, "does not assemble"),
    "text that does not assemble": ("a.wat", b"(component (func", "does not assemble"),
    "text without end": ("a.wat", b"(" * 100_000, "does not assemble"),
    "a header cut short": ("a.wasm", b"\0asm\x0d", "not a component"),
}


@pytest.mark.parametrize(("name", "content", "says"), BYTES.values(), ids=BYTES.keys())
def test_a_file_is_refused_because_it_is(
    runtime: Runtime, tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ComponentRefused) as caught:
        runtime.add(tmp_path / name)
    assert says in str(caught.value)


def test_an_import_of_types_alone_needs_nothing(runtime: Runtime, write: Write) -> None:
    imported = '(import "my:own/types@1.0.0" (instance (type $t (enum "a")) (export "t" (type (eq $t)))))'
    runtime.add(write("it.wat", f'{imported} {CORE} (func (export "f") {LIFTED})'))
    assert runtime.call_sync("it_f", {}).value is None


def test_every_truncation_of_a_component_is_refused_or_published(
    runtime: Runtime, tmp_path: Path, program: Program
) -> None:
    binary = bytes(wat2wasm(program("tiny").read_text()))
    for length in range(0, len(binary), 19):
        path = tmp_path / f"cut{length}.wasm"
        path.write_bytes(binary[:length])
        with pytest.raises(ComponentRefused):
            runtime.add(path)
    (tmp_path / "whole.wasm").write_bytes(binary)
    assert len(runtime.add(tmp_path / "whole.wasm").tools) == 5


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(runtime: Runtime, write: Write) -> None:
    path = write("a.wat", CORE)
    path.chmod(0)
    with pytest.raises(ComponentRefused, match="cannot be read"):
        runtime.add(path)


def test_only_what_cannot_be_a_tool_is_left_out_and_why_is_said(runtime: Runtime, write: Write) -> None:
    found = runtime.add(
        write(
            "mixed.wat",
            f"""{CORE} (core module $n (func (export "f") (param i32))) (core instance $j (instantiate $n))
            (import "wasi:io/error@0.2.0" (instance $e (export "error" (type (sub resource)))))
            (alias export $e "error" (type $x))
            (func (export "good") {LIFTED})
            (func (export "bad") (param "x" (own $x)) (canon lift (core func $j "f")))""",
        )
    )
    assert [tool.name for tool in found.tools] == ["mixed_good"]
    assert [refusal.path for refusal in found.refused] == ["bad"]
    assert found.refused[0].reason


def test_functions_of_interfaces_are_tools_and_their_name_joins_in_where_two_would_collide(
    runtime: Runtime, write: Write
) -> None:
    found = runtime.add(
        write(
            "shapes.wat",
            f"""{CORE} (func $f {LIFTED})
            (instance $one (export "area" (func $f)) (export "only-here" (func $f)))
            (instance $two (export "area" (func $f)))
            (export "demo:shapes/circle@1.2.0" (instance $one))
            (export "demo:shapes/square@1.2.0" (instance $two))""",
        )
    )
    names = [tool.name for tool in found.tools]
    assert len(set(names)) == 3
    assert "shapes_only_here" in names
    assert any("circle" in name for name in names)
    for name in names:
        assert runtime.call_sync(name, {}).value is None


def test_docs_come_from_the_wit_beside_the_component(runtime: Runtime, write: Write, tmp_path: Path) -> None:
    path = write(
        "adder.wat",
        """(core module $m (func (export "f") (param i32) (result i32) (local.get 0)))
        (core instance $i (instantiate $m))
        (func (export "double") (param "number" s32) (result s32) (canon lift (core func $i "f")))""",
    )
    assert "wrote no description" in runtime.add(path).tools[0].description
    (tmp_path / "adder.wit").write_text("""package demo:adder;
        world adder {
          /// Twice a number.
          ///
          /// - `number`: what is doubled
          export double: func(number: s32) -> s32;
        }""")
    (tool,) = runtime.add(path).tools
    assert tool.description.startswith("Twice a number.")
    assert tool.input_schema["properties"]["number"]["description"] == "what is doubled"
    assert "Twice a number" in runtime.component("adder").wit
    (tmp_path / "adder.wit").write_text("this is no WIT")
    with pytest.raises(ComponentRefused, match=r"adder\.wit.*not WIT"):
        runtime.add(path)


def test_what_a_component_may_do_is_told_from_its_imports(runtime: Runtime, program: Program) -> None:
    found = runtime.add(program("wasi"))
    assert found.needs == ()
    assert all(tool.read_only and not tool.open_world for tool in found.tools)
    assert "wasi:cli/stdout@0.2.0" in found.wit


def test_what_was_read_once_is_not_read_from_the_binary_again(
    home: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Runtime(home=home) as runtime:
        before = runtime.add(program("hostile"))
    monkeypatch.setattr("mcp_wasm.sandbox.inspect.inspect", None)  # calling it would fail
    with Runtime(home=home) as runtime:
        assert runtime.add(program("hostile")) == before


def test_inspecting_publishes_nothing(runtime: Runtime, program: Program) -> None:
    assert len(runtime.inspect(program("tiny")).tools) == 5
    assert runtime.components == ()
    assert runtime.tools == ()
