"""The command line's end of ``control``: one connection to a running tree, one request after the other."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mcp_wasm.agents.control import LONGEST_LINE
from mcp_wasm.agents.control_socket import SOCKET, connected_to
from mcp_wasm.errors import CallerError, GuestError, HostError, McpWasmError

SECONDS = 10.0
"""How long an answer that needs no agent may take."""

_FAULTS: Mapping[str, type[McpWasmError]] = {"caller": CallerError, "guest": GuestError, "host": HostError}


class Client:
    """A connection to the tree whose folder is ``folder``; a context manager.

    Raises:
        CallerError: no tree runs there.
    """

    def __init__(self, folder: Path) -> None:
        self._connection = connected_to(folder / SOCKET, SECONDS)
        self._file = self._connection.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._connection.close()

    def call(self, do: str, patience: float = SECONDS, **request: Any) -> Any:
        """The answer to one request, within ``patience`` seconds.

        Raises:
            McpWasmError: what the tree said that went wrong, or that it does not answer.
        """
        self._connection.settimeout(patience)
        try:
            # One that is refused at once may be hung up on before it has asked: why is there to be read.
            with contextlib.suppress(BrokenPipeError):
                self._connection.sendall(json.dumps({"do": do, **request}).encode() + b"\n")
            line = self._file.readline(LONGEST_LINE + 1)
        except TimeoutError:
            raise HostError(f"The tree has not answered within {patience:g} s") from None
        except OSError as error:
            raise HostError(f"The tree has ended ({error.strerror})") from None
        if not line.endswith(b"\n"):
            raise HostError("The tree has ended before it answered")
        answer = json.loads(line)
        if "error" in answer:
            raise _FAULTS.get(answer.get("fault"), HostError)(answer["error"])
        return answer["ok"]


def running(agents: Path) -> list[str]:
    """The names of the trees that run over the folders below ``agents``."""
    found = []
    for path in sorted(agents.glob(f"*/{SOCKET}")):
        try:
            with Client(path.parent) as client:
                client.call("about")
        except McpWasmError:
            continue  # what a tree left behind that was killed
        found.append(path.parent.name)
    return found
