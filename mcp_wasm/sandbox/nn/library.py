"""onnxruntime, set up so that a model can do nothing but compute.

The CPU alone, one thread (the caller's), no file beside the model, no log, and
one arena for all models of the process, so that neither a model's weights nor
what it allocates on some input takes the machine's memory.
"""

from __future__ import annotations

import functools
import threading
from importlib.util import find_spec
from typing import Any

from mcp_wasm.sandbox.nn.problem import Code, Problem

INSTALL = "pip install 'mcp-wasm[nn]'"
"""What a person types to have onnxruntime."""

ARENA_BYTES = 1024 * 1024 * 1024
"""Memory of all models of the process together: weights, inputs, outputs and what is between them."""

_SESSION = {
    "session.use_env_allocators": "1",
    # Detecting the format would also accept the runtime's own one, which it reads without checks.
    "session.load_model_format": "ONNX",
    # Weights in files of their own are looked for here: nowhere. Otherwise it is the current folder.
    "session.model_external_initializers_file_folder_path": "/dev/null/none",
}
_FIRST_CHUNK = 1024 * 1024
_FATAL = 4
_SHOWN = 400

# The model `y = Identity(x)` for `x: float[n]`, as an ONNX file.
_IDENTITY = bytes.fromhex(
    "08083a3d120567726170680a100a017812017922084964656e746974795a100a0178120b0a09080112050a0312"
    "016e62100a0179120b0a09080112050a0312016e42040a001011"
)
_CODES: dict[str, Code] = {
    "InvalidArgument": "invalid-argument",
    "InvalidProtobuf": "invalid-encoding",
    "InvalidGraph": "invalid-encoding",
    "NotImplemented": "unsupported-operation",
}
_setting_up = threading.Lock()


def installed() -> bool:
    """Whether onnxruntime is there."""
    return find_spec("onnxruntime") is not None


@functools.cache
def _library() -> Any:
    # A tenth of a second and thirty megabytes, which only those pay who use models.
    import onnxruntime

    onnxruntime.set_default_logger_severity(_FATAL)
    place = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    arena = {
        "max_mem": ARENA_BYTES,
        "arena_extend_strategy": 1,  # as much as was asked for, not the next power of two
        # The first chunk is the one that is never given back.
        "initial_chunk_size_bytes": _FIRST_CHUNK,
        "max_dead_bytes_per_chunk": -1,
        "initial_growth_chunk_size_bytes": -1,
    }
    onnxruntime.create_and_register_allocator(place, onnxruntime.OrtArenaCfg(arena))
    return onnxruntime


def library() -> Any:
    """The module, imported and set up at the first use."""
    with _setting_up:
        return _library()


def session_options() -> Any:
    """Options under which every model is loaded."""
    options = library().SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL
    for key, value in _SESSION.items():
        options.add_session_config_entry(key, value)
    return options


def run_options() -> Any:
    """Options of one run."""
    options = library().RunOptions()
    options.log_severity_level = _FATAL
    return options


def open_session(binary: bytes, options: Any) -> Any:
    """A session for the model ``binary``.

    Raises:
        Problem: the model cannot be used.
    """
    try:
        return library().InferenceSession(binary, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - it raises classes of its own, of no common base
        if "External data path" in str(error):
            text = "the model keeps some of its data in another file, which is never read: put it into one"
            raise Problem("unsupported-operation", text) from None
        raise problem(error) from None


def problem(error: Exception) -> Problem:
    """What the guest is told of an exception of the library's: its text says which input or node is wrong."""
    text = str(error)
    code = _CODES.get(type(error).__name__, "runtime-error")
    if "Failed to allocate memory" in text or "Available memory of" in text or "bad_alloc" in text:
        text = f"it needs more memory than the {ARENA_BYTES:,} bytes that all models together may have"
        code = "too-large"
    return Problem(code, text[:_SHOWN])


@functools.cache
def _identity() -> Any:
    return open_session(_IDENTITY, session_options())


def shrink() -> None:
    """Give the arena's free memory back to the system.

    The library offers that at the end of a run, when what the run itself made
    is still in the way: so a run that makes nothing asks for it.
    """
    import numpy as np  # with onnxruntime, which needs it

    options = run_options()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    _identity().run(None, {"x": np.zeros(0, np.float32)}, options)
