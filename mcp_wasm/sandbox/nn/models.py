"""Models by name out of a granted folder: found, read once, kept for the calls that follow.

A name is one file in the folder, ``NAME.onnx``; where that is a link it must
lead to a file in the same folder. What is read is one opened file, so that
nothing can be put in its place between the look and the load.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import threading
from collections import OrderedDict
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp_wasm.sandbox.call import Stopped
from mcp_wasm.sandbox.nn import library
from mcp_wasm.sandbox.nn.problem import Problem
from mcp_wasm.sandbox.nn.watcher import Watcher
from mcp_wasm.sandbox.services import Services
from mcp_wasm.sandbox.stop import Stop

KEPT = 8
"""Models that stay loaded between calls; the one that was used longest ago goes first."""

FILE_BYTES = 512 * 1024 * 1024
"""The size of a model's file at most."""

NAMES = "at most 128 letters, digits, '.', '_' and '-', beginning with a letter or digit,"
"""What the name of a model is made of, in words."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SLICE = 0.02


@dataclass(frozen=True, slots=True)
class Port:
    """Input or output: ``type`` in the library's words (``tensor(float)``); None in ``shape`` is any size."""

    name: str
    type: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded model; ``digest`` is the SHA-256 (hex) of its file."""

    name: str
    digest: str
    inputs: dict[str, Port]
    outputs: tuple[Port, ...]
    session: Any = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class _Key:
    """One state of one file."""

    path: Path
    device: int
    inode: int
    size: int
    changed: int


def is_name(name: str) -> bool:
    """Whether ``name`` can be that of a model: no path, nothing hidden."""
    return _NAME.fullmatch(name) is not None


class Models:
    """The loaded models of a runtime; several calls that need the same one wait for one load."""

    def __init__(self, services: Services) -> None:
        self._watcher = services.shared(Watcher)
        self._kept: OrderedDict[_Key, Model] = OrderedDict()
        self._loading: dict[_Key, Future[Model]] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let go of them all."""
        with self._lock:
            self._kept.clear()

    def get(self, folder: Path, name: str, stop: Stop) -> Model:
        """The model ``name`` of ``folder``, as its file is now.

        Raises:
            Problem: there is none, or it cannot be used.
            Stopped: the call was due before it was loaded.
        """
        file = _open(folder, name)
        try:
            key = _key(folder / f"{name}.onnx", file)
            while not stop.due():
                model = self._known(key) or self._load(key, name, file, stop)
                if model is not None:
                    return model
        finally:
            os.close(file)
        raise Stopped

    def _known(self, key: _Key) -> Model | None:
        with self._lock:
            model = self._kept.get(key)
            if model is not None:
                self._kept.move_to_end(key)
            return model

    def _load(self, key: _Key, name: str, file: int, stop: Stop) -> Model | None:
        """The model, loaded here or by another call; None where the other has not finished yet."""
        with self._lock:
            loading = self._loading.get(key)
            mine = loading is None
            if loading is None:
                loading = self._loading[key] = Future()
        if not mine:
            with suppress(TimeoutError, Stopped):
                return loading.result(_SLICE)
            return None
        try:
            model = self._made(name, _read(file), stop)
        except BaseException as error:
            with self._lock:
                del self._loading[key]
            loading.set_exception(error)
            raise
        self._keep(key, model)
        loading.set_result(model)
        return model

    def _keep(self, key: _Key, model: Model) -> None:
        with self._lock:
            del self._loading[key]
            for other in [other for other in self._kept if other.path == key.path]:
                del self._kept[other]
            self._kept[key] = model
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)

    def _made(self, name: str, binary: bytes, stop: Stop) -> Model:
        digest = hashlib.sha256(binary).hexdigest()
        with self._lock:
            same = next((model for model in self._kept.values() if model.digest == digest), None)
        if same is not None:
            return Model(name, digest, same.inputs, same.outputs, same.session)
        options = library.session_options()
        try:
            with self._watcher.watching(stop, lambda: options.set_load_cancellation_flag(True)):
                session = library.open_session(binary, options)
        except Problem:
            if stop.due():
                raise Stopped from None
            raise
        inputs = {port.name: port for port in map(_port, session.get_inputs())}
        return Model(name, digest, inputs, tuple(map(_port, session.get_outputs())), session)


def _port(found: Any) -> Port:
    return Port(found.name, found.type, tuple(d if isinstance(d, int) else None for d in found.shape))


def _open(folder: Path, name: str) -> int:
    """The model's file, opened to be read.

    Raises:
        Problem: there is no such file in the folder.
    """
    missing = Problem("not-found", f"there is no model {name} in the granted folder")
    try:
        inside = folder.resolve(strict=True)
        path = (inside / f"{name}.onnx").resolve(strict=True)
        if path.parent != inside:
            raise Problem("security", f"the model {name} is a link to a file outside of the granted folder")
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, RuntimeError):  # RuntimeError: links in a circle
        raise missing from None
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise missing
    return file


def _key(path: Path, file: int) -> _Key:
    found = os.fstat(file)
    if found.st_size > FILE_BYTES:
        text = f"the model's file has {found.st_size:,} bytes; at most {FILE_BYTES:,} are read"
        raise Problem("too-large", text)
    return _Key(path, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def _read(file: int) -> bytes:
    with os.fdopen(os.dup(file), "rb") as opened:
        opened.seek(0)
        return opened.read(FILE_BYTES)
