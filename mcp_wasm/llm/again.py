"""Whether a request that failed is sent again, and after which pause. Pure: who waits is told, not asked.

    429, 5xx, 529, 408                     again, after what the provider says or the pause
    no connection, broken before an answer again
    broke off within an answer             again, unless some of it was given on already
    timed out                              not: the time of the whole request is over
    refused key, refused request, malformed, circuit open, budget    not

The pause grows twofold from try to try, and a random part of it is taken off
("full jitter" in half: between half and all of it), so that many that failed
together do not come back together.
"""

from __future__ import annotations

from dataclasses import dataclass

from mcp_wasm.errors import LlmCutOff, LlmFailed


@dataclass(frozen=True, slots=True)
class Pauses:
    """Seconds: the first pause and the longest."""

    first: float = 0.5
    longest: float = 8.0


def pause(  # noqa: PLR0917 - the state of a request that is tried
    error: LlmFailed, failures: int, retries: int, left: float, chance: float, pauses: Pauses
) -> float | None:
    """The seconds until the next try after ``failures`` of them, or None for none.

    ``left`` are the seconds that the request still has, ``chance`` is a random number from 0 to 1.
    """
    if failures > retries or not (error.passing or isinstance(error, LlmCutOff)):
        return None
    wait = error.again
    if wait is None:
        longest = min(pauses.longest, pauses.first * 2 ** (failures - 1))
        wait = longest * (0.5 + chance / 2)
    # A pause that ends after the request's own time only makes its caller wait for nothing.
    return wait if wait < left else None
