from __future__ import annotations

from mcp.types import JSONRPCNotification, JSONRPCRequest

from mcp_wasm.server.ledger import HELD_BYTES, Ledger


def request(number: int, method: str = "tools/call") -> JSONRPCRequest:
    return JSONRPCRequest(jsonrpc="2.0", id=number, method=method)


def cancellation(number: object) -> JSONRPCNotification:
    params = {"requestId": number}
    return JSONRPCNotification(jsonrpc="2.0", method="notifications/cancelled", params=params)


def test_calls_past_the_number_wait_and_follow_in_order() -> None:
    ledger = Ledger(2)
    assert [ledger.admit(request(number), 10) for number in range(5)] == [True, True, False, False, False]
    assert ledger.next() is None
    ledger.answered(0)
    following = ledger.next()
    assert following is not None
    assert following.id == 2
    assert ledger.next() is None
    for number in (1, 2):
        ledger.answered(number)
    assert [held.id for held in (ledger.next(), ledger.next()) if held] == [3, 4]
    for number in (3, 4):
        assert ledger.settled is False
        ledger.answered(number)
    assert ledger.settled


def test_everything_but_calls_passes_those_that_wait() -> None:
    ledger = Ledger(1)
    assert ledger.admit(request(1), 10)
    assert not ledger.admit(request(2), 10)
    assert ledger.admit(request(3, "ping"), 10)
    assert ledger.admit(cancellation(1), 10)
    assert ledger.next() == request(2)


def test_a_call_that_is_cancelled_while_it_waits_never_begins() -> None:
    ledger = Ledger(1)
    for number in (1, 2, 3):
        ledger.admit(request(number), 10)
    assert ledger.admit(cancellation(2), 10)
    ledger.answered(1)
    assert ledger.next() == request(3)
    assert ledger.admit(cancellation(3), 10)
    assert ledger.settled


def test_a_strange_cancellation_cancels_nothing() -> None:
    ledger = Ledger(1)
    ledger.admit(request(1), 10)
    strange: list[object] = [None, [], {}, 1.5, "one", 99]
    for number in strange:
        ledger.admit(cancellation(number), 10)
    assert not ledger.settled
    ledger.admit(cancellation("1"), 10)
    assert ledger.settled


def test_a_listening_request_is_owed_nothing() -> None:
    ledger = Ledger()
    ledger.admit(request(1, "subscriptions/listen"), 10)
    assert ledger.settled


def test_what_waits_is_bounded() -> None:
    ledger = Ledger(1)
    ledger.admit(request(0), 10)
    ledger.admit(request(1), HELD_BYTES)
    full = [ledger.full]
    ledger.admit(request(2), 1)
    full.append(ledger.full)
    ledger.admit(cancellation(1), 1)
    assert [*full, ledger.full] == [False, True, False]


def test_nothing_is_owed_to_a_client_that_is_gone() -> None:
    ledger = Ledger(1)
    for number in (1, 2, 3):
        ledger.admit(request(number), 10)
    ledger.abandon()
    assert ledger.settled
    assert ledger.next() is None
