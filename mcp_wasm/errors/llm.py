"""What goes wrong with asking language models."""

from __future__ import annotations

from mcp_wasm.errors.calls import LimitExceeded
from mcp_wasm.errors.tree import CallerError, HostError


class LlmRefused(CallerError):
    """A request that cannot be sent, or that the provider refuses as it is; ``what`` names the part."""

    def __init__(self, what: str, expected: str, found: object) -> None:
        self.what, self.expected, self.found = what, expected, found
        super().__init__(f"{what}: expected {expected}, got {found!r}")


class LlmBudgetExceeded(LimitExceeded):
    """A grant's budget for language models is used up, or what is asked would not fit into it.

    ``limit`` is the grant's key (``call_tokens``, ``tokens``, ``cost``), ``used``
    what was used or is reserved in this period, ``wanted`` what was asked for on
    top, ``again`` the seconds until the period ends (0: waiting does not help).
    """

    def __init__(
        self, limit: str, allowed: float, used: float, *, wanted: float, again: float = 0.0, rule: str = ""
    ) -> None:
        self.limit, self.unit = limit, "US dollars" if limit == "cost" else "tokens"
        self.wanted, self.again, self.rule = wanted, again, rule
        wait = f" The period ends in {again:,.0f} s." if again else ""
        asked = f"This request may need {round(wanted, 6):,} more."
        super().__init__(
            allowed, round(used, 6), f"{asked}{wait} A person raises it in {rule or 'the grant'}."
        )


class LlmFailed(HostError):
    """A provider did not answer.

    ``provider`` is its name in the settings, ``reason`` what happened, with
    nothing in it that is secret. ``used`` are the tokens that it is known to
    have used, in and out; None where it may have used some and did not say.
    ``passing`` says whether the same request may well succeed a little later,
    ``again`` after how many seconds the provider wants it (None: unsaid), and
    ``attempts`` how many requests were made.
    """

    passing = False
    again: float | None = None
    attempts = 1

    def __init__(self, provider: str, reason: str, *, used: tuple[int, int] | None = (0, 0)) -> None:
        self.provider, self.reason, self.used = provider, reason, used
        super().__init__(f"The language model provider {provider} did not answer: {reason}.")


class LlmKeyMissing(LlmFailed):
    """There is no key to send: the reference to it leads to none."""


class LlmKeyRefused(LlmFailed):
    """The provider does not accept the key, or it may not do this (401, 403), or has no money left (402)."""


class LlmRateLimited(LlmFailed):
    """Too many requests (429)."""

    passing = True


class LlmFaulty(LlmFailed):
    """The provider has a fault of its own: a status of 5xx, or an error in its stream."""

    passing = True


class LlmUnreachable(LlmFailed):
    """No connection came about, or it broke before an answer began."""

    passing = True


class LlmTimedOut(LlmFailed):
    """The answer, or the next piece of it, did not come in time; ``seconds`` is how long was waited."""

    def __init__(self, provider: str, seconds: float, *, used: tuple[int, int] | None = None) -> None:
        self.seconds = seconds
        super().__init__(provider, f"nothing came within {seconds:g} s", used=used)


class LlmCutOff(LlmFailed):
    """The answer began and broke off; what had come of it is not an answer."""

    def __init__(self, provider: str, *, used: tuple[int, int] | None = None) -> None:
        super().__init__(provider, "its answer broke off", used=used)


class LlmMalformed(LlmFailed):
    """What came is no answer of the provider's protocol, is too large, or leads elsewhere."""


class LlmCircuitOpen(LlmFailed):
    """The provider failed several times in a row and is left alone for ``seconds`` more."""

    def __init__(self, provider: str, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(
            provider, f"it failed several times in a row and is left alone for {seconds:.0f} s more"
        )
