"""The files of models: only those in the granted folder, nothing beside them, loaded once."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mcp_wasm.capability.grant import Nn, Storage
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.nn import library
from mcp_wasm.sandbox.nn import models as loading
from mcp_wasm.sandbox.nn.models import Models
from tests.sandbox.host import nn_guests as guests
from tests.sandbox.host import nn_models as models
from tests.sandbox.host.nn_guests import floats, refused, run

pytest.importorskip("onnxruntime")

ONES = struct.pack("<2f", 1, 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return models.folder(tmp_path)


@pytest.fixture
def runtime(home: Path) -> Iterator[Runtime]:
    with guests.runtime(home) as made:
        yield made


@pytest.mark.parametrize(
    "name", ["", "..", "../linear", "a/b", "/etc/passwd", ".linear", "lin\0ear", "a\\b", "x" * 129, "é"]
)
def test_a_name_that_could_be_a_path_is_no_name(runtime: Runtime, folder: Path, name: str) -> None:
    outcome = run(runtime, folder, name, ONES, [1, 2])
    assert refused(outcome)[0] == "invalid-argument"


def test_what_is_not_a_file_in_the_folder_is_not_found(
    runtime: Runtime, folder: Path, tmp_path: Path
) -> None:
    (folder / "folder.onnx").mkdir()
    os.mkfifo(folder / "pipe.onnx")
    (folder / "circle.onnx").symlink_to(folder / "circle.onnx")
    for name in ("nothing", "folder", "pipe", "circle"):
        assert refused(run(runtime, folder, name, ONES, [1, 2]))[0] == "not-found", name
    assert refused(run(runtime, tmp_path / "none", "linear", ONES, [1, 2]))[0] == "not-found"


def test_a_link_out_of_the_folder_is_not_followed_and_one_within_it_is(
    runtime: Runtime, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret.onnx").write_bytes(models.linear())
    (folder / "out.onnx").symlink_to(tmp_path / "secret.onnx")
    (folder / "inside.onnx").symlink_to(folder / "linear.onnx")
    assert refused(run(runtime, folder, "out", ONES, [1, 2]))[0] == "security"
    assert floats(run(runtime, folder, "inside", ONES, [1, 2])) == (4.0, 6.0)


@pytest.mark.parametrize("location", ["secret.bin", "../secret.bin", "/etc/hostname"])
def test_a_model_reads_no_other_file(
    runtime: Runtime, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    for place in (folder, here, tmp_path):
        (place / "secret.bin").write_bytes(b"abcd")
    # A model that comes as bytes would otherwise find its data in the current folder.
    monkeypatch.chdir(here)
    (folder / "outside.onnx").write_bytes(models.outside(location))
    code, text = refused(run(runtime, folder, "outside", b"", [0], guests.U8))
    assert code == "unsupported-operation"
    assert "another file" in text


@pytest.mark.parametrize("bad", [b"", b"garbage", b"\x08" * 1000, models.linear()[:60], b"\0\0\0\0ORTM" * 9])
def test_a_broken_model_is_an_error(runtime: Runtime, folder: Path, bad: bytes) -> None:
    (folder / "bad.onnx").write_bytes(bad)
    assert refused(run(runtime, folder, "bad", ONES, [1, 2]))[0] in {"invalid-encoding", "invalid-argument"}


def test_a_model_is_loaded_once_for_calls_at_once_and_again_when_its_file_changed(
    runtime: Runtime, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[bytes] = []
    real = library.open_session

    def open_session(binary: bytes, options: object) -> object:
        opened.append(binary)
        return real(binary, options)

    monkeypatch.setattr(library, "open_session", open_session)
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(run, runtime, folder, "linear", ONES, [1, 2]) for _ in range(8)]
        assert {floats(call.result(15)) for call in calls} == {(4.0, 6.0)}
    assert len(opened) == 1
    changed = models.linear().replace(struct.pack("<f", 4), struct.pack("<f", 5))
    (folder / "linear.onnx").write_bytes(changed)
    assert floats(run(runtime, folder, "linear", ONES, [1, 2])) == (4.0, 7.0)
    assert len(opened) == 2
    os.utime(folder / "linear.onnx", (1, 1))  # other times, the same bytes
    assert floats(run(runtime, folder, "linear", ONES, [1, 2])) == (4.0, 7.0)
    assert len(opened) == 2


def test_only_some_models_stay_loaded(
    runtime: Runtime, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "KEPT", 2)
    kept = runtime.services.shared(Models)._kept
    for name in ("linear", "bytes_model", "zeros"):
        run(runtime, folder, name, b"", [0])
    assert [model.name for model in kept.values()] == ["bytes_model", "zeros"]


def test_a_model_file_is_bounded(runtime: Runtime, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "FILE_BYTES", len(models.linear()))
    assert not run(runtime, folder, "linear", ONES, [1, 2]).failed
    monkeypatch.setattr(loading, "FILE_BYTES", len(models.linear()) - 1)
    assert refused(run(runtime, folder, "linear", ONES, [1, 2]))[0] == "too-large"


@pytest.mark.parametrize(
    ("below", "write", "denied"), [("models", True, True), ("", True, True), ("models", False, False)]
)
def test_a_model_that_the_guest_could_have_written_is_denied(
    runtime: Runtime, folder: Path, below: str, write: bool, denied: bool
) -> None:
    link = folder.parent / "link"
    link.symlink_to(folder)
    arguments = {"model": "linear", "input": "x", "ty": 1, "dims": [1, 2], "data": "AACAPwAAgD8="}
    storage = Storage(folder.parent / below, "/work", write=write)
    outcome = guests.call(runtime, "run", arguments, Nn(("linear",), link), storage)
    if denied:
        assert refused(outcome)[0] == "security"
        assert "a model there could be its own" in outcome.report.denials[0].rule
    else:
        assert floats(outcome) == (4.0, 6.0)
