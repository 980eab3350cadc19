"""A confined program is held to its folder: attacks succeed unconfined, and fail by each mechanism."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.build import confine
from mcp_wasm.build.confine import MIB, Confinement
from mcp_wasm.build.workspace import Workspace
from mcp_wasm.errors import BuildFailed
from tests.build import confine_attacks

PROGRAM = Path(confine_attacks.__file__)
NAMES = [attack.__name__ for attack in confine_attacks.QUICK]
PYTHON: list[str | Path] = [sys.executable, "-I", "-S"]
AVAILABLE = [name for name, reason in confine.mechanisms().items() if reason is None]
TIGHT = {"memory": 256 * MIB, "disk": 16 * MIB, "tasks": 40}

REFUSALS = (
    "PermissionError", "FileNotFoundError", "ProcessLookupError", "MemoryError", "AssertionError", "OSError",
)  # fmt: skip

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="confinement is a part of Linux")
each_mechanism = pytest.mark.parametrize("mechanism", AVAILABLE)


def run(
    confined: Confinement | None, asked: dict[str, Any], *, children: bool = False, seconds: float = 60
) -> str:
    with Workspace("the attack", confined=confined, seconds=seconds) as space:
        program = space.write("attack.py", PROGRAM.read_bytes())
        argv = [*PYTHON, program, json.dumps(asked)]
        return space.run(argv, reads=confine.interpreter(), children=children)


@contextmanager
def victim(folder: Path) -> Iterator[dict[str, Any]]:
    """Files, listeners and a process (this one) that an attack can reach."""
    (folder / "empty").mkdir(exist_ok=True)
    (folder / "secret").write_text("secret", encoding="utf-8")
    path = str(folder / "s")
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as named,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        named.bind(path)
        named.listen()
        abstract.bind("\0" + path)
        abstract.listen()
        greeter = threading.Thread(target=_greet, args=(server,), daemon=True)
        greeter.start()
        yield {
            "secret": str(folder / "secret"),
            "folder": str(folder),
            "port": server.getsockname()[1],
            "socket": path,
            "server": os.getpid(),
        }
        server.shutdown(socket.SHUT_RDWR)
        greeter.join()


def _greet(server: socket.socket) -> None:
    with suppress(OSError):  # it was shut
        while True:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"hello")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What became of each quick attack: without confinement (""), and by each mechanism of this machine."""
    found = {}
    for name in ("", *AVAILABLE):
        confined = Confinement(name, **TIGHT) if name else None  # type: ignore[arg-type]
        with victim(tmp_path_factory.mktemp("victim")) as asked:
            found[name] = json.loads(run(confined, asked))
    return found


@on_linux
def test_at_least_one_mechanism_works_here() -> None:
    assert AVAILABLE, confine.mechanisms()
    assert confine.require().mechanism == AVAILABLE[0]


@on_linux
@pytest.mark.parametrize("attack", NAMES)
def test_without_confinement_the_attack_succeeds(outcomes: dict[str, dict[str, str]], attack: str) -> None:
    if attack == "make_a_namespace" and outcomes[""][attack] != "done":
        pytest.skip("this machine lets nobody make namespaces")
    assert outcomes[""][attack] == "done"


@on_linux
@each_mechanism
@pytest.mark.parametrize("attack", NAMES)
def test_confined_the_attack_fails(outcomes: dict[str, dict[str, str]], mechanism: str, attack: str) -> None:
    assert outcomes[mechanism][attack] != "done"
    assert outcomes[mechanism][attack].partition(":")[0] in REFUSALS


LASTING = [
    ("fork_many", "started more than the 40 processes and threads"),
    ("fill_the_disk", "wrote more than the 16 MiB"),
    ("share_much_memory", "took more than the 256 MiB of memory"),
    ("compute_for_ever", "did not finish within 1 s"),
]


@on_linux
@pytest.mark.parametrize("attack", [attack for attack, _ in LASTING])
def test_without_confinement_nothing_holds_it_up(attack: str) -> None:
    assert run(None, {"attack": attack, "hold": False}).endswith("done\n")


@on_linux
@each_mechanism
@pytest.mark.parametrize(("attack", "words"), LASTING)
def test_what_all_processes_take_together_is_bounded(mechanism: Any, attack: str, words: str) -> None:
    seconds = 1 if attack == "compute_for_ever" else 60
    # What processes of one program have in common counts for each of them.
    memory = (4096 if attack == "fork_many" else 256) * MIB
    with pytest.raises(BuildFailed, match=words):
        run(
            Confinement(mechanism, **TIGHT | {"memory": memory}),
            {"attack": attack, "hold": True},
            children=True,
            seconds=seconds,
        )


@on_linux
@each_mechanism
def test_no_child_leaves_the_group_that_is_ended_with_it(mechanism: Any) -> None:
    asked = {"attack": "leave_the_group"}
    assert run(None, asked).endswith("done\n")
    with pytest.raises(BuildFailed, match="PermissionError"):
        run(Confinement(mechanism), asked, children=True)


@on_linux
@each_mechanism
def test_a_program_that_prints_100_mb_costs_no_memory_of_ours(mechanism: Any) -> None:
    said = run(Confinement(mechanism), {"attack": "print_much"})
    assert len(said) <= 64 * 1024
    assert said.endswith("done\n")


@on_linux
@each_mechanism
def test_what_is_within_the_limits_is_left_alone(mechanism: Any) -> None:
    code = (
        "import os, pathlib\n"
        "pathlib.Path('made').mkdir(); pathlib.Path('made/file').write_bytes(bytes(12 << 20))\n"
        "os.rename('made/file', 'moved'); held = bytearray(150 << 20)\n"
        "if os.fork() == 0: os._exit(0)\n"
        "os.wait(); print('done')"
    )
    with Workspace("x", confined=Confinement(mechanism, **TIGHT)) as space:
        argv = [*PYTHON, "-c", code]
        assert space.run(argv, reads=confine.interpreter(), children=True) == "done\n"
        assert len(space.read(space.work / "moved")) == 12 << 20


@on_linux
@each_mechanism
def test_a_program_has_no_descriptor_but_its_three_and_no_capability(mechanism: Any) -> None:
    code = (
        "import ctypes, os\n"
        "def there(number):\n"
        "    try: os.fstat(number)\n"
        "    except OSError: return False\n"
        "    return True\n"
        "print([number for number in range(200) if there(number)])\n"
        "held = (ctypes.c_uint32 * 6)()\n"
        "assert ctypes.CDLL(None).capget((ctypes.c_uint32 * 2)(0x20080522, 0), held) == 0\n"
        "print(list(held), sorted(os.environ))"
    )
    read, write = os.pipe()
    os.set_inheritable(write, True)
    try:
        with Workspace("x", confined=Confinement(mechanism)) as space:
            said = space.run([*PYTHON, "-c", code], reads=confine.interpreter())
    finally:
        os.close(read)
        os.close(write)
    descriptors, rest = said.splitlines()
    assert descriptors == "[0, 1, 2]"
    assert rest.startswith("[0, 0, 0, 0, 0, 0] ['HOME', 'LANG',")
    assert "PATH" not in rest.replace("PYTHONUTF8", "")


@on_linux
@each_mechanism
def test_a_named_path_is_read_and_not_written(mechanism: Any, tmp_path: Path) -> None:
    (tmp_path / "named").mkdir()
    (tmp_path / "named" / "file").write_text("text", encoding="utf-8")
    code = (
        "import pathlib, sys\n"
        "place = pathlib.Path(sys.argv[1])\n"
        "print(place.read_text())\n"
        "place.with_name('other').write_text('x')"
    )
    argv = [*PYTHON, "-c", code, tmp_path / "named" / "file"]
    with Workspace("x", confined=Confinement(mechanism)) as space:
        with pytest.raises(BuildFailed, match=r"text\n[^$]*(PermissionError|Read-only)"):
            space.run(argv, reads=[*confine.interpreter(), tmp_path / "named"])
        with pytest.raises(BuildFailed, match=r"FileNotFoundError|PermissionError"):
            space.run(argv, reads=confine.interpreter())


@on_linux
@each_mechanism
def test_one_build_sees_nothing_of_another(mechanism: Any) -> None:
    with Workspace("one") as one, Workspace("other", confined=Confinement(mechanism)) as other:
        path = one.write("source", "secret")
        argv = [*PYTHON, "-c", "import sys; print(open(sys.argv[1]).read())", path]
        with pytest.raises(BuildFailed, match=r"FileNotFoundError|PermissionError"):
            other.run(argv, reads=confine.interpreter())


@on_linux
def test_a_link_among_the_products_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    with Workspace("x") as space:
        (space.work / "out.wasm").symlink_to(tmp_path / "secret")
        (space.work / "folder").symlink_to(tmp_path)
        for path in (space.work / "out.wasm", space.work / "folder" / "secret"):
            with pytest.raises(BuildFailed, match="is a link"):
                space.read(path)
        with pytest.raises(BuildFailed, match=r"made no file nothing\.wasm"):
            space.read(space.work / "nothing.wasm")
        with pytest.raises(BuildFailed, match="made no file home"):
            space.read(space.folder / "home")


def test_a_product_that_is_too_large_is_not_read() -> None:
    with Workspace("x") as space:
        path = space.write("out.wasm", b"12345")
        assert space.read(path, most=5) == b"12345"
        with pytest.raises(BuildFailed, match=r"out\.wasm has 5 bytes; 4 are allowed"):
            space.read(path, most=4)
