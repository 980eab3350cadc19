"""Regular expressions in words: what each part means, and what may take very long."""

from __future__ import annotations

import re
import warnings
from re import _constants as sre
from re import _parser

from problem import Problem

# Python warns of patterns whose meaning may change; nobody would see it here.
warnings.simplefilter("ignore")
LONGEST = 20_000
DEEPEST = 100
MOST_PARTS = 500

PLACES = {
    sre.AT_BEGINNING: "the beginning of the text",
    sre.AT_BEGINNING_STRING: "the beginning of the text",
    sre.AT_BEGINNING_LINE: "the beginning of a line",
    sre.AT_END: "the end of the text, or before a line break at its end",
    sre.AT_END_STRING: "the very end of the text",
    sre.AT_END_LINE: "the end of a line",
    sre.AT_BOUNDARY: "the edge of a word",
    sre.AT_NON_BOUNDARY: "not at the edge of a word",
}
CATEGORIES = {
    sre.CATEGORY_DIGIT: "a digit",
    sre.CATEGORY_NOT_DIGIT: "no digit",
    sre.CATEGORY_SPACE: "white space",
    sre.CATEGORY_NOT_SPACE: "no white space",
    sre.CATEGORY_WORD: "a letter, digit or underscore",
    sre.CATEGORY_NOT_WORD: "no letter, digit or underscore",
}
REPEATS = {
    sre.MAX_REPEAT: "as many as possible",
    sre.MIN_REPEAT: "as few as possible",
    sre.POSSESSIVE_REPEAT: "as many as possible, giving none back",
}


def compiled(pattern: str, flags: int) -> re.Pattern[str]:
    """The pattern, or a problem that says where it is wrong."""
    if len(pattern) > LONGEST:
        raise Problem(f"the pattern has {len(pattern):,} characters; at most {LONGEST:,} are read")
    if _depth(pattern) > DEEPEST:
        raise Problem(f"the pattern is nested more than {DEEPEST} deep")
    try:
        return re.compile(pattern, flags)
    except re.error as error:
        where = "" if error.pos is None else f" at character {error.pos + 1}"
        raise Problem(f"the pattern is wrong{where}: {error.msg}") from None
    except (OverflowError, ValueError) as error:
        raise Problem(f"the pattern is wrong: {error}") from None


def _depth(pattern: str) -> int:
    depth = deepest = 0
    for bracket in re.findall(r"\\.|[()]", pattern, re.DOTALL):
        depth += (bracket == "(") - (bracket == ")")
        deepest = max(deepest, depth)
    return deepest


class Explanation:
    """The parts of a pattern in words, with their depth, and warnings."""

    def __init__(self, pattern: str, flags: int) -> None:
        self.parts: list[tuple[int, str]] = []
        self.warnings: list[str] = []
        count = compiled(pattern, flags).groups
        parsed = _parser.parse(pattern, flags)
        named = {number: name for name, number in parsed.state.groupdict.items()}
        self.groups = [(number, named.get(number)) for number in range(1, count + 1)]
        self._named = named
        self._walk(parsed, 0, repeated=False)
        if re.search(r"\[[^\]]*A-z", pattern):
            self._warn("A-z also holds [ \\ ] ^ _ and `; A-Za-z was meant, most likely")
        if re.search(r"[a-z0-9]\.(com|org|net|io|de)\b", pattern):
            self._warn("an unescaped dot matches any character; in a host name write \\.")

    def _say(self, depth: int, meaning: str) -> None:
        if len(self.parts) < MOST_PARTS:
            self.parts.append((depth, meaning))

    def _warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)

    def _walk(self, parsed, depth: int, *, repeated: bool) -> None:
        letters: list[str] = []
        for operation, argument in parsed:
            if operation is sre.LITERAL:
                letters.append(chr(argument))
                continue
            self._literal(letters, depth)
            self._one(operation, argument, depth, repeated=repeated)
        self._literal(letters, depth)

    def _literal(self, letters: list[str], depth: int) -> None:
        if letters:
            self._say(depth, f"the text {''.join(letters)!r}")
            letters.clear()

    def _one(self, operation, argument, depth: int, *, repeated: bool) -> None:
        if operation in REPEATS:
            self._repeat(operation, argument, depth, repeated=repeated)
        elif operation is sre.SUBPATTERN:
            self._group(argument, depth, repeated=repeated)
        elif operation is sre.BRANCH:
            self._say(depth, "one of:")
            for branch in argument[1]:
                self._say(depth + 1, "either" if branch else "or nothing")
                self._walk(branch, depth + 2, repeated=repeated)
        elif operation in (sre.ASSERT, sre.ASSERT_NOT):
            direction, inner = argument
            verbs = ("follows", "does not follow") if direction > 0 else ("stands before", "does not stand before")
            self._say(depth, f"only where this {verbs[operation is sre.ASSERT_NOT]}:")
            self._walk(inner, depth + 1, repeated=False)
        elif operation is sre.ATOMIC_GROUP:
            self._say(depth, "without giving back what it matched:")
            self._walk(argument, depth + 1, repeated=False)
        elif operation is sre.GROUPREF_EXISTS:
            number, yes, no = argument
            self._say(depth, f"if group {number} took part:")
            self._walk(yes, depth + 1, repeated=repeated)
            if no:
                self._say(depth, "else:")
                self._walk(no, depth + 1, repeated=repeated)
        else:
            self._say(depth, _simple(operation, argument))

    def _repeat(self, operation, argument, depth: int, *, repeated: bool) -> None:
        least, most, inner = argument
        endless = most is sre.MAXREPEAT
        if endless and repeated and operation is not sre.POSSESSIVE_REPEAT:
            self._warn("a repetition inside a repetition can take exponential time on text that does not match")
        self._say(depth, f"{_times(least, most)}, {REPEATS[operation]}:")
        inside = (repeated or endless) and operation is not sre.POSSESSIVE_REPEAT
        self._walk(inner, depth + 1, repeated=inside)

    def _group(self, argument, depth: int, *, repeated: bool) -> None:
        number, _, _, inner = argument
        if number is None:
            self._walk(inner, depth, repeated=repeated)
            return
        name = f" ({self._named[number]})" if number in self._named else ""
        self._say(depth, f"group {number}{name}:")
        self._walk(inner, depth + 1, repeated=repeated)


def _times(least: int, most: object) -> str:
    if most is sre.MAXREPEAT:
        return {0: "any number of times", 1: "once or more"}.get(least, f"{least} times or more")
    if least == most:
        return f"{least} times"
    return "once or not at all" if (least, most) == (0, 1) else f"{least} to {most} times"


def _simple(operation, argument) -> str:
    if operation is sre.ANY:
        return "any character"
    if operation is sre.AT:
        return PLACES.get(argument, str(argument))
    if operation is sre.NOT_LITERAL:
        return f"any character but {chr(argument)!r}"
    if operation is sre.GROUPREF:
        return f"the same text as group {argument}"
    if operation is sre.IN:
        return _set(argument)
    return "never" if operation is sre.FAILURE else str(operation).lower()


def _set(members) -> str:
    negated = bool(members) and members[0][0] is sre.NEGATE
    words = [_member(*member) for member in members if member[0] is not sre.NEGATE]
    if len(words) == 1 and not negated:
        return words[0]
    return f"one character {'that is none ' if negated else ''}of: {', '.join(words)}"


def _member(operation, argument) -> str:
    if operation is sre.RANGE:
        return f"{chr(argument[0])!r} to {chr(argument[1])!r}"
    return CATEGORIES.get(argument, str(argument)) if operation is sre.CATEGORY else repr(chr(argument))
