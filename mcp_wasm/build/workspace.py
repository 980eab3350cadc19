"""Runs build programs: a scratch folder, a bare environment, and limits on time and output.

A toolchain is a door: componentize-py runs the source's top-level code with
every folder it was told of mounted, and with ``VIRTUAL_ENV`` or ``PATH`` in its
environment it mounts the host's site-packages too, writable. So a build program
gets an environment made here, not ours, and sees copies of the sources, not the
sources. With a ``Confinement`` that is also all it sees: code that a stranger
wrote is built only so.
"""

from __future__ import annotations

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

from mcp_wasm.build import confine_watch as watch
from mcp_wasm.build.confine import Confinement
from mcp_wasm.build.confine_watch import kill_group
from mcp_wasm.build.messages import parse
from mcp_wasm.errors import BuildFailed

SECONDS = 300.0
OUTPUT = 64 * 1024
TAIL = 4_000
LONGEST_TEXT = 4 * 1024 * 1024
"""Bytes; a longer file is data, not what somebody wrote."""
PRODUCT = 256 * 1024 * 1024
"""Bytes; what is larger is no component that anybody would load."""

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

    ``what`` is named in errors. With ``confined`` its programs are confined to
    the folder. ``sources`` has the text of the submitted files by name, whose
    places errors tell. Use it as a context manager.
    """

    def __init__(
        self,
        what: str,
        *,
        seconds: float = SECONDS,
        output: int = OUTPUT,
        confined: Confinement | None = None,
    ) -> None:
        self.what, self.output, self.confined = what, output, confined
        self.seconds = seconds if confined is None else min(seconds, confined.seconds)
        self.sources: dict[str, str] = {}
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

    def submit(self, source: Path, name: str, texts: Mapping[str, str] | None = None) -> Path:
        """Copy the folder of a submitted source to ``name``; errors tell places in its files, or ``texts``.

        Raises:
            BuildFailed: ``source`` holds a symbolic link.
        """
        target = self.copy(source, name)
        if texts is not None:
            self.sources = dict(texts)
            return target
        for path in sorted(target.rglob("*")):
            if path.is_file() and path.stat().st_size <= LONGEST_TEXT:
                self.sources[path.relative_to(target).as_posix()] = path.read_text("utf-8", "replace")
        return target

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        package_manager: bool = False,
        reads: Iterable[str | Path] = (),
        children: bool = False,
    ) -> str:
        """Run a program and return its standard output, decoded; what it wrote to both ends up in errors.

        ``environment`` is added to the bare one. In a confined workspace the
        program can read the files and folders ``reads`` beside itself, the
        system's libraries and the scratch folder, and start processes only with
        ``children``. ``package_manager`` lets the person's proxy and registry
        settings through and runs the program without confinement: only for
        packages that we name. The program runs as a process group of its own,
        which is killed at the end whatever it left.

        Raises:
            BuildFailed: it could not be started, ended with an error, or took too much of something.
        """
        words = [os.fspath(part) for part in argv]
        folder, confined = cwd or self.work, None if package_manager else self.confined
        command = words
        if confined is not None:
            command = confined.command(
                words, scratch=self.folder, cwd=folder, reads=reads, children=children, seconds=self.seconds
            )
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=self._environment(package_manager) | dict(environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise BuildFailed(self.what, f"{words[0]} could not be started: {error}") from error
        return self._finish(process, Path(words[0]).name, confined)

    def read(self, path: Path, most: int = PRODUCT) -> bytes:
        """The content of a file that a program left in the scratch folder.

        Raises:
            BuildFailed: it is not there, is no plain file of the scratch folder, or has over ``most`` bytes.
        """
        name = path.name
        # Nothing runs any more that could change what is looked at here.
        if path.is_symlink() or not path.resolve().is_relative_to(self.folder.resolve()):
            raise BuildFailed(self.what, f"{name} is a link, not a file that was made")
        if not path.is_file():
            raise BuildFailed(self.what, f"the toolchain made no file {name}")
        size = path.stat().st_size
        if size > most:
            raise BuildFailed(self.what, f"{name} has {size:,} bytes; {most:,} are allowed")
        return path.read_bytes()

    def _finish(self, process: subprocess.Popen[bytes], program: str, confined: Confinement | None) -> str:
        assert process.stdout is not None
        assert process.stderr is not None
        out, err = _Kept(process.stdout, self.output), _Kept(process.stderr, self.output)
        try:
            taken = watch.until_end(process, self.folder, self.seconds, confined)
        finally:
            kill_group(process)
        said = f"{out.text()}\n{err.text()}".strip()
        if taken is not None:
            raise self._failed(f"{program} {taken} and was ended.\n", said)
        if process.returncode:
            raise self._failed(f"{program} {_ending(process.returncode)}.\n", said)
        return out.text()

    def _failed(self, words: str, said: str) -> BuildFailed:
        plain = self._plain(said)
        return BuildFailed(self.what, f"{words}{_end_of(plain)}", parse(plain, self.sources))

    def _plain(self, text: str) -> str:
        """What a program said, without the scratch folder, which says nothing."""
        return text.replace(f"{self.work}{os.sep}", "").replace(f"{self.folder}{os.sep}", "")

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


def _end_of(text: str) -> str:
    return text if len(text) <= TAIL else "… " + text[-TAIL:]


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = str(-code)
    return f"was ended by the signal {name}"
