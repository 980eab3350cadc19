"""The subjects of a mesh: made from names, read back, and what a user of NATS may do with them. Pure.

Everything of a mesh is below ``mw.<mesh>``, by areas:

    mw.<mesh>.pub.<subject>              what agents publish, and nothing else
    mw.<mesh>.web.<user>.to.<agent>      to an agent, from a user of NATS that is no node: a page, a program
    mw.<mesh>.web.<user>.pub.<subject>   such a user publishes
    mw.<mesh>.<area>…                    every other area is for nodes

A name never reaches another area: words have no dots and no wildcards, and a subject of an agent
stays below ``pub``. Which user a message under ``web`` is from is what the server vouches for: nobody
else may publish there. How patterns match is NATS's rule, see ``capability.messaging``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mcp_wasm.agents.address import check_part, parse
from mcp_wasm.capability.messaging import is_pattern, is_subject, pattern_covers
from mcp_wasm.errors import CallerError
from mcp_wasm.mesh.options import MeshOptions
from mcp_wasm.mesh.server_config import User

ROOT = "mw"
PUBLISHED, WEB = "pub", "web"
_GRANTS = ("agents", "publish", "subscribe")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A subject of a mesh, taken apart: the area, and the words after it."""

    area: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FromUser:
    """Where a user that is no node sends something: to the agent ``agent``, or to all under ``subject``."""

    user: str
    agent: str | None = None
    subject: str | None = None


def of(mesh: str, *words: str) -> str:
    """The subject, or the pattern, of ``mesh`` that ``words`` make; each word may have several, with dots.

    An empty last word gives the beginning that such subjects have.

    Raises:
        CallerError: a word has what no subject may have, or a wildcard where none can be.
    """
    check_part(mesh, "mesh")
    last = len(words) - 1
    for index, word in enumerate(words):
        if (word or index < last) and (not is_pattern(word) or (index < last and word.endswith(">"))):
            raise CallerError(
                f"The part {word[:80]!r} of a subject: expected words of letters, digits, - and _"
            )
    return ".".join((ROOT, mesh, *words))


def read(mesh: str, subject: str) -> Parsed | None:
    """A subject taken apart, None if it is none of ``mesh``."""
    begin = f"{ROOT}.{mesh}."
    if not subject.startswith(begin) or not is_subject(subject):
        return None
    area, *words = subject[len(begin) :].split(".")
    return Parsed(area, tuple(words))


def published(mesh: str, subject: str) -> str:
    """Where an agent's message for ``subject``, or its subscription to that pattern, goes.

    Raises:
        CallerError: it is no subject and no pattern.
    """
    return of(mesh, PUBLISHED, subject)


def published_as(mesh: str, subject: str) -> str | None:
    """The subject as agents know it, None where it is not one of theirs."""
    found = read(mesh, subject)
    return ".".join(found.words) if found and found.area == PUBLISHED and found.words else None


def to_agent(mesh: str, user: str, path: str) -> str:
    """Where ``user``, no node, sends to the agent at ``path``.

    Raises:
        CallerError: one of them is no name.
    """
    found = parse(path)
    if found.node:
        raise CallerError(f"{path}: expected the address of an agent without a node")
    return of(mesh, WEB, check_part(user, "user"), "to", found.path.replace("/", "."))


def from_user(mesh: str, subject: str) -> FromUser | None:
    """What a user that is no node wants with a message there, None where that is nothing."""
    found = read(mesh, subject)
    match found:
        case Parsed(area="web", words=(user, "to", first, *rest)):
            try:
                return FromUser(user, agent=parse("/".join((first, *rest))).path)
            except CallerError:
                return None
        case Parsed(area="web", words=(user, "pub", first, *rest)):
            return FromUser(user, subject=".".join((first, *rest)))
    return None


def from_users(mesh: str) -> str:
    """The pattern of all that ``from_user`` reads."""
    return of(mesh, WEB, "*", ">")


def inbox(user: str) -> str:
    """What the subjects begin with to which answers for ``user`` come, and for no one else."""
    return f"_INBOX_{user}"


def answers_to(name: str, reply: str) -> bool:
    """Whether an answer for the user ``name`` may go to ``reply``.

    The server does not look at where a message asks its answer to go: a user could have
    a node write for it where the user itself may not.
    """
    return reply.startswith(f"{inbox(name)}.") and len(reply) <= 255 and not set(reply) & set("*> \t\r\n")


def user(
    mesh: str,
    name: str,
    password: str,
    *,
    agents: Iterable[str] = (),
    publish: Iterable[str] = (),
    subscribe: Iterable[str] = (),
) -> User:
    """A user of NATS that is no node, with what ``messaging`` grants allow: see ``capability.messaging``.

    ``agents`` are addresses, exact, ``*`` for all, or ``NAME/*`` for those below. It may
    publish under its own name only, and hear the answers to its own questions and what is published
    under ``subscribe``.

    Raises:
        CallerError: a pattern that NATS cannot enforce, or a name that is none.
    """
    check_part(name, "user")
    own = (WEB, name)
    may_publish = [of(mesh, *own, "to", _agents(each)) for each in agents]
    may_publish += [of(mesh, *own, PUBLISHED, _pattern(each)) for each in publish]
    may_hear = [f"{inbox(name)}.>", *(published(mesh, _pattern(each)) for each in subscribe)]
    return User(name, password, _fewest(may_publish), _fewest(may_hear))


def users(options: MeshOptions) -> list[User]:
    """The users of the embedded server that are no nodes.

    Raises:
        CallerError: as ``user``.
    """
    return [
        user(options.mesh, each.name, each.password, **{name: getattr(each, name) for name in _GRANTS})
        for each in options.users
    ]


def matches(pattern: str, subject: str) -> bool:
    """Whether a message for ``subject`` goes to who subscribes to ``pattern``."""
    return pattern_covers(pattern, subject)


def _pattern(text: str) -> str:
    if not is_pattern(text):
        raise CallerError(
            f"The pattern {text[:80]!r}: expected words between dots, * for one, > for the rest"
        )
    return text


def _agents(text: str) -> str:
    if text == "*":
        return ">"
    path, star = (text[:-2], ".>") if text.endswith("/*") else (text, "")
    found = parse(path)
    if found.node:
        raise CallerError(f"{text}: expected the address of an agent without a node")
    return found.path.replace("/", ".") + star


def _fewest(patterns: Sequence[str]) -> tuple[str, ...]:
    """Without those that another one covers."""
    kept: list[str] = []
    for each in sorted(set(patterns), key=lambda each: (each.count("."), each)):
        if not any(pattern_covers(wide, each) for wide in kept):
            kept.append(each)
    return tuple(kept)
