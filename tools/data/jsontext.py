"""JSON text to values and back without losing a digit, and the faults that Python's own reader lets pass."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from json.encoder import encode_basestring

from problem import Problem

DEPTH = 200
LONGEST_INTEGER = 1000
EXCERPT = 80
BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"?|([\[{])|[\]}]')
TOKENS = re.compile(r'("(?:[^"\\]|\\.)*")\s*(:)?|([\[{])|([\]}])')
NO_STRUCTURE = bytes(set(range(256)) - set(b'[]{}"'))
SURROGATES = re.compile("[\ud800-\udfff]")


class Real(float):
    """A number that keeps the text it was written as; it computes as a float."""

    text: str

    def __new__(cls, text: str) -> Real:
        """Of JSON's own spelling."""
        number = super().__new__(cls, text)
        number.text = text
        return number


class _Constant(Exception):
    pass


class _Repeated(Exception):
    pass


def _integer(text: str) -> int | Real:
    return Real(text) if len(text) > LONGEST_INTEGER or text == "-0" else int(text)


def _no_constant(name: str) -> None:
    raise _Constant(name)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Repeated
    return made


def read(text: str, what: str = "the document", *, repeated: bool = False) -> object:
    """The values of a JSON text; without ``repeated``, names that occur twice in an object are faults."""
    fault = find_fault(text, repeated=repeated)
    if isinstance(fault, tuple):
        message, line, column, excerpt = fault
        raise Problem(f"{what} is not JSON: {message} at line {line}, column {column}: {excerpt}")
    return fault[0]


def find_fault(text: str, *, repeated: bool = False) -> list[object] | tuple[str, int, int, str]:
    """The values in a list of one, or message, line, column and excerpt of the first fault."""
    deep = _too_deep(text)
    if deep is not None:
        return _place(text, deep, f"nested more than {DEPTH} deep")
    try:
        hook = None if repeated else _unique
        # A function for every integer costs as much as all the rest; they are rarely needed.
        return [_loads(text, hook, _integer if "-0" in text else None)]
    except json.JSONDecodeError as error:
        words = error.msg[:1].lower() + error.msg[1:]
        if not text.strip():
            words = "the text is empty"
        return _place(text, error.pos, words)
    except _Constant as constant:
        at = re.search(rf'(?<![\w"])-?{re.escape(str(constant).lstrip("-"))}\b', text)
        return _place(text, at.start() if at else 0, f"{constant} is no number of JSON")
    except _Repeated:
        return _repeated_name(text)


def _loads(text: str, hook, integer) -> object:
    try:
        return json.loads(
            text, parse_float=Real, parse_int=integer, parse_constant=_no_constant, object_pairs_hook=hook
        )
    except json.JSONDecodeError:
        raise
    except ValueError:
        # An integer with more digits than Python reads by itself.
        return _loads(text, hook, _integer)


def _too_deep(text: str) -> int | None:
    """Where a text is nested too deep. Python's own reader would exhaust the stack, which is a trap.

    Built of whole-text operations: a loop over brackets, or a regular expression, costs many times more.
    """
    if text.count("[") + text.count("{") <= DEPTH:
        return None
    unescaped = text.replace("\\\\", "").replace('\\"', "").encode("utf-8", "surrogatepass")
    # Between every second pair of quotes is a string.
    left = b"".join(unescaped.translate(None, NO_STRUCTURE).split(b'"')[::2])
    for _ in range(DEPTH):
        inner = left.replace(b"[]", b"").replace(b"{}", b"")
        if len(inner) == len(left):
            break
        left = inner
    # What is left over is nested deeper, or never closed.
    return _where_too_deep(text) if len(left) > DEPTH else None


def _where_too_deep(text: str) -> int | None:
    depth = 0
    for match in BRACKETS.finditer(text):
        if match.group(1):
            depth += 1
            if depth > DEPTH:
                return match.start()
        elif match.group()[0] in "]}":
            depth -= 1
    return None


def _repeated_name(text: str) -> tuple[str, int, int, str]:
    """The first repeated name of a text that is otherwise JSON."""
    names: list[set[str]] = []
    for match in TOKENS.finditer(text):
        if match.group(3):
            names.append(set())
        elif match.group(4):
            names.pop()
        elif match.group(2):
            name = json.loads(match.group(1))
            if name in names[-1]:
                return _place(text, match.start(), f"the name {name!r} occurs twice in an object")
            names[-1].add(name)
    raise AssertionError("there is a repeated name")


def _place(text: str, position: int, message: str) -> tuple[str, int, int, str]:
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    line = text[start : len(text) if end < 0 else end]
    column = position - start
    first = max(0, column - EXCERPT // 2)
    excerpt = ("…" if first else "") + line[first : first + EXCERPT] + ("…" if first + EXCERPT < len(line) else "")
    return message, text.count("\n", 0, start) + 1, column + 1, excerpt.strip()


def write(value: object, *, indent: int | None = None, sort: bool = False) -> str:
    """JSON text: characters as they are, numbers as they were written."""
    parts: list[str] = []
    _write(value, parts.append, indent, sort, "\n")
    return "".join(parts)


def _write(value: object, put: Callable[[str], None], indent: int | None, sort: bool, newline: str) -> None:
    if isinstance(value, str):
        put(_string(value))
    elif isinstance(value, (dict, list)):
        if value:
            _write_group(value, put, indent, sort, newline)
        else:
            put("{}" if isinstance(value, dict) else "[]")
    else:
        put(_scalar(value))


def _write_group(
    group: dict | list, put: Callable[[str], None], indent: int | None, sort: bool, newline: str
) -> None:
    inside = "" if indent is None else newline + " " * indent
    comma = "," + inside
    if isinstance(group, list):
        before = "[" + inside
        for item in group:
            put(before)
            _write(item, put, indent, sort, inside)
            before = comma
    else:
        colon, before = ":" if indent is None else ": ", "{" + inside
        for name, item in sorted(group.items()) if sort else group.items():
            put(before + _string(name) + colon)
            _write(item, put, indent, sort, inside)
            before = comma
    close = "]" if isinstance(group, list) else "}"
    put(close if indent is None else newline + close)


def _scalar(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, Real):
        return value.text
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        raise Problem("a computed number is too large for JSON, or not a number")
    return repr(value)


def _string(text: str) -> str:
    written = encode_basestring(text)
    return written if text.isascii() else SURROGATES.sub(lambda half: f"\\u{ord(half.group()):04x}", written)


def kind(value: object) -> str:
    """The JSON type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    names = {dict: "object", list: "array", str: "string"}
    return next((name for type_, name in names.items() if isinstance(value, type_)), "number")


def short(value: object, most: int = 60) -> str:
    """JSON text, cut where it is long."""
    text = write(value)
    return text if len(text) <= most else text[: most - 1] + "…"


def number_key(value: float) -> int | tuple[bool, str, int]:
    """Equal for equal numbers, however they are written: an integer, or sign, digits and power of ten."""
    if isinstance(value, int):
        return value
    text = value.text if isinstance(value, Real) else repr(value)
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, part = mantissa.lstrip("-").partition(".")
    digits = (whole + part).lstrip("0")
    stripped = digits.rstrip("0")
    power = int(exponent[:1000] or 0) - len(part) + len(digits) - len(stripped)
    if not stripped:
        return 0
    if 0 <= power and len(stripped) + power <= LONGEST_INTEGER:
        return int(stripped + "0" * power) * (-1 if text.startswith("-") else 1)
    return (text.startswith("-"), stripped, power)


def pointer(*parts: str | int) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
