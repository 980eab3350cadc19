"""Sources that use the real toolchains to get at the machine.

Each attack is shown to work on the toolchain as it is, started without
confinement, before it is shown to fail by each mechanism.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.build import c, confine, javascript, python
from mcp_wasm.build.confine import MIB, Confinement
from mcp_wasm.build.languages import compile_component
from mcp_wasm.build.toolchain import Source, silent
from mcp_wasm.errors import BuildFailed, NotConfined
from tests.tools.conftest import toolchains

WIT = "package t:t;\nworld thing { export run: func() -> string; }"
AVAILABLE = [name for name, reason in confine.mechanisms().items() if reason is None]
SECRET = b"the-secret-of-a-person"

each_mechanism = pytest.mark.parametrize("mechanism", AVAILABLE)
toolchain = pytest.mark.toolchain
linux = pytest.mark.skipif(sys.platform != "linux", reason="confinement is a part of Linux")


def source(folder: Path, name: str, text: str) -> Source:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return Source("thing", folder, name, WIT, "thing")


# C: what the preprocessor and the assembler read

HEAD = (
    '#include "thing.h"\n'
    '#pragma clang diagnostic ignored "-Wc23-extensions"\n'
    '#pragma clang diagnostic ignored "-Winclude-next-outside-header"\n'
)
TAIL = "\nvoid thing_run(wit_string_t *r) { r->ptr = (uint8_t *)s; r->len = sizeof s; }\n"
C_ATTACKS = {
    "embed": 'static const char s[] = {\n#embed "TEXT"\n};',
    "embed by a way around": 'static const char s[] = {\n#embed "../../../../../../../../..TEXT"\n};',
    "include": '#include "HEADER"',
    "include of a macro": '#define PLACE "HEADER"\n#include PLACE',
    "include_next": '#include_next "HEADER"',
    "incbin": (
        '__asm__(".section .rodata.s,\\"\\",@\\n.globl s\\n.type s,@object\\ns:\\n'
        '.incbin \\"TEXT\\"\\n.size s, 22\\n");\nextern const char s[22];'
    ),
}


@pytest.fixture
def secrets(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "secret.txt").write_bytes(SECRET)
    (tmp_path / "secret.h").write_text(f'static const char s[] = "{SECRET.decode()}";', encoding="utf-8")
    return {"TEXT": str(tmp_path / "secret.txt"), "HEADER": str(tmp_path / "secret.h")}


@toolchain
@linux
@pytest.mark.parametrize("attack", C_ATTACKS)
def test_c_reads_no_file_of_the_machine(attack: str, secrets: dict[str, str], tmp_path: Path) -> None:
    text = HEAD + C_ATTACKS[attack] + TAIL
    for word, path in secrets.items():
        text = text.replace(word, path)
    made = source(tmp_path / "source", "main.c", text)
    assert SECRET in c.compile_source(made, None, silent)
    for mechanism in AVAILABLE:
        with pytest.raises(BuildFailed) as failed:
            c.compile_source(made, None, silent, Confinement(mechanism))
        assert SECRET.decode() not in str(failed.value)


@toolchain
@linux
def test_c_tells_no_more_of_a_file_than_that_it_is_there(secrets: dict[str, str], tmp_path: Path) -> None:
    """A message that quotes the file is enough to read it: an assembler's of what it takes for code."""
    text = f'{HEAD}__asm__(".include \\"{secrets["TEXT"]}\\"");\nstatic const char s[3];{TAIL}'
    made = source(tmp_path / "source", "main.c", text)
    for confined in (None, *map(Confinement, AVAILABLE)):
        with pytest.raises(BuildFailed) as failed:
            c.compile_source(made, None, silent, confined)
        assert (SECRET.decode() in str(failed.value)) is (confined is None)


@toolchain
@linux
@each_mechanism
def test_a_confined_build_makes_the_same_component_and_keeps_nothing(mechanism: Any, tmp_path: Path) -> None:
    made = source(tmp_path / "source", "main.c", HEAD + 'static const char s[] = "x";' + TAIL)
    cache = tmp_path / "cache"
    cache.mkdir()
    confined = c.compile_source(made, cache, silent, Confinement(mechanism))
    assert list(cache.iterdir()) == []
    assert confined == c.compile_source(made, None, silent)


# Python: code that runs while it is built

ATTACK = """
import json, os, sys
tried = {}
def attempt(what):
    try:
        tried[what.__name__] = repr(what())
    except BaseException as error:
        tried[what.__name__] = "failed " + type(error).__name__
def plant():
    planted = 0
    for place in sys.path:
        try:
            with open(os.path.join(place, "planted.pth"), "w") as file:
                file.write("import os")
            planted += 1
        except OSError:
            pass
    return planted
def read_secret():
    return open(SECRET_PATH).read()
def read_users():
    return open("/etc/passwd").read()
def read_environment_of_init():
    return open("/proc/1/environ", "rb").read()
def read_environment():
    return sorted(name for name in os.environ if "MCP_WASM" in name)
def write_outside():
    open(SECRET_PATH + ".made", "w")
def start_a_shell():
    return os.system("true")
def fork():
    return os.fork()
def take_memory():
    return len(b"x" * (1 << 30))
def connect():
    import socket
    return socket.create_connection(("127.0.0.1", PORT), 5).recv(5)
for what in (plant, read_secret, read_users, read_environment_of_init, read_environment, write_outside,
             start_a_shell, fork, connect, take_memory):
    attempt(what)
raise RuntimeError("tried " + json.dumps(tried) + " end")
"""


def made_of(made: Source) -> list[str]:
    """The first word of each line."""
    lines = (made.folder / made.entry).read_text(encoding="utf-8").split("\n")
    return [line.partition(" ")[0] for line in lines]


def tried(failed: BuildFailed) -> dict[str, str]:
    said = failed.output.rpartition("tried ")[2].partition(" end")[0].replace("\n", "")
    found: dict[str, str] = json.loads(said)
    return found


@toolchain
@linux
@pytest.mark.timeout(120)
@each_mechanism
def test_python_reaches_nothing_of_the_machine_while_it_is_built(
    mechanism: Any, secrets: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCP_WASM_TOKEN", "secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        known = f"SECRET_PATH, PORT = {secrets['TEXT']!r}, {server.getsockname()[1]}"
        made = source(tmp_path / "app", "app.py", known + ATTACK)
        with pytest.raises(BuildFailed) as failed:
            python.compile_source(made, None, silent, Confinement(mechanism, memory=1024 * MIB))
    found = tried(failed.value)
    # What it plants is planted in copies, which are gone by now.
    found.pop("plant")
    assert found.pop("read_environment") == "[]"
    assert {what for what, outcome in found.items() if not outcome.startswith("failed")} == set()
    (message,) = failed.value.messages
    assert (message.file, message.line, message.column) == ("app.py", made_of(made).index("raise") + 1, 1)
    componentize_py = pytest.importorskip("componentize_py")
    packages = Path(componentize_py.__file__).parents[1]
    assert not (packages / "planted.pth").exists()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["app", "app.py", "secret.h", "secret.txt"]


@toolchain
@pytest.mark.timeout(120)
def test_as_it_comes_componentize_py_lets_a_source_plant_a_file_in_site_packages(tmp_path: Path) -> None:
    """The attack that the confinement and the bare environment are there for."""
    packages = tmp_path / "venv" / "lib" / "python3.11" / "site-packages"
    packages.mkdir(parents=True)
    made = source(tmp_path / "app", "app.py", "SECRET_PATH, PORT = '/nothing', 1" + ATTACK)
    (tmp_path / "world.wit").write_text(WIT, encoding="utf-8")
    argv: list[str | Path] = [
        "-d",
        tmp_path / "world.wit",
        "-w",
        "thing",
        "componentize",
        "app",
        "-p",
        made.folder,
    ]
    command: list[str | Path] = [
        sys.executable,
        "-I",
        "-c",
        "from componentize_py import script; script()",
        *argv,
    ]
    ran = subprocess.run(
        [*command, "-o", tmp_path / "out.wasm"],
        env={"VIRTUAL_ENV": str(tmp_path / "venv")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert tried(BuildFailed("", ran.stderr))["take_memory"] == str(1 << 30)
    assert (packages / "planted.pth").exists()


@toolchain
@linux
@pytest.mark.timeout(120)
def test_python_that_never_ends_is_ended(tmp_path: Path) -> None:
    made = source(tmp_path / "app", "app.py", "while True: pass")
    with pytest.raises(BuildFailed, match="did not finish within 4 s"):
        python.compile_source(made, None, silent, replace(confine.require(), seconds=4))


# JavaScript: what a bundler reads, and a module while it is evaluated


@toolchain
@linux
@pytest.mark.timeout(120)
@each_mechanism
def test_a_bundler_reads_no_file_of_the_machine(
    mechanism: Any, secrets: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    text = f"import key from {secrets['TEXT']!r}; export const run = () => key;"
    made, cache = source(tmp_path / "source", "main.js", text), toolchains(request)
    with pytest.raises(BuildFailed, match="which is not part of it"):  # it was read, and found in the record
        javascript.compile_source(made, cache, silent)
    with pytest.raises(BuildFailed, match=r"Could not (resolve|read)|Cannot read") as failed:
        javascript.compile_source(made, cache, silent, Confinement(mechanism))
    assert failed.value.messages[0].file == "main.js"


@toolchain
@linux
@pytest.mark.timeout(120)
@each_mechanism
def test_javascript_is_built_confined(mechanism: Any, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    made = source(tmp_path / "source", "main.js", "export const run = () => 'x';")
    component = javascript.compile_source(made, toolchains(request), silent, Confinement(mechanism))
    assert component.startswith(b"\0asm")


# Whatever the language


@linux
def test_a_source_that_nobody_vouches_for_is_not_compiled_without_confinement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = source(tmp_path / "source", "main.wat", "(component)")
    made = replace(made, wit="package t:t;\nworld thing {}")
    monkeypatch.setattr("mcp_wasm.build.confine.why_not", lambda _name: "there is none")
    with pytest.raises(NotConfined, match=r"landlock: there is none\).*mcp-wasm build"):
        compile_component("wat", made)
    assert compile_component("wat", made, trusted=True).startswith(b"\0asm")


def test_libraries_are_downloaded_only_for_what_somebody_vouches_for(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "package.json").write_text("{}", encoding="utf-8")
    made = source(tmp_path / "source", "main.wat", "(component)")
    with pytest.raises(BuildFailed, match=r"may bring a package\.json"):
        compile_component("wat", made)
