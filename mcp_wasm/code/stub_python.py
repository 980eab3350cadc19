"""A tool as Python code sees it: the text of a ``.pyi``."""

from __future__ import annotations

import keyword
from collections.abc import Collection, Iterable

from mcp_wasm.code.stub_types import Of, Types, line, quoted, returned
from mcp_wasm.component.types import Field, Option
from mcp_wasm.registry.tool import Tool

_NOTES = {
    "bytes": "Base64 = str  # bytes, in base64",
    "integer": "# Integers past 2**53 come back as decimal strings.",
    "float": '# NaN and infinities are the strings "NaN", "Infinity", "-Infinity".',
    "pairs": "# Where a list[tuple[str, ...]] is given, a dict will do too.",
}
_TYPING = ("Any", "Literal", "NotRequired", "TypedDict")
_ERROR = (
    "class ToolError(Exception):\n"
    "    tool: str\n"
    '    kind: Literal["unknown", "denied", "invalid", "failed", "limit", "trapped", "unavailable"]\n'
    "    data: Any  # the tool's own error where it failed"
)


def name(tool: str) -> str:
    """What code calls the tool of that name."""
    return f"{tool}_" if keyword.iskeyword(tool) else tool


def parameter(name_: str) -> str:
    """What code calls a parameter: ``from-base`` is ``from_base``, ``from`` is ``from_``."""
    plain = "".join(char if char.isalnum() else "_" for char in name_)
    return f"{plain}_" if keyword.iskeyword(plain) else plain


def function(tool: Tool, of: Of, docs: int) -> str:
    """The signature of a tool with its docs, of at most ``docs`` characters in front of the parameters'."""
    params, parameters = tool.function.params, []
    for at, param in enumerate(params):
        # A default can only stand where none without one follows.
        default = all(isinstance(after.type, Option) for after in params[at:])
        parameters.append(
            f"{parameter(param.name)}: {of(param.type, tool.component)}{' = None' if default else ''}"
        )
    result = returned(tool.function)
    gives = "None" if result is None else of(result, tool.component)
    head = f"def {name(tool.name)}({', '.join(parameters)}) -> {gives}:"
    said = [f"{parameter(param.name)}: {line(param.docs)}" for param in params if param.docs]
    text = _plain(line(tool.description, docs))
    if not text and not said:
        return f"{head} ..."
    if not said:
        return f'{head}\n    """{text}"""'
    rest = "".join(f"\n    {_plain(each)}" for each in said)
    return f'{head}\n    """{text}\n{rest}\n    """'


def header(notes: Collection[str], body: str) -> str:
    """What stands before the functions in ``body``."""
    used = [each for each in _TYPING if each in f"{_ERROR}{body}"]
    notes = [text for sort, text in _NOTES.items() if sort in notes]
    return "\n".join(
        [
            "# from tools import NAME. Where a tool gives no result, ToolError is raised.",
            f"from typing import {', '.join(used)}",
            *notes,
            _ERROR,
        ]
    )


def comment(text: str) -> str:
    """A line that is no code."""
    return f"# {text}"


class PythonTypes(Types):
    """Types as Python's: objects are TypedDicts."""

    def record(self, name: str, fields: list[tuple[Field, str, bool]]) -> str:
        """``class N(TypedDict): …``; by a call where a key is no name."""
        shown = [(f, f"NotRequired[{text}]" if optional else text) for f, text, optional in fields]
        docs = any(f.docs for f, _ in shown)
        if all(f.name.isidentifier() and not keyword.iskeyword(f.name) for f, _ in shown):
            lines = [f"{f.name}: {text}" for f, text in shown]
            if not docs:
                return f"class {name}(TypedDict): {'; '.join(lines) or '...'}"
            head, tail, mark = f"class {name}(TypedDict):", "", ""
        else:
            lines = [f"{quoted(f.name)}: {text}" for f, text in shown]
            if not docs:
                return f'{name} = TypedDict("{name}", {{{", ".join(lines)}}})'
            head, tail, mark = f'{name} = TypedDict("{name}", {{', "\n})", ","
        rows = (f"\n    {text}{mark}{_beside(f.docs)}" for text, (f, _) in zip(lines, shown, strict=True))
        return f"{head}{''.join(rows)}{tail}"

    def alias(self, name: str, text: str) -> str:
        """``N = …``."""
        return f"{name} = {text}"

    def one_of_several(self, name: str, fields: list[tuple[str, str]], docs: str) -> str:
        """Its name; it is defined as an object."""
        body = "; ".join(f"{key}: {text}" for key, text in fields)
        self.define(name, f"class {name}(TypedDict): {body}{_beside(docs)}")
        return name

    def primitive(self, name: str) -> str:
        """``int`` for every integer; a ``char`` is a ``str``."""
        if name in {"string", "char"}:
            return "str"
        return {"bool": "bool", "f32": "float", "f64": "float", "null": "None"}.get(name, "int")

    def literals(self, values: Iterable[str]) -> str:
        """``Literal["a", "b"]``."""
        return f"Literal[{', '.join(map(quoted, values))}]"

    def array(self, element: str) -> str:
        """``list[…]``."""
        return f"list[{element}]"

    def fixed(self, elements: Iterable[str]) -> str:
        """``tuple[…]``, though JSON makes lists of them."""
        return f"tuple[{', '.join(elements) or '()'}]"

    def optional(self, text: str) -> str:
        """``… | None``."""
        return f"{text} | None"


def _beside(docs: str) -> str:
    if not docs:
        return ""
    text = line(docs)
    # A comment that begins so is read as a type by type checkers.
    return f"  # ({text})" if text.startswith("type:") else f"  # {text}"


def _plain(text: str) -> str:
    """``text`` as it can stand in a docstring."""
    plain = text.replace("\\", "\\\\").replace('"""', "'''")
    return f'{plain[:-1]}\\"' if plain.endswith('"') else plain
