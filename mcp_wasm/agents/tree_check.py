"""The agents and supervisors of a tree file joined into one tree, and whether they fit together. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mcp_wasm.agents.address import LONGEST
from mcp_wasm.agents.child_spec import AgentSpec, ChildSpec, SupervisorSpec
from mcp_wasm.agents.message import RUNTIME_SENDERS
from mcp_wasm.component.names import nearest
from mcp_wasm.errors import InvalidSettings

Wrong = Callable[[str, str, object], InvalidSettings]
"""Makes the error of a key, what was expected there and what stands there."""

Orders = Mapping[str, Sequence[str]]
"""The children of each supervisor by its id; of the root under ``""``."""


def joined(
    root: Mapping[str, Any], children: Mapping[str, ChildSpec], orders: Orders, wrong: Wrong
) -> SupervisorSpec:
    """The tree: ``root`` are the values of its own supervisor, whose children, if it names none, are all that
    no other has: agents, then supervisors, as they stand in the file.

    Raises:
        InvalidSettings: naming what does not fit.
    """
    parents = _parents(children, orders, wrong)
    order = orders.get("")
    if order is None:
        order = [id_ for id_ in children if id_ not in parents]
    lost = [id_ for id_ in children if id_ not in parents and id_ not in order]
    if lost:
        expected = f"every agent and supervisor in one such list ({lost[0]} is in none)"
        raise wrong("children", expected, list(order))
    if not order:
        if children:
            raise wrong("supervisors", "a tree", "supervisors that are below each other in a circle")
        raise wrong("agents", "an agent at least: a table [agents.NAME] with its component", "none")
    made = _Made(children, orders, wrong)
    tree = SupervisorSpec(tuple(made.child(id_, ()) for id_ in order), **root)
    _check_supervisor(tree, "", wrong)
    if len(made.paths) < len(children):
        raise wrong("supervisors", "a tree", "supervisors that are below each other in a circle")
    _check_addresses(made, wrong)
    return tree


class _Made:
    """What was put into the tree so far: where each stands, and which supervisors have a template."""

    def __init__(self, children: Mapping[str, ChildSpec], orders: Orders, wrong: Wrong) -> None:
        self._children, self._orders, self._wrong = children, orders, wrong
        self.paths: dict[str, str] = {}
        self.specs: dict[str, ChildSpec] = {}
        self.templates: list[str] = []

    def child(self, id_: str, above: tuple[str, ...]) -> ChildSpec:
        spec = self._children[id_]
        path = "/".join((*above, id_))
        if path in RUNTIME_SENDERS:
            raise self._wrong(_at(spec), "a name that the runtime does not send under", path)
        if len(path) > LONGEST:
            raise self._wrong(_at(spec), f"an address of at most {LONGEST} characters", path)
        self.paths[id_], self.specs[path] = path, spec
        if isinstance(spec.child, AgentSpec):
            return spec
        order = self._orders.get(id_, ())
        if not order:
            raise self._wrong(_at(spec), "the key children (whom it supervises)", "a table without it")
        below = tuple(self.child(each, (*above, id_)) for each in order)
        supervisor = replace(spec.child, children=below)
        _check_supervisor(supervisor, f"supervisors.{id_}.", self._wrong)
        if supervisor.strategy == "simple_one_for_one":
            self.templates.append(path)
        return replace(spec, child=supervisor)


def _parents(children: Mapping[str, ChildSpec], orders: Orders, wrong: Wrong) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for parent, order in orders.items():
        at = f"supervisors.{parent}.children" if parent else "children"
        for id_ in order:
            if id_ not in children:
                close = nearest(id_, tuple(children))
                hint = f"did you mean {close[0]}?" if close else "there is no table of that name"
                raise wrong(at, f"names of agents and supervisors ({hint})", id_)
            if id_ in found or id_ == parent:
                other = found.get(id_, parent) or "the tree"
                raise wrong(at, f"names that are below no other ({id_} is below {other})", id_)
            found[id_] = parent
    return found


def _check_supervisor(spec: SupervisorSpec, at: str, wrong: Wrong) -> None:
    if spec.strategy == "simple_one_for_one" and (
        len(spec.children) != 1 or not isinstance(spec.children[0].child, AgentSpec)
    ):
        expected = "one agent below a supervisor of simple_one_for_one, which is the template of all"
        raise wrong(f"{at}children", expected, [each.id for each in spec.children])
    for child in spec.children:
        if not child.significant:
            continue
        if spec.auto_shutdown == "never":
            raise wrong(f"{_at(child)}.significant", f"false, since {at}auto_shutdown is never", True)
        if child.restart == "permanent":
            raise wrong(f"{_at(child)}.significant", "false, since it is permanent: it never ends", True)


def _check_addresses(made: _Made, wrong: Wrong) -> None:
    for path, spec in made.specs.items():
        for key, address in _mentioned(spec):
            # What other nodes have, and what is started on demand, is known when it is there.
            elsewhere = "@" in address and not key.startswith("routes")
            known = address in made.specs or elsewhere or _is_below(address, made.templates)
            if not known:
                here = made.paths.get(address.rpartition("/")[2])
                close = (here,) if here else nearest(address, tuple(made.specs))
                hint = f"did you mean {close[0]}?" if close else "addresses begin at the tree's root"
                raise wrong(f"{_at(spec)}.{key}", f"addresses of this tree ({hint})", address)
            if key.startswith("routes"):
                _check_route(made, path, key.partition(".")[2], wrong)


def _is_below(address: str, supervisors: Sequence[str]) -> bool:
    return any(address.startswith(f"{each}/") for each in supervisors)


def _mentioned(spec: ChildSpec) -> Iterator[tuple[str, str]]:
    yield from (("links", address) for address in spec.links)
    yield from (("monitors", address) for address in spec.monitors)
    if isinstance(spec.child, AgentSpec):
        yield from ((f"routes.{kind}", address) for kind, address in spec.child.routes.items())


def _check_route(made: _Made, path: str, kind: str, wrong: Wrong) -> None:
    """Routes end somewhere."""
    seen, at = [path], path
    while (spec := made.specs.get(at)) is not None and isinstance(spec.child, AgentSpec):
        if kind not in spec.child.routes:
            return
        at = spec.child.routes[kind]
        if at in seen:
            raise wrong(f"{_at(made.specs[path])}.routes.{kind}", "routes that end", " to ".join((*seen, at)))
        seen.append(at)


def _at(spec: ChildSpec) -> str:
    return f"{'agents' if isinstance(spec.child, AgentSpec) else 'supervisors'}.{spec.id}"
