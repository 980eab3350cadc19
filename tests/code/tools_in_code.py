"""Runtimes in which code calls tools, and the same steps in two languages."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_wasm.audit.sink import AuditOptions
from mcp_wasm.build.bundled import SHIPPED
from mcp_wasm.capability.grant import Tools
from mcp_wasm.capability.policy import Entry, Policy
from mcp_wasm.code import stub_python, stub_typescript
from mcp_wasm.code.contract import CODE, Language, Ran, Run
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox.limits import Limits

ALL = Tools(("*",))
PROGRAMS = Path(__file__).parents[1] / "programs"

Make = Callable[..., Runtime]


def maker(home: Path, at_end: Callable[[Callable[[], None]], None]) -> Make:
    """``make(*programs, **grants)``: a runtime with these guests, in a home with compiled runners.

    A name that is no guest of the tests is a tool that is shipped; ``code`` among
    the grants is code.
    """

    def made(
        *names: str,
        limits: Limits | None = None,
        own: Mapping[str, Limits] | None = None,
        audit: AuditOptions | None = None,
        **grants: tuple[Any, ...],
    ) -> Runtime:
        entries = {name: Entry(name, trust="name", grants=given) for name, given in grants.items()}
        runtime = Runtime(home=home, limits=limits, component_limits=own, audit=audit, policy=Policy(entries))
        at_end(runtime.close)
        for name in names:
            guest = PROGRAMS / f"{name}.wat"
            runtime.add(guest if guest.is_file() else SHIPPED / f"{name}.wasm")
        return runtime

    return made


@dataclass(frozen=True)
class Speech:
    """How some steps are written in a language; each text has the names of its parts in braces."""

    language: Language
    name: Callable[[str], str]
    parameter: Callable[[str], str]
    imported: str
    called: str
    caught: str
    loop: str

    def literal(self, value: Any) -> str:
        """A JSON value in the language."""
        return repr(value) if self.language == "python" else json.dumps(value)

    def call(self, tool: str, *values: Any) -> str:
        """A call with arguments by place."""
        return self.called.format(name=self.name(tool), arguments=", ".join(map(self.literal, values)))

    def call_by_name(self, tool: str, given: Mapping[str, Any]) -> str:
        """A call with arguments by name."""
        if self.language == "python":
            each = [f"{self.parameter(key)}={value!r}" for key, value in given.items()]
            arguments = ", ".join(each)
        else:
            arguments = json.dumps({self.parameter(key): value for key, value in given.items()})
        return self.called.format(name=self.name(tool), arguments=arguments)

    def run(self, runtime: Runtime, code: str, **more: Any) -> Ran:
        """Run ``code`` after the import of all tools."""
        return runtime.run_code_sync(Run(self.language, f"{self.imported}\n{code}", **more))

    def value(self, runtime: Runtime, code: str, **more: Any) -> Any:
        """Its value; a failure is a failed test."""
        ran = self.run(runtime, code, **more)
        assert ran.failure is None, ran.failure
        return ran.value

    def failing(self, runtime: Runtime, call: str, **more: Any) -> dict[str, Any]:
        """What the error of ``call`` says of itself, as the code that catches it sees it."""
        found = self.value(runtime, self.caught.format(call=call), **more)
        assert isinstance(found, dict), found
        return found


PYTHON = Speech(
    "python",
    stub_python.name,
    stub_python.parameter,
    "import tools",
    "tools.{name}({arguments})",
    "try:\n    result = {call}\nexcept tools.ToolError as e:\n"
    "    result = dict(tool=e.tool, kind=e.kind, data=e.data, message=str(e))",
    "for n in range({times}):\n    result = {call}",
)
JAVASCRIPT = Speech(
    "javascript",
    stub_typescript.name,
    stub_typescript.parameter,
    'import * as tools from "tools";',
    "tools.{name}({arguments})",
    "let result;\ntry {{ result = {call}; }} catch (e) {{\n  if (!(e instanceof tools.ToolError)) throw e;\n"
    "  result = {{tool: e.tool, kind: e.kind, data: e.data ?? null, message: e.message}};\n}}\nresult",
    "let result;\nfor (let n = 0; n < {times}; n++) result = {call};\nresult",
)


def granted(*names: str) -> dict[str, tuple[Any, ...]]:
    """Grants by which code may call these."""
    return {CODE: (Tools(names),)}
