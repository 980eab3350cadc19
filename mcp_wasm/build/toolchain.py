"""What a toolchain is, as data: who it is, whether it is here, what to type when it is not.

The modules of the languages make one ``Toolchain`` each; ``languages`` lists
them. This module starts no process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mcp_wasm.build.confine import Confinement
from mcp_wasm.errors import ToolchainMissing

Progress = Callable[[str], None]
"""Is told, in a few words, which step begins."""


def silent(_step: str) -> None:
    """The progress callback of those who do not listen."""


@dataclass(frozen=True, slots=True)
class Source:
    """Source code that is to become a component.

    ``name`` is what errors call it, ``folder`` holds its files and ``entry`` is
    the path of the main one within it; ``wit`` is the text of one WIT package
    and ``world`` the world in it that the component exports. ``packages`` are
    libraries that go into the component, named as the language's own package
    manager names them. ``texts`` has, by name, what errors tell places of,
    where that is not what lies in the folder.
    """

    name: str
    folder: Path
    entry: str
    wit: str
    world: str
    packages: tuple[str, ...] = ()
    texts: Mapping[str, str] | None = None


class Compile(Protocol):
    """How a toolchain is called."""

    def __call__(
        self, source: Source, cache: Path | None, progress: Progress, confined: Confinement | None = None, /
    ) -> bytes:
        """The component of ``source``."""


@dataclass(frozen=True, slots=True)
class Toolchain:
    """One way from source to a component.

    ``compile`` takes the source, a folder for what may be kept between builds
    (downloaded packages; None where nothing may be), a progress callback and
    the confinement of what it runs (None for none), and returns the
    component's bytes, without docs. ``available`` returns None,
    or the reason why the toolchain cannot be used, in words. ``install`` is what
    a person types to have it. ``version`` names the versions that decide the
    bytes of a component.
    """

    name: str
    program: str
    install: str
    available: Callable[[], str | None]
    version: Callable[[], str]
    compile: Compile

    def require(self) -> None:
        """Check that the toolchain can be used.

        Raises:
            ToolchainMissing: it cannot; the message says what to type.
        """
        reason = self.available()
        if reason is not None:
            raise ToolchainMissing(f"{self.program} ({reason})", self.install)
