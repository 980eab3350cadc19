"""Runs build programs: a scratch folder, a bare environment, and limits on time and output.

A toolchain is a door: componentize-py runs the source's top-level code with
every folder it was told of mounted, and with ``VIRTUAL_ENV`` or ``PATH`` in its
environment it mounts the host's site-packages too, writable. So a build program
gets an environment made here, not ours, and sees copies of the sources, not the
sources. What this does not do is confine the program's own access to files;
code that a stranger wrote needs more than this module before it is built.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

from mcp_wasm.errors import BuildFailed

SECONDS = 300.0
OUTPUT = 64 * 1024
TAIL = 4_000

INHERITED_BY_PACKAGE_MANAGERS = (
    "HOME",
    "PATH",
    "USERPROFILE",
    "APPDATA",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "NODE_EXTRA_CA_CERTS",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
"""A package manager needs the person's own proxy, certificates and registry settings."""


class Workspace:
    """A scratch folder that is gone afterwards, and the programs that run in it.

    ``what`` is named in errors. Use it as a context manager.
    """

    def __init__(self, what: str, *, seconds: float = SECONDS, output: int = OUTPUT) -> None:
        self.what, self.seconds, self.output = what, seconds, output
        self.folder = Path(tempfile.mkdtemp(prefix="mcp-wasm-build-"))
        for name in ("home", "tmp", "work"):
            (self.folder / name).mkdir()
        self.work = self.folder / "work"

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, name: str, content: str | bytes) -> Path:
        """Write ``content`` as the file ``name`` (a relative path) of the work folder."""
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def copy(self, source: Path, name: str, *, ignore: Iterable[str] = ()) -> Path:
        """Copy the folder ``source`` to ``name`` in the work folder; links in it are refused.

        Raises:
            BuildFailed: ``source`` holds a symbolic link.
        """
        for path in source.rglob("*"):
            if path.is_symlink():
                raise BuildFailed(self.what, f"{path.name} is a symbolic link; a source folder may hold none")
        target = self.work / name
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "node_modules", *ignore))
        return target

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        package_manager: bool = False,
    ) -> str:
        """Run a program and return its standard output, decoded; what it wrote to both ends up in errors.

        ``environment`` is added to the bare one; ``package_manager`` also lets
        through the person's proxy and registry settings. The program runs as a
        process group of its own, which is killed at the end whatever it left.

        Raises:
            BuildFailed: it could not be started, ended with an error, or took too long.
        """
        base = self._environment(package_manager) | dict(environment or {})
        try:
            process = subprocess.Popen(
                [os.fspath(part) for part in argv],
                cwd=cwd or self.work,
                env=base,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise BuildFailed(self.what, f"{argv[0]} could not be started: {error}") from error
        return self._finish(process, os.fspath(argv[0]))

    def _finish(self, process: subprocess.Popen[bytes], program: str) -> str:
        assert process.stdout is not None
        assert process.stderr is not None
        out, err = _Kept(process.stdout, self.output), _Kept(process.stderr, self.output)
        try:
            code = process.wait(timeout=self.seconds)
        except subprocess.TimeoutExpired as error:
            _kill_group(process)
            said = err.text() or out.text()
            words = f"{Path(program).name} did not finish within {self.seconds:g} s and was ended.\n{said}"
            raise BuildFailed(self.what, self._tail(words)) from error
        finally:
            _kill_group(process)
        if code:
            said = f"{out.text()}\n{err.text()}".strip()
            raise BuildFailed(self.what, f"{Path(program).name} ended with code {code}.\n{self._tail(said)}")
        return out.text()

    def _tail(self, text: str) -> str:
        """The end of what a program said, without the scratch folder, which says nothing."""
        plain = text.replace(f"{self.work}{os.sep}", "").replace(f"{self.folder}{os.sep}", "")
        return plain if len(plain) <= TAIL else "… " + plain[-TAIL:]

    def _environment(self, package_manager: bool) -> dict[str, str]:
        bare = {
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "TEMP": str(self.folder / "tmp"),
            "TMP": str(self.folder / "tmp"),
            "LANG": "C.UTF-8",
            "PYTHONUTF8": "1",
        }
        if "SYSTEMROOT" in os.environ:
            bare["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
        if not package_manager:
            return bare
        kept = {name: os.environ[name] for name in INHERITED_BY_PACKAGE_MANAGERS if name in os.environ}
        own = {name: value for name, value in os.environ.items() if name.lower().startswith("npm_config_")}
        return bare | kept | own


class _Kept:
    """Drains a pipe on a thread and keeps its last ``limit`` bytes, so that no flood fills our memory."""

    def __init__(self, pipe: IO[bytes], limit: int) -> None:
        self._kept, self._limit = bytearray(), limit
        self._thread = threading.Thread(target=self._drain, args=(pipe,), daemon=True)
        self._thread.start()

    def _drain(self, pipe: IO[bytes]) -> None:
        with pipe:
            while chunk := os.read(pipe.fileno(), 65_536):
                self._kept += chunk
                del self._kept[: -self._limit]

    def text(self) -> str:
        # A grandchild may still hold the pipe; the group is killed right after, so do not wait for it.
        self._thread.join(timeout=2)
        return self._kept.decode(errors="replace")


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if os.name == "posix":
        # Where nothing of the group is left there is nothing to do; macOS says EPERM for zombies.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()
    process.wait()
