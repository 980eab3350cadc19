"""The host's interfaces are those of the WIT packages under ``wit/``, all of each and nothing else."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from mcp_wasm.component import types as wit
from mcp_wasm.sandbox import linker
from mcp_wasm.sandbox.host.interface import Interface, signatures

WIT = Path(__file__).parents[3] / "wit"


def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", WIT / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATE = generate()
REGISTERED = [i for module in sorted(set(linker.REGISTER.values())) for i in linker._module(module)]


@pytest.mark.parametrize("folder", GENERATE.packages(), ids=lambda folder: folder.name)
def test_the_signatures_are_those_of_the_wit(folder: Path) -> None:
    written = (GENERATE.SIGNATURES / f"{folder.name}.json").read_text(encoding="utf-8")
    assert written == GENERATE.signatures(folder), "run: python wit/generate.py"


def test_every_file_of_signatures_has_its_wit() -> None:
    written = {path.stem for path in GENERATE.SIGNATURES.glob("*.json")}
    assert written == {folder.name for folder in GENERATE.packages()}


@pytest.mark.parametrize("interface", REGISTERED, ids=lambda i: i.full_names()[0])
def test_every_registered_interface_is_whole(interface: Interface) -> None:
    functions = interface.host_functions()  # raises where one is missing or unknown
    assert functions
    assert linker.REGISTER[interface.name]


@pytest.mark.parametrize("interface", REGISTERED, ids=lambda i: i.full_names()[0])
def test_another_signature_is_refused_before_anything_is_linked(interface: Interface) -> None:
    for function in interface.host_functions():
        name = interface.full_names()[0]
        right = wit.Import(name, "interface", (function.signature,))
        more = wit.Param("one-more", wit.Primitive("u8"))
        changed = wit.Function(name, function.signature.name, (*function.signature.params, more))
        assert linker.unlinkable((right,)) == ""
        assert "with another signature than the host's" in linker.unlinkable(
            (wit.Import(name, "interface", (changed,)),)
        )


def test_released_versions_stand_for_each_other_and_drafts_for_themselves() -> None:
    released = Interface("a:b/c", ("0.2.12",), {})
    draft = Interface("a:b/c", ("0.2.0-draft", ""), {})
    assert [released.matches(f"a:b/c@{v}") for v in ("0.2.0", "0.2.99", "0.3.0", "1.2.0", "0.2.0-rc.1")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert [draft.matches(name) for name in ("a:b/c", "a:b/c@0.2.0-draft", "a:b/c@0.2.0", "a:b/d")] == [
        True,
        True,
        False,
        False,
    ]


def test_a_version_that_is_not_provided_names_those_that_are() -> None:
    reason = linker.unlinkable((wit.Import("wasi:io/poll@9.0.0", "interface"),))
    assert "wasi:io/poll@9.0.0 (only wasi:io/poll@0.2.12), which this host does not provide" in reason


def test_handles_carry_the_names_of_their_resources() -> None:
    poll = signatures("wasi:io/poll@0.2.12")
    assert poll["[method]pollable.block"].params[0].type == wit.Handle(owned=False)
    handle = poll["[method]pollable.block"].params[0].type
    assert isinstance(handle, wit.Handle)
    assert handle.name == "pollable"
