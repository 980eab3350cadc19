"""A tool as JavaScript and TypeScript code sees it: the text of a ``.d.ts``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from mcp_wasm.code.stub_types import Of, Types, line, quoted, returned
from mcp_wasm.component.types import Field, Option
from mcp_wasm.registry.tool import Tool

_NOTES = {
    "bytes": "type Base64 = string; // bytes, in base64",
    "integer": "// Integers past 2^53 come back as decimal strings.",
    "float": '// NaN and infinities are the strings "NaN", "Infinity", "-Infinity".',
    "pairs": "// Where an Array<[string, ...]> is given, an object or a Map will do too.",
}
_ERROR = (
    "export class ToolError extends Error {\n"
    "  tool: string;\n"
    '  kind: "unknown" | "denied" | "invalid" | "failed" | "limit" | "trapped" | "unavailable";\n'
    "  data: unknown; // the tool's own error where it failed\n"
    "}"
)
_KEYWORDS = (
    "arguments await break case catch class const continue debugger default delete do else enum eval export"
    " extends false finally for function if implements import in instanceof interface let new null package"
    " private protected public return static super switch this throw true try typeof var void while with"
    " yield"
)
_IDENTIFIER = re.compile("[A-Za-z_$][A-Za-z0-9_$]*")


def name(tool: str) -> str:
    """What code calls the tool of that name: ``text_diff`` is ``textDiff``."""
    return parameter(tool)


def parameter(name_: str) -> str:
    """What code calls a parameter: ``from-base`` is ``fromBase``."""
    first, *rest = re.split("[^A-Za-z0-9]+", name_)
    plain = first + "".join(word[:1].upper() + word[1:] for word in rest)
    return f"{plain}_" if plain in _KEYWORDS.split() else plain


def function(tool: Tool, of: Of, docs: int) -> str:
    """The signature of a tool with its docs, of at most ``docs`` characters in front of the parameters'."""
    params, parameters = tool.function.params, []
    for at, param in enumerate(params):
        # What may be left out can only stand where nothing else follows.
        may = isinstance(param.type, Option) and all(isinstance(p.type, Option) for p in params[at:])
        text = of(param.type, tool.component).removesuffix(" | null" if may else "\0")
        parameters.append(f"{parameter(param.name)}{'?' if may else ''}: {text}")
    result = returned(tool.function)
    gives = "null" if result is None else of(result, tool.component)
    head = f"export function {name(tool.name)}({', '.join(parameters)}): {gives};"
    said = [f"@param {parameter(param.name)} {line(param.docs)}" for param in params if param.docs]
    text = line(tool.description, docs)
    if not text and not said:
        return head
    return f"/** {_plain(chr(10).join([text, *said])).replace(chr(10), f'{chr(10)} * ')} */\n{head}"


def header(notes: Collection[str], body: str) -> str:  # noqa: ARG001 - as in ``stub_python``
    """What stands before the functions in ``body``."""
    notes = [text for sort, text in _NOTES.items() if sort in notes]
    return "\n".join(
        [
            '// import {NAME} from "tools". Arguments by place, or all in one object by name.',
            "// Results are there at once; where a tool gives none, ToolError is thrown.",
            *notes,
            _ERROR,
        ]
    )


def comment(text: str) -> str:
    """A line that is no code."""
    return f"// {text}"


class TypeScriptTypes(Types):
    """Types as TypeScript's: objects are interfaces, small ones inline."""

    def record(self, name: str, fields: list[tuple[Field, str, bool]]) -> str:
        """``interface N { … }``."""
        shown = [(f, f"{_key(f.name)}{'?' if optional else ''}: {text}") for f, text, optional in fields]
        if not any(f.docs for f, _ in shown):
            return f"interface {name} {{ {'; '.join(text for _, text in shown)} }}"
        rows = "".join(f"\n  {text};{_beside(f.docs)}" for f, text in shown)
        return f"interface {name} {{{rows}\n}}"

    def alias(self, name: str, text: str) -> str:
        """``type N = …``."""
        return f"type {name} = {text};"

    def one_of_several(self, name: str, fields: list[tuple[str, str]], docs: str) -> str:  # noqa: ARG002 - needs no name
        """An object, inline."""
        told = f" /* {_plain(line(docs))} */" if docs else ""
        return f"{{ {'; '.join(f'{key}: {text}' for key, text in fields)} }}{told}"

    def primitive(self, name: str) -> str:
        """``number`` for every number; a ``char`` is a ``string``."""
        if name in {"string", "char"}:
            return "string"
        return {"bool": "boolean", "null": "null"}.get(name, "number")

    def literals(self, values: Iterable[str]) -> str:
        """``"a" | "b"``."""
        return " | ".join(map(quoted, values))

    def array(self, element: str) -> str:
        """``T[]``, or ``Array<…>`` where that would need parentheses."""
        return f"{element}[]" if _IDENTIFIER.fullmatch(element.replace("[]", "")) else f"Array<{element}>"

    def fixed(self, elements: Iterable[str]) -> str:
        """``[A, B]``."""
        return f"[{', '.join(elements)}]"

    def optional(self, text: str) -> str:
        """``… | null``."""
        return f"{text} | null"


def _key(name: str) -> str:
    return name if _IDENTIFIER.fullmatch(name) else quoted(name)


def _beside(docs: str) -> str:
    return f" // {line(docs)}" if docs else ""


def _plain(text: str) -> str:
    """``text`` as it can stand in a comment."""
    return text.replace("*/", "* /")
