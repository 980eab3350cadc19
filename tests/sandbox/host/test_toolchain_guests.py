"""Programs of public toolchains, unmodified, under grants: their files, their clock, their random numbers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_wasm.build import python
from mcp_wasm.build.toolchain import Source, silent
from mcp_wasm.capability.grant import Clock, Environment, Grant, Random, Secret, Storage
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.report import Outcome
from mcp_wasm.sandbox.wasm_tools import program as wasm_tools
from tests import once

pytestmark = [pytest.mark.toolchain, pytest.mark.timeout(600)]

WIT = "package t:t;\nworld t { export run: func(code: string) -> string; }"
PYTHON = """
import base64, datetime, os, random, secrets, socket, sys, tempfile, time, traceback, uuid
import wit_world
class WitWorld(wit_world.WitWorld):
    def run(self, code):
        names = dict(globals())
        try:
            exec(code, names)
        except BaseException:
            return traceback.format_exc()
        return str(names.get("result"))
"""
ENVIRON = {"TOKEN": "correct horse battery"}


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    home = once.share_compiled(tmp_path_factory, tmp_path_factory.mktemp("home"))
    with Runtime(home=home, environ=ENVIRON) as made:
        yield made


@pytest.fixture(scope="module")
def in_python(runtime: Runtime, tmp_path_factory: pytest.TempPathFactory) -> str:
    if python.available() is not None:
        pytest.skip("componentize-py is not installed")
    folder = tmp_path_factory.mktemp("py")
    (folder / "app.py").write_text(PYTHON, encoding="utf-8")
    (folder / "py.wasm").write_bytes(
        python.compile_source(Source("py", folder, "app.py", WIT, "t"), None, silent)
    )
    runtime.add(folder / "py.wasm")
    return "py_run"


def run(runtime: Runtime, tool: str, code: str, *grants: Grant) -> Outcome:
    return runtime.call_sync(tool, {"code": code}, approved=grants)


def said(outcome: Outcome) -> list[str]:
    return [f"{denial.asked}: {denial.rule}" for denial in outcome.report.denials if not denial.quiet]


def test_a_python_program_keeps_files_where_it_may(runtime: Runtime, in_python: str, tmp_path: Path) -> None:
    code = """
try:
    os.makedirs("/data/a/b", exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir="/data/a", delete=False) as file:
        file.write("hello")
    os.replace(file.name, "/data/a/b/kept")
    kept = [os.path.join(at, name) for at, _, names in os.walk("/data") for name in names]
    result = kept, open("/data/a/b/kept").read()
except OSError as error:
    result = type(error).__name__
"""
    granted = Storage(tmp_path, "/data", write=True)
    assert run(runtime, in_python, code, granted).value == "(['/data/a/b/kept'], 'hello')"
    assert (tmp_path / "a" / "b" / "kept").read_text() == "hello"
    refused = run(runtime, in_python, code)
    assert refused.value == "FileNotFoundError"
    assert said(refused) == ["write /: no grant of storage to py"]  # where makedirs begins


def test_a_python_program_is_the_same_each_time_by_a_clock_and_a_seed(
    runtime: Runtime, in_python: str
) -> None:
    code = """
began = time.monotonic()
time.sleep(0.01)
result = [time.time(), time.monotonic() - began, str(datetime.datetime.now(datetime.timezone.utc)),
          random.random(), secrets.token_hex(8), str(uuid.uuid4()), os.urandom(4).hex(),
          time.perf_counter_ns()]
"""
    same: list[Grant] = [Clock("fixed", at=1_700_000_000), Random(seed=5)]
    first = run(runtime, in_python, code, *same).value
    assert isinstance(first, str)
    assert first == run(runtime, in_python, code, *same).value
    assert "1700000000.0" in first
    assert "2023-11-14 22:13:20+00:00" in first
    assert run(runtime, in_python, code).value != run(runtime, in_python, code).value
    assert run(runtime, in_python, code, Clock("fixed"), Random(seed=6)).value != first


def test_a_python_program_has_its_variables_and_shows_no_secret(runtime: Runtime, in_python: str) -> None:
    grants = Environment("LANG", "C"), Secret("OWN", "env:TOKEN"), Secret("API", "env:TOKEN", ("api.test",))
    code = """
print(os.environ["OWN"])
print(base64.b64encode(b"user:" + os.environ["OWN"].encode()).decode(), file=sys.stderr)
result = dict(os.environ)
"""
    outcome = run(runtime, in_python, code, *grants)
    assert outcome.value == str({"LANG": "C", "OWN": "[secret OWN]", "API": "{{secret:API}}"})
    assert outcome.report.stdout.text == "[secret OWN]\n"
    assert "[secret OWN]" in outcome.report.stderr.text
    assert run(runtime, in_python, "result = dict(os.environ)").value == "{}"


def test_a_python_program_gets_no_socket(runtime: Runtime, in_python: str) -> None:
    code = "try:\n socket.socket()\nexcept Exception as error:\n result = type(error).__name__"
    refused = run(runtime, in_python, code)
    assert refused.value == "PermissionError"
    assert said(refused)[0].startswith("a TCP socket: no guest has sockets")


def test_a_python_program_sees_a_pipe_as_an_error(runtime: Runtime, in_python: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    code = "try:\n open('/data/pipe').read()\nexcept OSError as error:\n result = type(error).__name__"
    assert run(runtime, in_python, code, Storage(tmp_path, "/data")).value == "PermissionError"


C = r"""
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct { char *at; size_t size; } text;

__attribute__((export_name("cabi_realloc")))
void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  (void)old_size; (void)align;
  return realloc(old, size);
}

static text *said(const char *what) {
  static text answer;
  answer.at = strdup(what);
  answer.size = strlen(what);
  return &answer;
}

static char *path_of(char *at, size_t size) {
  char *path = malloc(size + 1);
  memcpy(path, at, size);
  path[size] = 0;
  return path;
}

__attribute__((export_name("first-line")))
text *first_line(char *at, size_t size) {
  static char line[4096];
  FILE *file = fopen(path_of(at, size), "r");
  if (!file) return said(strerror(errno));
  if (!fgets(line, sizeof line, file)) line[0] = 0;
  fclose(file);
  return said(line);
}

__attribute__((export_name("append")))
text *append(char *at, size_t size, char *content, size_t length) {
  FILE *file = fopen(path_of(at, size), "a");
  if (!file) return said(strerror(errno));
  fwrite(content, 1, length, file);
  return said(fclose(file) ? strerror(errno) : "written");
}
"""
C_WIT = """package t:t;
world t {
  export first-line: func(path: string) -> string;
  export append: func(path: string, content: string) -> string;
}"""
JCO = "@bytecodealliance/jco@1.35.0"
"""Where the adapter from the C library's system calls to WASI 0.2 comes from."""


@pytest.fixture(scope="module")
def in_c(runtime: Runtime, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A program of the C library, built by zig and wrapped by wasm-tools; nothing of ours is in it."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("the adapter comes from npm")
    folder = tmp_path_factory.mktemp("c")
    packed = subprocess.run([npm, "pack", JCO], cwd=folder, capture_output=True, text=True, check=False)
    if packed.returncode:
        pytest.skip("npm cannot get the adapter")
    adapter = "package/lib/wasi_snapshot_preview1.reactor.wasm"
    with tarfile.open(folder / packed.stdout.split()[-1]) as archive:
        content = archive.extractfile(adapter)
        assert content is not None
        (folder / "adapter.wasm").write_bytes(content.read())
    (folder / "notes.c").write_text(C, encoding="utf-8")
    (folder / "t.wit").write_text(C_WIT, encoding="utf-8")
    tools = str(wasm_tools())
    zig = [sys.executable, "-m", "ziglang", "cc", "-target", "wasm32-wasi", "-mexec-model=reactor"]
    adapted = ["--adapt", "wasi_snapshot_preview1=adapter.wasm"]
    for argv in (
        [*zig, "-O2", "-o", "core.wasm", "notes.c"],
        [tools, "component", "embed", "t.wit", "core.wasm", "-o", "embedded.wasm"],
        [tools, "component", "new", "embedded.wasm", *adapted, "-o", "lines.wasm"],
    ):
        subprocess.run(argv, cwd=folder, check=True, capture_output=True)
    runtime.add(folder / "lines.wasm")
    return "lines"


def test_a_c_program_uses_files_where_it_may(runtime: Runtime, in_c: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("first\nsecond\n")

    def line(path: str, *grants: Grant) -> Outcome:
        return runtime.call_sync(f"{in_c}_first_line", {"path": path}, approved=grants)

    def append(*grants: Grant) -> Outcome:
        arguments = {"path": "/data/a", "content": "third\n"}
        return runtime.call_sync(f"{in_c}_append", arguments, approved=grants)

    reads, writes = Storage(tmp_path, "/data"), Storage(tmp_path, "/data", write=True)
    assert line("/data/a", reads).value == "first\n"
    assert line("/data/../a", reads).value == "Operation not permitted"
    denied = line("/data/a")
    assert denied.value == "No such file or directory"
    assert [denial.quiet for denial in denied.report.denials] == [True]
    refused = append(reads)
    assert refused.value == "Operation not permitted"
    assert said(refused) == ["write a in /data: its grant allows only reading"]
    assert said(append()) == ["write /data/a: no grant of storage to lines"]
    assert append(writes).value == "written"
    assert (tmp_path / "a").read_text() == "first\nsecond\nthird\n"


def test_a_python_traceback_asks_for_no_grant_of_files(runtime: Runtime, in_python: str) -> None:
    code = "import ast\ntry:\n ast.parse(' raise')\nexcept SyntaxError as error:\n result = error.msg"
    outcome = run(runtime, in_python, code)
    assert outcome.value == "unexpected indent"
    assert outcome.report.denials == ()
