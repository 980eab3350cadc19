"""Types of C functions out of their own definitions, where these say enough: numbers, bool and text.

Every function that is not ``static`` is exported, except ``main``. A ``const char
*`` is a string that ends with a zero byte; the comment before a function is its
docs. Structures, arrays and pointers do not say what they hold: such a function
is refused, with its line, and a world (WIT) says it instead. On this target an
``int`` and a ``long`` have 32 bits.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from mcp_wasm.build.c_types import PRIMITIVES, snake
from mcp_wasm.build.signature.names import kebab, written
from mcp_wasm.errors import SignatureRefused

WORLD = "exported"
"""The world's name; it begins the names of generated functions, which no source has by chance."""

GLUE = "exported_glue.c"

_TYPES = {
    "bool": "bool", "_Bool": "bool", "float": "f32", "double": "f64", "size_t": "u32",
    "int8_t": "s8", "uint8_t": "u8", "int16_t": "s16", "uint16_t": "u16",
    "int32_t": "s32", "uint32_t": "u32", "int64_t": "s64", "uint64_t": "u64",
    "char *": "string", "const char *": "string", "char const *": "string",
    "signed char": "s8", "unsigned char": "u8", "short": "s16", "unsigned short": "u16",
    "int": "s32", "signed": "s32", "signed int": "s32", "unsigned": "u32", "unsigned int": "u32",
    "long": "s32", "long int": "s32", "unsigned long": "u32", "unsigned long int": "u32",
    "long long": "s64", "long long int": "s64", "unsigned long long": "u64", "unsigned long long int": "u64",
}  # fmt: skip

_IGNORED = re.compile(
    r"//[^\n]*|/\*.*?(?:\*/|\Z)|\"(?:\\.|[^\"\\\n])*\"?|'(?:\\.|[^'\\\n]){0,12}'|^[ \t]*#(?:\\\n|[^\n])*",
    re.MULTILINE | re.DOTALL,
)
"""Each ends wherever it begins: what is looked for to the end of the source in vain takes hours."""
_FUNCTION = re.compile(r"(?P<result>[\w\s*]+?)(?P<name>\b[A-Za-z_]\w*)\s*\((?P<params>.*)\)\s*", re.DOTALL)
_PARAMETER = re.compile(r"(?P<type>[\w\s*]+?)(?P<name>\b[A-Za-z_]\w*)")
_HINT = "Make it static where it is a helper, or give a world (WIT) that says its types"


@dataclass(frozen=True, slots=True)
class Signature:
    """The WIT of a source, whose world is ``WORLD``, and the C file that calls its functions."""

    wit: str
    glue: str


@dataclass(frozen=True, slots=True)
class _Function:
    name: str
    params: tuple[tuple[str, str], ...]
    result: str
    docs: str


def read(source: str, file: str) -> Signature:
    """The types of the functions in ``source``, which errors call ``file``.

    Raises:
        SignatureRefused: a function cannot be typed, or there is none.
    """
    functions = [_typed(*found, file) for found in _definitions(source)]
    if not functions:
        reason = "it defines no function that could be called"
        raise SignatureRefused(file, 1, 1, reason, "Write one that is not static and not main")
    twice = next((name for name, count in Counter(kebab(f.name) for f in functions).items() if count > 1), "")
    if twice:
        raise SignatureRefused(file, 1, 1, f"two functions are both {twice} in WIT", "Rename one of them")
    exports = "\n".join(_export(each) for each in functions)
    wit = f"package local:{WORLD};\n\nworld {WORLD} {{\n{exports}\n}}\n"
    return Signature(wit, _glue(functions))


def _definitions(source: str) -> Iterator[tuple[re.Match[str], int, str]]:
    """Each definition of a function that others see: its head, its line, the comment before it."""
    plain = _IGNORED.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), source)
    depth = begin = line = counted = 0
    for at, sign in enumerate(plain):
        if sign == "{":
            head = plain[begin:at] if depth == 0 else ""
            found = _FUNCTION.fullmatch(head.strip())
            if found is not None and not _is_helper(found["result"].split()):
                first = begin + len(head) - len(head.lstrip())
                line, counted = line + source.count("\n", counted, first), first
                if found["name"] != "main":
                    yield found, line + 1, _docs(source[begin:first])
            depth += 1
        elif sign == "}":
            depth = max(0, depth - 1)
            begin = at + 1 if depth == 0 else begin
        elif sign == ";" and depth == 0:
            begin = at + 1


def _is_helper(words: list[str]) -> bool:
    """Whether a function of which this is said is for its own file only."""
    return "static" in words or ("inline" in words and "extern" not in words)


def _typed(found: re.Match[str], line: int, docs: str, file: str) -> _Function:
    name = found["name"]

    def refuse(reason: str) -> SignatureRefused:
        return SignatureRefused(file, line, 1, f"{name}: {reason}", _HINT)

    result = _spelled(found["result"])
    if result != "void" and result not in _TYPES:
        raise refuse(f"its result, {result}, has no type of WIT by itself")
    params: list[tuple[str, str]] = []
    given = found["params"].strip()
    for part in [] if given in {"", "void"} else given.split(","):
        parameter = _PARAMETER.fullmatch(part.strip())
        type_ = _spelled(parameter["type"]) if parameter is not None else ""
        if parameter is None or type_ not in _TYPES:
            raise refuse(f"its parameter {' '.join(part.split())} has no type of WIT by itself")
        params.append((parameter["name"], type_))
    for each in (name, *(label for label, _ in params)):
        if kebab(each) is None:
            raise refuse(f"the name {each} cannot stand in WIT")
    if len({kebab(label) for label, _ in params}) < len(params):
        raise refuse("two parameters differ only by case or underscores")
    return _Function(name, tuple(params), result, docs)


def _spelled(type_: str) -> str:
    """A type with one space between its words, without what does not change it."""
    words = [w for w in re.findall(r"\w+|\*", type_) if w not in {"extern", "inline", "register", "volatile"}]
    if "*" not in words:
        words = [word for word in words if word != "const"]
    elif words[-1] == "const":
        words.pop()
    return " ".join(words)


def _docs(before: str) -> str:
    """The text of the comment that ends ``before``, ``""`` where none does."""
    before = before.rstrip()
    opening = before.find("/*", max(before.rfind("*/", 0, len(before) - 2), 0))
    if before.endswith("*/") and opening >= 0:
        lines = before[opening + 2 : -2].lstrip("*").split("\n")
    else:
        lines = before.split("\n")
        first = next(
            (at for at in reversed(range(len(lines))) if not lines[at].lstrip().startswith("//")), -1
        )
        lines = lines[first + 1 :]
    lines = [re.sub(r"^\s*(?:\*|//+!?<?)?\s?", "", line).rstrip() for line in lines]
    return "\n".join(lines).strip()


def _export(function: _Function) -> str:
    params = ", ".join(f"{written(str(kebab(label)))}: {_TYPES[type_]}" for label, type_ in function.params)
    result = "" if function.result == "void" else f" -> {_TYPES[function.result]}"
    docs = "".join(f"    /// {line}".rstrip() + "\n" for line in function.docs.split("\n") if function.docs)
    return f"{docs}    export {written(str(kebab(function.name)))}: func({params}){result};"


def _glue(functions: list[_Function]) -> str:
    """The functions that the bindings of the world declare, each of which calls one of the source."""
    parts = [f'#include "{snake(WORLD)}.h"\n#include <stdlib.h>\n#include <string.h>\n', _TEXT]
    for each in functions:
        name = f"{snake(WORLD)}_{snake(str(kebab(each.name)))}"
        declared = ", ".join(type_ for _, type_ in each.params) or "void"
        given = ", ".join(_argument(label, type_) for label, type_ in each.params)
        handed = [f"const {name}_args_t *args"] if each.params else []
        call = f"{each.name}({given})"
        if each.result != "void":
            text = _TYPES[each.result] == "string"
            type_ = "wit_string_t" if text else PRIMITIVES[_TYPES[each.result]][0]
            handed.append(f"{type_} *result")
            call = f"*result = wit_text_of({call})" if text else f"*result = {call}"
        parts.append(f"{each.result} {each.name}({declared});")
        parts.append(f"void {name}({', '.join(handed) or 'void'}) {{ {call}; }}\n")
    return "\n".join(parts)


def _argument(label: str, type_: str) -> str:
    value = f"args->{snake(str(kebab(label)))}"
    return f"wit_c_text({value})" if _TYPES[type_] == "string" else value


_TEXT = """__attribute__((unused)) static char *wit_c_text(wit_string_t text) {
    char *made = wit_alloc(text.len + 1, 1);
    memcpy(made, text.ptr, text.len);
    made[text.len] = 0;
    return made;
}

__attribute__((unused)) static wit_string_t wit_text_of(const char *text) {
    return (wit_string_t){(const uint8_t *)(text ? text : ""), text ? strlen(text) : 0};
}
"""
