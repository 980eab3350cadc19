"""Reads an arithmetic expression and works it out as it reads. Knows the grammar, and leaves numbers to others."""

from __future__ import annotations

import re
from fractions import Fraction

from functions import CONSTANTS, FUNCTIONS
from reals import (
    Problem,
    Value,
    add,
    divide,
    factorial,
    floor_divide,
    multiply,
    negate,
    power,
    remainder,
    root,
    subtract,
)

TOKEN = re.compile(
    r"(?P<space>[ \t]+)|(?P<end>[\n;]+)"
    r"|(?P<number>0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+"
    r"|(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[^\W\d]\w*)|(?P<operator>\*\*|//|[-+*/%^!(),=√])"
)
SPELLINGS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "π": "pi", "τ": "tau", "φ": "phi"})
BINARY = {"+": (10, add), "-": (10, subtract), "*": (20, multiply), "/": (20, divide),
          "//": (20, floor_divide), "%": (20, remainder)}  # fmt: skip
UNARY = 30
POWER = 40
DEPTH = 100
LONGEST = 20_000
LARGEST_EXPONENT = 100_000


class Parser:
    """One text of one or more lines; ``names`` are those that its lines set."""

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise Problem(f"the expression has {len(text):,} characters; at most {LONGEST:,} are read")
        self.names: dict[str, Value] = {}
        self.tokens = list(_tokens(text.translate(SPELLINGS)))
        self.at = 0
        self.depth = 0

    def run(self) -> Value:
        """The value of the last line."""
        result: Value | None = None
        while True:
            while self._kind() == "end":
                self.at += 1
            if self._kind() == "stop":
                break
            result = self._line()
            if self._kind() not in ("end", "stop"):
                raise self._unexpected()
        if result is None:
            raise Problem("the expression is empty")
        return result

    def _line(self) -> Value:
        kind, text, _ = self.tokens[self.at]
        if kind == "name" and self.tokens[self.at + 1][1] == "=":
            if text in CONSTANTS or text in FUNCTIONS:
                raise Problem(f"{text} is taken: it is a constant or a function")
            self.at += 2
            self.names[text] = self._expression(0)
            return self.names[text]
        return self._expression(0)

    def _expression(self, least: int) -> Value:
        self.depth += 1
        if self.depth > DEPTH:
            raise Problem(f"parentheses and signs are nested more than {DEPTH} deep")
        left = self._operand()
        while True:
            text = self._text()
            if text in ("**", "^") and least <= POWER:
                self.at += 1
                # Binds to the right, and a sign may stand before the exponent.
                left = power(left, self._expression(UNARY if self._text() in "+-" else POWER))
            elif text == "!" and least <= POWER:
                self.at += 1
                left = factorial(left)
            elif text in BINARY and BINARY[text][0] >= least:
                level, operation = BINARY[text]
                self.at += 1
                left = operation(left, self._expression(level + 1))
            else:
                self.depth -= 1
                return left

    def _operand(self) -> Value:
        kind, text, _ = self.tokens[self.at]
        if text in ("+", "-") and kind == "operator":
            self.at += 1
            value = self._expression(UNARY)
            return negate(value) if text == "-" else value
        if text == "√":
            self.at += 1
            return root(self._expression(POWER + 1), 2)
        if kind == "number":
            self.at += 1
            return _number(text)
        if kind == "name":
            self.at += 1
            return self._named(text)
        if text == "(":
            self.at += 1
            value = self._expression(0)
            self._take(")")
            return value
        raise self._unexpected()

    def _named(self, name: str) -> Value:
        if self._text() == "(" and name not in self.names and name not in CONSTANTS:
            return self._call(name)
        if name in self.names:
            return self.names[name]
        if name in CONSTANTS:
            return CONSTANTS[name]()
        if name in FUNCTIONS:
            raise Problem(f"{name} is a function: write {name}(...)")
        raise Problem(f"the name {name!r} is not known; constants are {', '.join(CONSTANTS)}")

    def _call(self, name: str) -> Value:
        if name not in FUNCTIONS:
            raise Problem(f"there is no function {name}; there are {', '.join(FUNCTIONS)}")
        self._take("(")
        arguments: list[Value] = []
        while self._text() != ")":
            arguments.append(self._expression(0))
            if self._text() != ",":
                break
            self.at += 1
        self._take(")")
        return FUNCTIONS[name](*arguments)

    def _take(self, text: str) -> None:
        if self._text() != text:
            raise self._unexpected(f"expected {text}")
        self.at += 1

    def _kind(self) -> str:
        return self.tokens[self.at][0]

    def _text(self) -> str:
        return self.tokens[self.at][1]

    def _unexpected(self, wanted: str = "") -> Problem:
        kind, text, position = self.tokens[self.at]
        found = "the expression ends" if kind in ("stop", "end") else f"{text!r} is not expected"
        hint = f", {wanted}" if wanted else ""
        if kind in ("number", "name") or text == "(":
            hint += " (is an operator such as * missing before it?)"
        return Problem(f"at character {position + 1}: {found}{hint}")


def _tokens(text: str):
    position = 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            raise Problem(f"at character {position + 1}: {text[position]!r} means nothing here")
        if match.lastgroup != "space":
            yield match.lastgroup, match.group(), position
        position = match.end()
    yield "stop", "", len(text)


def _number(text: str) -> Value:
    plain = text.replace("_", "")
    if plain[:2].lower() in ("0x", "0b", "0o"):
        if len(plain) == 2:
            raise Problem(f"{text!r} is not a number")
        return Fraction(int(plain, 0))
    exponent = re.search(r"[eE]([+-]?\d+)$", plain)
    if exponent and (len(exponent[1]) > 7 or abs(int(exponent[1])) > LARGEST_EXPONENT):
        raise Problem(f"the exponent of {text[:40]} is too large; at most {LARGEST_EXPONENT:,} is read")
    return Fraction(plain.rstrip(".") if plain[-1] == "." else plain)
