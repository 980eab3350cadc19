from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcp_wasm.server.access import Access, Budget, Token, hashed
from mcp_wasm.server.auth import Tokens, authenticator
from tests.server.tokens import (
    RESOURCE,
    ec_key,
    identified,
    jwk,
    oauth,
    rsa_key,
    signed,
    tokens,
)


@pytest.mark.anyio
async def test_a_token_of_the_issuer_says_who_and_what(tmp_path: Path) -> None:
    caller = await identified(oauth(tmp_path), signed())
    assert caller is not None
    assert caller.visitor.name == "oauth alice"
    assert caller.visitor.may("demo_add")
    assert not caller.visitor.may("other_add")
    assert caller.access_token.token == ""


def soon(seconds: int) -> int:
    return int(time.time()) + seconds


GOOD: list[tuple[str, Callable[[], dict[str, Any]]]] = [
    ("another algorithm and key", lambda: {"key": ec_key(), "kid": "e1", "algorithm": "ES256"}),
    ("typ JWT", lambda: {"header": {"typ": "JWT"}}),
    ("an audience among several", lambda: {"aud": ["https://else.example", RESOURCE]}),
    ("expired within the leeway", lambda: {"exp": soon(-5)}),
    ("from a clock a little ahead", lambda: {"iat": soon(10), "nbf": soon(10)}),
    ("scopes as a list", lambda: {"scope": None, "scp": ["tools:demo_*"]}),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("what", "given"), GOOD, ids=[what for what, _ in GOOD])
async def test_what_is_right_is_accepted(
    tmp_path: Path, what: str, given: Callable[[], dict[str, Any]]
) -> None:
    settings = oauth(tmp_path, jwk(rsa_key(), "k1"), jwk(ec_key(), "e1", use="sig"))
    assert await identified(settings, signed(**given())) is not None, what


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("claim", "tool", "may"),
    [
        ({"tools": ["demo_add"]}, "demo_add", True),
        ({"tools": ["demo_add"]}, "demo_spin", False),
        ({"tools": ["*"]}, "other_add", False),
        ({"tools": []}, "demo_add", False),
        ({}, "demo_add", True),
    ],
)
async def test_the_claim_narrows_tools_and_cannot_widen(
    tmp_path: Path, claim: dict[str, Any], tool: str, may: bool
) -> None:
    caller = await identified(oauth(tmp_path), signed(mcp_wasm=claim))
    assert caller is not None
    assert caller.visitor.may(tool) is may


@pytest.mark.anyio
async def test_the_claim_narrows_the_budget_and_cannot_widen(tmp_path: Path) -> None:
    settings = oauth(tmp_path, budget=Budget(calls_per_minute=10, limits={"fuel": 1000}))
    own = {"calls_per_minute": 99, "concurrent": 1, "limits": {"fuel": 10**9, "deadline": 2}}
    caller = await identified(settings, signed(mcp_wasm=own))
    assert caller is not None
    assert caller.visitor.budget == Budget(10, 1, None, {"fuel": 1000, "deadline": 2})


@pytest.mark.anyio
@pytest.mark.parametrize(
    "claim",
    [
        [],
        "x",
        {"tool": ["demo_add"]},
        {"tools": "demo_add"},
        {"tools": [5]},
        {"limits": []},
        {"limits": {"fuel": "much"}},
        {"limits": {"instances": 1}},
        {"calls_per_minute": 0},
        {"calls_per_minute": True},
        {"concurrent": "1"},
    ],
)
async def test_a_claim_that_is_not_understood_refuses_the_token(tmp_path: Path, claim: object) -> None:
    assert await identified(oauth(tmp_path), signed(mcp_wasm=claim)) is None


@pytest.mark.anyio
async def test_a_token_without_scopes_opens_only_what_every_token_does(tmp_path: Path) -> None:
    caller = await identified(oauth(tmp_path), signed(scope=None))
    assert caller is not None
    assert not caller.visitor.may("demo_add")
    caller = await identified(oauth(tmp_path, tools=("demo_add",)), signed(scope=None))
    assert caller is not None
    assert caller.visitor.may("demo_add")


@pytest.mark.anyio
async def test_principals_are_kept_apart(tmp_path: Path) -> None:
    settings = oauth(tmp_path)
    tried = [
        signed(),
        signed(sub="bob"),
        signed(client_id="phone"),
        signed(sub="alice\0laptop", client_id=""),
        signed(sub="c", client_id="a\0b"),
        signed(sub="b\0c", client_id="a"),
    ]
    callers = [await identified(settings, token) for token in tried]
    assert len({caller.visitor.key for caller in callers if caller is not None}) == 6
    again = await identified(settings, signed(scope="tools:other"))
    assert again is not None
    assert callers[0] is not None
    assert again.visitor.key == callers[0].visitor.key


@pytest.mark.anyio
async def test_a_token_that_was_accepted_is_not_verified_again_until_it_expires(tmp_path: Path) -> None:
    at = [time.time()]
    checked = tokens(oauth(tmp_path), lambda: at[0])
    token = signed()
    assert checked.known(token) is None
    caller = await checked.identify(token)
    assert checked.known(token) is caller is not None
    at[0] += 601
    assert checked.known(token) is None
    at[0] += 60
    assert await checked.identify(token) is None


STATIC = Tokens(
    Access(
        tokens=(
            Token("one", hashed("the secret of one"), ("demo_add",), Budget(concurrent=1)),
            Token("two", hashed("the secret of two")),
        ),
        budget=Budget(calls_per_minute=9, concurrent=9),
    )
)


@pytest.mark.parametrize(
    ("secret", "name"),
    [
        ("the secret of one", "token one"),
        ("the secret of two", "token two"),
        ("the secret of tw", None),
        ("the secret of twoo", None),
        ("THE SECRET OF ONE", None),
        ("", None),
        ("\ud800", None),
        ("x" * 100_000, None),
    ],
)
def test_a_static_token_is_known_by_its_whole_secret(secret: str, name: str | None) -> None:
    caller = STATIC.known(secret)
    assert (caller.visitor.name if caller else None) == name


def test_a_static_token_has_its_tools_and_budget() -> None:
    caller = STATIC.known("the secret of one")
    assert caller is not None
    assert (caller.visitor.may("demo_add"), caller.visitor.may("demo_spin")) == (True, False)
    assert caller.visitor.budget == Budget(calls_per_minute=9, concurrent=1)


def test_a_secret_is_nowhere_to_be_read() -> None:
    token = Token("one", hashed("the secret of one"))
    caller = STATIC.known("the secret of one")
    assert caller is not None
    for shown in (repr(token), repr(STATIC._tokens), repr(caller.visitor), repr(vars(caller))):
        assert "secret of" not in shown
        assert hashed("the secret of one").hex() not in shown


def test_nobody_needs_a_token_where_none_is_set() -> None:
    assert authenticator(Access()) is None
