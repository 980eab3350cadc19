"""The policy of a runtime: settings and file together, kept until one of them changes."""

from __future__ import annotations

from pathlib import Path

from mcp_wasm.capability.grant import NOTHING, Environment
from mcp_wasm.capability.policy import Entry, Policy
from mcp_wasm.policy.policies import Policies

OLD, NEW = "a" * 64, "b" * 64
NAMES = frozenset({"one_get", "get"})
SETTINGS = Policy(
    {"set": Entry("set", trust="name", grants=(Environment("S"),), where="grants.set of settings")}
)


def write(home: Path, text: str) -> None:
    home.mkdir(exist_ok=True, parents=True)
    (home / "grants.toml").write_text(text, encoding="utf-8")
    (home / "grants.toml").chmod(0o600)


def one(name: str = "A") -> str:
    return f'[grants.one]\ndigest = "{OLD}"\n[[grants.one.environment]]\nname = "{name}"\n'


def held(policies: Policies, component: str = "one", digest: str = OLD, **call: object) -> list[object]:
    return list(policies.effective(component, digest, frozenset(), NAMES, **call))  # type: ignore[arg-type]


def test_a_change_holds_from_the_next_call_on(home: Path) -> None:
    policies = Policies(home)
    assert held(policies) == []
    write(home, one())
    assert held(policies) == [Environment("A")]
    write(home, one("B"))
    assert held(policies) == [Environment("B")]
    (home / "grants.toml").unlink()
    assert held(policies) == []


def test_settings_and_file_give_together(home: Path) -> None:
    policies = Policies(home, SETTINGS)
    write(home, one() + '[[grants.set.environment]]\nname = "F"\n')
    assert held(policies, "set") == [Environment("S"), Environment("F")]
    assert held(policies) == [Environment("A")]
    write(home, f'[grants.set]\ndigest = "{OLD}"\n')
    assert (
        "both grants.set of settings and grants.set"
        in policies.effective("set", OLD, frozenset(), NAMES).waiting
    )


def test_a_broken_file_takes_everything_away_and_says_why(home: Path) -> None:
    policies = Policies(home, SETTINGS)
    write(home, "[")
    for component in ("one", "set", "never_heard_of"):
        grants = policies.effective(component, OLD, frozenset(), NAMES)
        assert list(grants) == []
        assert "TOML" in grants.waiting
    assert policies.policy.problem


def test_what_was_worked_out_is_kept_until_the_policy_changes(home: Path) -> None:
    policies = Policies(home)
    write(home, one())
    first = policies.effective("one", OLD, frozenset(), NAMES)
    assert policies.effective("one", OLD, frozenset(), NAMES) is first
    assert policies.effective("one", NEW, frozenset(), NAMES) is not first
    assert held(policies, allowed=frozenset()) == []
    write(home, one("B"))
    assert policies.effective("one", OLD, frozenset(), NAMES) is not first


def test_what_a_person_allowed_for_now_is_never_kept(home: Path) -> None:
    policies = Policies(home)
    now = Environment("N")
    assert held(policies, approved=[now]) == [now]
    assert policies.effective("one", OLD, frozenset(), NAMES) is NOTHING
