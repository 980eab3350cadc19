from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable
from fractions import Fraction

import pytest

from mcp_wasm.sandbox.report import Outcome

Tool = Callable[[str], Callable[..., Outcome]]
pytestmark = [pytest.mark.toolchain, pytest.mark.timeout(300)]


def evaluated(tool: Tool, expression: str, digits: int | None = None) -> dict[str, object]:
    found = tool("calc")("evaluate", expression=expression, digits=digits)
    assert not found.failed, found.value
    assert isinstance(found.value, dict)
    return found.value


def test_random_expressions_agree_with_fractions(tool: Tool) -> None:
    chance = random.Random(7)
    for _ in range(60):
        numbers = [chance.randint(-99, 99) for _ in range(5)]
        signs = [chance.choice(["+", "-", "*"]) for _ in range(4)]
        text = f"({numbers[0]})" + "".join(f"{s}({n})" for s, n in zip(signs, numbers[1:], strict=True))
        divisor = chance.randint(1, 50)
        wanted = Fraction(eval(text), divisor)
        assert evaluated(tool, f"({text})/{divisor}") == {
            "value": str(wanted),
            "decimal": evaluated(tool, str(wanted))["decimal"],
            "exact": True,
        }


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("-2^2", "-4"),
        ("2^3^2", "512"),
        ("2^-3!", "1/64"),
        ("-7//2", "-4"),
        ("-7%3", "2"),
        ("3!!", "720"),
        ("8^(1/3)", "2"),
        ("sqrt(16/9)", "4/3"),
        ("root(-8, 3)", "-2"),
        ("log(8, 4)", "3/2"),
        ("log10(1/1000)", "-3"),
        ("round(2.5) + round(3.5)", "6"),
        ("powmod(3, 10^50, 10^9+7)", str(pow(3, 10**50, 10**9 + 7))),
        ("comb(52, 5)", str(math.comb(52, 5))),
        ("0xff + 0b11 + 1_000", "1258"),
        ("a = 2; b = a^10\nb/3", "1024/3"),
        ("2^66000 % 1000007", str(2**66000 % 1000007)),
    ],
)
def test_what_can_be_exact_is(tool: Tool, expression: str, value: str) -> None:
    found = evaluated(tool, expression)
    assert (found["value"], found["exact"]) == (value, True)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("sin(pi)", "0"),
        ("sqrt(2)^2 - 2", "0"),
        ("tan(pi/4)", "1"),
        ("exp(-200)", "1.3838965267367375306e-87"),
    ],
)
def test_rounded_results_show_no_noise_and_lose_nothing_small(
    tool: Tool, expression: str, value: str
) -> None:
    assert evaluated(tool, expression) == {"value": value, "decimal": value, "exact": False}


def test_digits_of_pi_are_the_digits_of_a_longer_pi(tool: Tool) -> None:
    longer, shorter = evaluated(tool, "pi", 1000)["value"], evaluated(tool, "pi", 400)["value"]
    assert isinstance(longer, str)
    assert isinstance(shorter, str)
    assert len(longer) == 1001
    assert longer.startswith(shorter[:-1])
    assert longer.startswith("3.14159265358979323846264338327950288419716939937510")


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("9**9**9", "digits; at most"),
        ("9**9**9**9", "digits; at most"),
        ("100000!", "digits; at most"),
        ("1e999999999", "exponent"),
        ("comb(10^20, 10^19)", "too many digits"),
        ("e^1e9", "too large or too small"),
        ("1/0", "division by zero"),
        ("0^-1", "division by zero"),
        ("(-8)^(1/3)", "not real"),
        ("sqrt(-1)", "not real"),
        ("ln(0)", "not real"),
        ("tan(pi/2)", "no value there"),
        ("0.5!", "has to be an integer"),
        ("2(3)", "an operator such as * missing"),
        ("1+", "the expression ends"),
        ("$", "means nothing here"),
        ("", "empty"),
        ("pi = 3", "is taken"),
        ("__import__('os')", "means nothing here"),
        ("(" * 5000, "nested more than"),
        ("-" * 5000 + "1", "nested more than"),
        ("1+" * 20_000 + "1", "characters"),
    ],
)
def test_what_cannot_be_computed_is_refused_with_words_at_little_cost(
    tool: Tool, expression: str, words: str
) -> None:
    found = tool("calc")("evaluate", expression=expression)
    assert found.failed
    assert words in str(found.value)
    assert found.report.fuel < 500_000_000


def test_statistics_agree_with_exact_ones_and_rounding_happens_once(tool: Tool) -> None:
    chance = random.Random(3)
    for size in (1, 2, 3, 10, 501):
        values = [chance.choice([round(chance.uniform(-50, 50), 2), 1e16, 0.1]) for _ in range(size)]
        found = tool("calc")("statistics", values=values).value
        assert isinstance(found, dict)
        exact = [Fraction(repr(float(v))) for v in values]
        assert found["sum"] == float(sum(exact))
        assert found["mean"] == float(sum(exact) / size)
        assert found["median"] == float(statistics.median(exact))
        assert math.isclose(
            found["population-standard-deviation"], statistics.pstdev(exact), rel_tol=1e-15, abs_tol=0
        )
        assert (found["minimum"], found["maximum"], found["count"]) == (min(values), max(values), size)
        assert (found["standard-deviation"] is None) == (size == 1)


@pytest.mark.parametrize("number", [2, 97, 2**61 - 1, 2**31 * 3**7, 1299709 * 1299721, 999983**2, 10**24 + 7])
def test_factors_multiply_back_and_are_prime(tool: Tool, number: int) -> None:
    found = tool("calc")("factor", number=str(number)).value
    assert isinstance(found, list)
    product = 1
    for power in found:
        prime = int(power["prime"])
        assert all(prime % small for small in range(2, min(prime, 2000)))
        product *= prime ** power["exponent"]
    assert product == number


@pytest.mark.parametrize("base", [2, 7, 16, 36])
def test_bases_convert_there_and_back(tool: Tool, base: int) -> None:
    for number in (0, 1, -255, 10**40 + 1):
        text = tool("calc")("convert-base", **{"number": str(number), "from-base": 10, "to-base": base}).value
        assert int(str(text), base) == number
        back = tool("calc")("convert-base", **{"number": text, "from-base": base, "to-base": 10}).value
        assert back == str(number)
