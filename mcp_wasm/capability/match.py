"""Whether an attempt is covered by a grant: pure decisions, each with the sentence that explains it.

The rules, in one place:

    hosts     see ``hosts``: exact, ``*.suffix``, or ``*`` for every host; addresses by value
    schemes   exact, lower case
    ports     listed, or the scheme's own where none is listed (80 for http, 443 for https)
    methods   exact, upper case; ``*`` for every method
    names     of buckets, models, providers, agents and tools: exact, or ``prefix*``; ``*`` alone for all
    subjects  see ``messaging``: word for word, ``*`` for one and ``>`` for the rest

Of several grants of a kind the first that allows an attempt decides. Where none
does, ``Decision.rule`` names the one that comes nearest and what it allows, and
``Decision.wanted`` is the narrowest grant that would have covered the attempt
(None where none could).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from mcp_wasm.capability import address, hosts
from mcp_wasm.capability.grant import Grant, Grants, KeyValue, Network, Nn, Secret, Tools
from mcp_wasm.capability.llm import OPERATIONS, Llm
from mcp_wasm.capability.messaging import Messaging, is_pattern, is_subject, pattern_covers

G = TypeVar("G", bound=Grant)

SCHEME_PORTS = {"http": 80, "https": 443}
"""The port that a scheme has where none is written."""

METHOD = re.compile(r"[A-Z][A-Z0-9_-]{0,31}")
"""What a method in a grant is made of."""


@dataclass(frozen=True, slots=True)
class Decision(Generic[G]):
    """The grant that covers an attempt, or None; ``rule`` says which decided and why, without a full stop.

    ``wanted`` is only set in a refusal: the narrowest grant that would cover the attempt.
    """

    grant: G | None
    rule: str
    wanted: G | None = None


def network(  # noqa: PLR0917 - what a request is, in the order of its line
    grants: Grants, component: str, method: str, scheme: str, host: str, port: int
) -> Decision[Network]:
    """Whether a request may be made. ``host`` is as the guest gave it, ``port`` the one to connect to.

    A host that is an address must also be one that the grant lets in (``address.refusal``); what a name
    resolves to is checked by the same function once it is known. Whoever connects must connect to
    ``hosts.canonical(host)``.
    """
    method, scheme, name = method.upper(), scheme.lower(), hosts.canonical(host)
    if name is None:
        return Decision(
            None, "what it names is no host: a name, or an address in its usual form, is expected"
        )
    nearest: tuple[tuple[bool, ...], Network] | None = None
    for grant in grants.network:
        fits: tuple[bool, ...] = (
            any(hosts.matches(each, name) for each in grant.hosts),
            scheme in grant.schemes,
            port in grant.ports if grant.ports else port == SCHEME_PORTS.get(scheme),
            "*" in grant.methods or method in grant.methods,
            not _not_let_in(grant, name),
        )
        if all(fits):
            return Decision(grant, f"{_where(grant)} allows {describe(grant)}")
        if nearest is None or fits > nearest[0]:
            nearest = (fits, grant)
    wanted = _wanted_network(method, scheme, name, port)
    if nearest is None:
        return Decision(None, _none(grants, "network", component), wanted)
    fits, grant = nearest
    if fits[:4] == (True, True, True, True):
        return Decision(None, f"{_where(grant)}: {_not_let_in(grant, name)}", wanted)
    return Decision(None, _only(grants, grant), wanted)


def bucket(grants: Grants, component: str, bucket_name: str, write: bool) -> Decision[KeyValue]:
    """Whether a key-value bucket may be read, or also written."""
    nearest: KeyValue | None = None
    for grant in grants.keyvalue:
        if name(grant.bucket, bucket_name):
            if grant.write or not write:
                return Decision(grant, f"{_where(grant)} allows {describe(grant)}")
            nearest = nearest if nearest is not None and name(nearest.bucket, bucket_name) else grant
        nearest = nearest or grant
    wanted = KeyValue(bucket_name, write) if _literal(bucket_name) else None
    return _refused(grants, "keyvalue", component, nearest, wanted)


def model(grants: Grants, component: str, model_name: str) -> Decision[Nn]:
    """Whether a model may be loaded by its name.

    What would allow it needs the folder of the models, which only a person knows: ``wanted`` is set where
    another grant of the kind names one.
    """
    for grant in grants.nn:
        if any(name(each, model_name) for each in grant.models):
            return Decision(grant, f"{_where(grant)} allows {describe(grant)}")
    nearest = grants.nn[0] if grants.nn else None
    wanted = Nn((model_name,), nearest.folder) if nearest is not None and _literal(model_name) else None
    return _refused(grants, "nn", component, nearest, wanted)


def llm(grants: Grants, component: str, provider: str, model_name: str, operation: str) -> Decision[Llm]:
    """Whether a language model may be asked: by which provider of the settings, which model, and for what.

    Budgets are no matter of this: whether there are tokens left is known where they are counted.
    """
    nearest: tuple[tuple[bool, ...], Llm] | None = None
    for grant in grants.llm:
        fits = (
            any(name(each, provider) for each in grant.providers),
            any(name(each, model_name) for each in grant.models),
            operation in grant.operations,
        )
        if all(fits):
            return Decision(grant, f"{_where(grant)} allows {describe(grant)}")
        if nearest is None or fits > nearest[0]:
            nearest = (fits, grant)
    wanted = None
    if _literal(provider) and _literal(model_name) and operation in OPERATIONS:
        wanted = Llm((provider,), (model_name,), (operation,))
    return _refused(grants, "llm", component, nearest[1] if nearest is not None else None, wanted)


def agent(grants: Grants, component: str, to: str) -> Decision[Messaging]:
    """Whether a message may be sent to the agent at the address ``to``."""
    for grant in grants.messaging:
        if any(name(each, to) for each in grant.agents):
            return Decision(grant, f"{_where(grant)} allows {describe(grant)}")
    wanted = Messaging((to,)) if _literal(to) else None
    return _refused(grants, "messaging", component, _nearest(grants.messaging, "agents"), wanted)


def subject(grants: Grants, component: str, to: str) -> Decision[Messaging]:
    """Whether a message may be published to the subject ``to``; a pattern is none."""
    if not is_subject(to):
        return Decision(None, "it names no subject: words of letters, digits, - and _ between dots")
    return _subjects(grants, component, "subjects", to)


def subscription(grants: Grants, component: str, pattern: str) -> Decision[Messaging]:
    """Whether all messages of the subjects that fit ``pattern`` may be had."""
    if not is_pattern(pattern):
        return Decision(None, "it is no pattern of subjects: words between dots, * for one, > for the rest")
    return _subjects(grants, component, "subscribe", pattern)


def subject_fits(pattern: str, given: str) -> bool:
    """Whether a subject fits a pattern."""
    return pattern_covers(pattern, given)


def tool(grants: Grants, component: str, tool_name: str) -> Decision[Tools]:
    """Whether another published tool may be called."""
    for grant in grants.tools:
        if any(name(each, tool_name) for each in grant.names):
            return Decision(grant, f"{_where(grant)} allows {describe(grant)}")
    wanted = Tools((tool_name,)) if _literal(tool_name) else None
    return _refused(grants, "tools", component, grants.tools[0] if grants.tools else None, wanted)


def host(pattern: str, host_name: str) -> bool:
    """Whether a host fits a pattern (see ``hosts``)."""
    return hosts.matches(pattern, host_name)


def secret_hosts(secret: Secret, host_name: str) -> bool:
    """Whether a secret may be put into a request to this host; never where the guest has it itself."""
    return any(hosts.matches(each, host_name) for each in secret.hosts)


def name(pattern: str, given: str) -> bool:
    """Whether a bucket, model or tool name fits a pattern: exact, or ``prefix*``."""
    return given.startswith(pattern[:-1]) if pattern.endswith("*") else given == pattern


def for_tool(grant: Grant, names: Iterable[str]) -> bool:
    """Whether a grant holds for a tool that goes by ``names`` (its tool name, its export path)."""
    return not grant.tools or any(name(each, given) for each in grant.tools for given in names)


def absent(grants: Grants, kind: str, component: str) -> str:
    """The sentence for an attempt of a kind of which the component has no grant, or none that fits."""
    own: Sequence[Grant] = getattr(grants, kind, ())
    return _only(grants, own[0]) if own else _none(grants, kind, component)


def describe(grant: Grant) -> str:
    """What a grant allows, as a phrase that follows "allows"."""
    described = _DESCRIBED.get(type(grant))
    return described(grant) if described is not None else "this"


def _describe_network(grant: Network) -> str:
    ports = f" on port {_or(map(str, grant.ports))}" if grant.ports else ""
    private = ", addresses that are not public too" if grant.private else ""
    return f"{', '.join(grant.methods)} to {_or(grant.hosts)} over {_or(grant.schemes)}{ports}{private}"


def _describe_llm(grant: Llm) -> str:
    return f"{_or(grant.operations)} by models {_or(grant.models)} of {_or(grant.providers)}"


def _describe_messaging(grant: Messaging) -> str:
    parts = {
        "sending to": grant.agents,
        "publishing to": grant.subjects,
        "subscribing to": grant.subscribe,
    }
    return "; ".join(f"{what} {_or(which)}" for what, which in parts.items() if which) or "no messages"


def _describe_keyvalue(grant: KeyValue) -> str:
    return f"{'reading and writing' if grant.write else 'reading'} of bucket {grant.bucket}"


_DESCRIBED: dict[type[Grant], Callable[..., str]] = {
    Network: _describe_network,
    KeyValue: _describe_keyvalue,
    Nn: lambda grant: f"the models {_or(grant.models)} in {grant.folder}",
    Llm: _describe_llm,
    Messaging: _describe_messaging,
    Tools: lambda grant: f"calls of {_or(grant.names)}",
}


def _subjects(grants: Grants, component: str, key: str, asked: str) -> Decision[Messaging]:
    for grant in grants.messaging:
        if any(pattern_covers(each, asked) for each in getattr(grant, key)):
            return Decision(grant, f"{_where(grant)} allows {describe(grant)}")
    wanted = Messaging(subjects=(asked,)) if key == "subjects" else Messaging(subscribe=(asked,))
    return _refused(grants, "messaging", component, _nearest(grants.messaging, key), wanted)


def _nearest(held: Sequence[Messaging], key: str) -> Messaging | None:
    return next((grant for grant in held if getattr(grant, key)), held[0] if held else None)


def _refused(grants: Grants, kind: str, component: str, nearest: G | None, wanted: G | None) -> Decision[G]:
    rule = _none(grants, kind, component) if nearest is None else _only(grants, nearest)
    return Decision(None, rule, wanted)


def _none(grants: Grants, kind: str, component: str) -> str:
    return grants.waiting or f"no grant of {kind} to {component}"


def _only(grants: Grants, grant: Grant) -> str:
    waiting = f"; {grants.waiting}" if grants.waiting else ""
    return f"{_where(grant)} allows {describe(grant)}{waiting}"


def _not_let_in(grant: Network, name: str) -> str:
    ip = address.parse(name)
    return "" if ip is None else address.refusal(ip, grant.private, grant.hosts)


def _wanted_network(method: str, scheme: str, name: str, port: int) -> Network | None:
    ip = address.parse(name)
    sort = "public" if ip is None else address.sort(ip)[0]
    if (
        scheme not in SCHEME_PORTS
        or sort == "reserved"
        or not 1 <= port <= 65_535
        or not METHOD.fullmatch(method)
    ):
        return None
    ports = () if port == SCHEME_PORTS[scheme] else (port,)
    return Network((name,), (scheme,), ports, (method,), private=sort != "public")


def _literal(given: str) -> bool:
    """Whether a name can stand in a grant and mean itself alone."""
    return bool(given) and given.isprintable() and not given.endswith("*") and "," not in given


def _where(grant: Grant) -> str:
    return grant.rule or "what was allowed for now"


def _or(words: Iterable[str]) -> str:
    return ", ".join(words)
