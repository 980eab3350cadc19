"""What a host interface is: a name, the versions of it that are the same, its functions and resources.

A module under ``host/`` ends with ``INTERFACES``; the register in ``linker``
names the module, which is imported when a component asks for the interface.
Signatures are those of the WIT packages under ``wit/`` (``signatures``).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import resources

from mcp_wasm.capability.grant import Grants
from mcp_wasm.component import encode
from mcp_wasm.component import types as wit
from mcp_wasm.sandbox.call import Call
from mcp_wasm.sandbox.hostfunc import HostFunction, Run, plain

NATIVE = "0.2.12"
"""The WASI version of the engine: an interface in the place of a native one is defined under exactly that."""


@functools.cache
def _package(file: str) -> dict[str, dict[str, wit.Function]]:
    text = resources.files(__package__).joinpath("signatures", file).read_text(encoding="utf-8")
    world = encode.world_from_json(json.loads(text))
    return {item.name: {f.name: f for f in item.functions} for item in world.imports}


def signatures(interface: str) -> Mapping[str, wit.Function]:
    """The functions of ``interface`` (``wasi:http/types@0.2.12``), by name."""
    package, _, rest = interface.partition("/")
    version = rest.partition("@")[2]
    file = package.replace(":", "-") + (f"-{version}" if version else "") + ".json"
    return _package(file)[interface]


@dataclass(frozen=True, slots=True, eq=False)
class Interface:
    """One interface that the host implements.

    ``name`` is without a version. ``versions`` are those with these signatures,
    the one whose WIT is under ``wit/`` first (``""`` for none); a released 0.2.x
    stands for all of them. ``functions`` run as ``hostfunc.Run`` says, or are
    whole ``HostFunction``s. ``resources`` are the classes of the resources
    defined here, ``uses`` of those that other interfaces of ours define.

    With ``shadow`` the interface replaces some functions of a native one, for
    the calls whose grants it says yes to; the others keep the native ones.
    ``bridge`` is how many core instances and memories of ours it may add to a
    store (``bridge.py``); ``prepare`` runs before the store of a call gets its WASI.
    """

    name: str
    versions: tuple[str, ...]
    functions: Mapping[str, Run | HostFunction]
    resources: Mapping[str, type] = field(default_factory=dict)
    uses: Mapping[str, type] = field(default_factory=dict)
    shadow: Callable[[Grants], bool] | None = None
    bridge: tuple[int, int] = (0, 0)
    prepare: Callable[[Call], None] | None = None

    def full_names(self) -> tuple[str, ...]:
        """The names under which it is defined."""
        return tuple(f"{self.name}@{version}" if version else self.name for version in self.versions)

    def matches(self, import_name: str) -> bool:
        """Whether an import of that name is this interface."""
        name, _, version = import_name.partition("@")
        if name != self.name:
            return False
        return version in self.versions or any(_compatible(version, ours) for ours in self.versions)

    def host_functions(self) -> tuple[HostFunction, ...]:
        """Its functions, ready to be defined.

        Raises:
            ValueError: if a function of the interface is missing or unknown here.
        """
        return _host_functions(self)


def _compatible(version: str, ours: str) -> bool:
    """Released versions are compatible within 0.MINOR, as the engine's linker matches them."""
    parts, own = version.split("."), ours.split(".")
    return len(parts) == len(own) == 3 and parts[:2] == own[:2] and (parts[2] + own[2]).isdecimal()


@functools.cache
def _host_functions(interface: Interface) -> tuple[HostFunction, ...]:
    declared = {} if _is_whole(interface) else signatures(interface.full_names()[0])
    unknown = [name for name in interface.functions if declared and name not in declared]
    missing = [name for name in declared if name not in interface.functions and interface.shadow is None]
    if unknown or missing:
        raise ValueError(f"{interface.name}: unknown {unknown}, missing {missing}")
    known = {**interface.uses, **interface.resources}
    return tuple(
        run if isinstance(run, HostFunction) else plain(declared[name], run, known)
        for name, run in interface.functions.items()
    )


def _is_whole(interface: Interface) -> bool:
    return all(isinstance(run, HostFunction) for run in interface.functions.values())
