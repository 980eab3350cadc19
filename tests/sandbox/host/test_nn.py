"""Models through ``wasi:nn``: run when granted, refused with an error of the interface otherwise."""

from __future__ import annotations

import base64
import os
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mcp_wasm.capability.grant import Nn
from mcp_wasm.errors import Cancelled, DeadlineExceeded
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.host import nn_graph
from mcp_wasm.sandbox.limits import Limits
from mcp_wasm.sandbox.nn import library
from mcp_wasm.sandbox.nn.models import Models
from mcp_wasm.sandbox.report import Outcome
from tests.sandbox.host import nn_guests as guests
from tests.sandbox.host import nn_models as models
from tests.sandbox.host.nn_guests import floats, refused, run

pytest.importorskip("onnxruntime")

MIB = 1024 * 1024
ONES = struct.pack("<2f", 1, 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return models.folder(tmp_path)


@pytest.fixture
def runtime(home: Path) -> Iterator[Runtime]:
    with guests.runtime(home) as made:
        yield made


@pytest.mark.parametrize("version", [guests.NEW, guests.OLD])
def test_a_granted_model_runs_under_every_draft(home: Path, folder: Path, version: str) -> None:
    with guests.runtime(home, version) as runtime:
        assert floats(run(runtime, folder, "linear", ONES, [1, 2])) == (4.0, 6.0)
        assert floats(run(runtime, folder, "linear", ONES + ONES, [2, 2])) == (4.0, 6.0, 4.0, 6.0)


@pytest.mark.parametrize("version", [guests.NEW, guests.OLD])
def test_a_wrong_input_name_is_an_error_that_names_the_right_ones(
    home: Path, folder: Path, version: str
) -> None:
    with guests.runtime(home, version) as runtime:
        code, text = refused(run(runtime, folder, "linear", ONES, [1, 2], input_="z"))
    assert code == "invalid-argument"
    assert "no input 'z'; there are 'x'" in text


def test_without_a_grant_a_model_is_denied_with_the_command_that_allows_it(
    runtime: Runtime, home: Path
) -> None:
    outcome = run(runtime, None, "linear", ONES, [1, 2])
    assert refused(outcome) == ("security", "denied: no grant of nn to it")
    (denial,) = outcome.report.denials
    assert (denial.capability, denial.asked) == ("nn", "the model linear")
    assert denial.command == f"mcp-wasm grants add it nn models=linear folder={home / 'models'}"


def test_a_grant_of_one_model_is_none_of_another(runtime: Runtime, folder: Path) -> None:
    arguments: dict[str, object] = {"model": "zeros", "input": "x", "ty": 1, "dims": [], "data": ""}
    outcome = guests.call(runtime, "run", arguments, Nn(("linear", "byte*"), folder))
    assert refused(outcome)[0] == "security"
    assert outcome.report.denials[0].grant == Nn(("zeros",), folder)


def test_a_model_of_the_guests_own_is_denied(runtime: Runtime, folder: Path) -> None:
    arguments: dict[str, object] = {"data": base64.b64encode(models.linear()).decode()}
    outcome = guests.call(runtime, "load", arguments, Nn(("*",), folder))
    assert refused(outcome)[0] == "security"
    (denial,) = outcome.report.denials
    assert denial.capability == "nn"
    assert "loaded by name" in denial.rule
    assert not denial.command


@pytest.mark.parametrize(
    ("data", "dims", "type_", "says"),
    [
        (ONES[:-1], [1, 2], guests.FLOAT, "8 bytes of data, 7 were given"),
        (ONES, [1, 3], guests.FLOAT, "12 bytes of data, 8 were given"),
        (ONES, [2**32 - 1] * 4, guests.FLOAT, "bytes of data, 8 were given"),
        (b"", [2**31, 2**31, 4], guests.FLOAT, "bytes of data, 0 were given"),
        (ONES, [1] * 33, guests.FLOAT, "33 dimensions"),
        (b"", [0, 2] + [1] * 30, guests.FLOAT, "has dimensions [any, 2]"),
        (ONES, [2, 1], guests.FLOAT, "has dimensions [any, 2], a tensor of [2, 1]"),
        (ONES[:4], [], guests.FLOAT, "a tensor of [] was given"),
        (ONES, [2], guests.FLOAT, "a tensor of [2] was given"),
        (ONES, [1, 1], 2, "is of FP32, a tensor of FP64"),
        (ONES, [2, 2], 3, "is of FP32, a tensor of BF16"),
        (ONES, [1, 8], guests.U8, "is of FP32, a tensor of U8"),
    ],
)
def test_a_tensor_that_does_not_fit_is_an_error(  # noqa: PLR0917 - the same
    runtime: Runtime, folder: Path, data: bytes, dims: list[int], type_: int, says: str
) -> None:
    code, text = refused(run(runtime, folder, "linear", data, dims, type_))
    assert code == "invalid-argument"
    assert says in text


def test_an_empty_batch_is_a_batch(runtime: Runtime, folder: Path) -> None:
    assert floats(run(runtime, folder, "linear", b"", [0, 2])) == ()


def test_tensors_count_against_the_memory_of_the_call(home: Path, folder: Path) -> None:
    limits = Limits(memory=2 * MIB)
    with guests.runtime(home, limits=limits) as runtime:

        def many(count: int) -> Outcome:
            arguments: dict[str, object] = {"model": "bytes_model", "count": count, "size": 60_000}
            return guests.call(runtime, "many", arguments, Nn(("*",), folder))

        most = (2 * MIB - 60_000) // 60_040  # what comes out takes room as well
        assert not many(most).failed
        code, text = refused(many(most + 1))
        assert code == "too-large"
        assert "has room for" in text
        assert refused(many(most + 200))[0] == "too-large"


def test_an_output_beyond_the_calls_room_is_an_error_and_its_memory_is_given_back(
    home: Path, folder: Path
) -> None:
    with guests.runtime(home, limits=Limits(memory=16 * MIB)) as runtime:

        def zeros(side: int) -> Outcome:
            return run(runtime, folder, "zeros", struct.pack("<2q", side, side), [2], guests.I64)

        assert len(floats(zeros(100))) == 10_000
        before = resident()
        assert refused(zeros(8000))[0] == "too-large"  # 256 MB
        assert refused(zeros(200_000))[0] == "too-large"  # 160 GB: the arena's limit
        assert resident() - before < 64 * MIB
        assert len(floats(zeros(100))) == 10_000


def test_what_a_model_takes_in_between_is_given_back(runtime: Runtime, folder: Path) -> None:
    def summed(side: int) -> Outcome:
        return run(runtime, folder, "zeros_summed", struct.pack("<2q", side, side), [2], guests.I64)

    assert floats(summed(10)) == (0.0,)
    before = resident()
    assert floats(summed(6000)) == (0.0,)  # 144 MB
    assert resident() - before < 64 * MIB
    assert refused(summed(200_000))[0] == "too-large"


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_model_that_does_not_end_is_stopped_by_the_deadline(home: Path, folder: Path) -> None:
    with (
        guests.runtime(home, limits=Limits(deadline=0.3)) as runtime,
        pytest.raises(DeadlineExceeded),
    ):
        run(runtime, folder, "endless", ONES[:4], [1])


def test_closing_the_runtime_stops_a_model_that_does_not_end(home: Path, folder: Path) -> None:
    with guests.runtime(home) as runtime, ThreadPoolExecutor(1) as pool:
        begun = threading.Event()
        load = Models.get

        def get(self: Models, *arguments: object) -> object:
            begun.set()
            return load(self, *arguments)  # type: ignore[arg-type]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Models, "get", get)
            call = pool.submit(run, runtime, folder, "endless", ONES[:4], [1])
            assert begun.wait(10)
            runtime.close()
        with pytest.raises(Cancelled):
            call.result(10)
    assert not [thread for thread in threading.enumerate() if thread.name == "mcp-wasm models"]


def test_a_call_opens_only_some_models(
    runtime: Runtime, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nn_graph, "MODELS_OF_A_CALL", 0)
    assert refused(run(runtime, folder, "linear", ONES, [1, 2]))[0] == "too-large"


def test_without_onnxruntime_the_guest_gets_an_error_and_the_person_the_command(
    runtime: Runtime, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "installed", lambda: False)
    outcome = run(runtime, folder, "linear", ONES, [1, 2])
    code, text = refused(outcome)
    assert code == "unsupported-operation"
    assert "pip install 'mcp-wasm[nn]'" in text
    (denial,) = outcome.report.denials
    assert "pip install 'mcp-wasm[nn]'" in denial.rule
