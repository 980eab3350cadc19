"""Made tools from creation to removal: how they are typed, marked, replaced, kept, restored and forgotten."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_wasm.build import confine
from mcp_wasm.code.made_contract import PERSON, Example
from mcp_wasm.errors import CallerError, SignatureRefused, UnknownTool
from mcp_wasm.runtime import Runtime
from tests.code.made_tools import PYTHON, TYPESCRIPT, numbered, wanted

WORLD = """package a:words;
world words {
    /// Counts.
    ///
    /// - `text`: What is counted.
    export word-count: func(text: string) -> result<u32, string>;
}
"""


def create(runtime: Runtime, number: int = 0, name: str = "words", client: str = "one") -> str:
    return runtime.made.create(wanted(name, numbered(number)), by="a model", client=client).digest


def listed(runtime: Runtime) -> list[tuple[str, int, bool]]:
    return [(made.name, made.version, made.kept) for made in runtime.made.list("any")]


def test_typescript_becomes_a_typed_tool_with_its_docs_and_a_mark(made_runtime: Runtime) -> None:
    made = made_runtime.made.create(wanted("Words"), by="claude", client="one")
    assert (made.name, made.version, made.kept, made.compiled) == ("words", 1, False, "runner")
    assert made.tools == ("words_word_count",)
    tool = made_runtime.tool("words_word_count")
    day = made.created_at[:10]
    said = f"Made by a model (claude, {day}); no person installed it. Counts the words of a text."
    assert tool.description == said
    assert tool.input_schema["required"] == ["text"]
    assert tool.input_schema["properties"]["text"]["type"] == "string"
    assert tool.read_only
    assert not tool.open_world
    assert "export word-count: func(text: string, least: option<f64>)" in made.wit


def test_python_becomes_a_typed_tool_and_is_named_as_its_component(made_runtime: Runtime) -> None:
    made = made_runtime.made.create(wanted("my words!", PYTHON, language="python"), by="x", client="one")
    assert (made.name, made.tools) == ("my_words", ("my_words_word_count",))
    schema = made_runtime.tool("my_words_word_count").input_schema
    assert schema["properties"]["least"]["anyOf"][0]["type"] == "integer"


def test_a_given_world_types_code_without_types(made_runtime: Runtime) -> None:
    code = "function wordCount(text) { return text.split(' ').length; }"
    made = made_runtime.made.create(
        wanted("words", code, language="javascript", world=WORLD, description="For prose."),
        by="x",
        client="one",
    )
    tool = made_runtime.tool(made.tools[0])
    assert tool.input_schema["properties"]["text"]["description"] == "What is counted."
    assert tool.description.endswith("For prose.\n\nCounts.")
    assert made_runtime.component("words").script is not None


@pytest.mark.parametrize(
    ("code", "world", "reason"),
    [
        ("const other = 1;", WORLD, "no function `wordCount`"),
        ("const wordCount = 1;", "package a:b;", "no world"),
        ("const wordCount = 1;", "package a:b; world w { export f: func(; }", "expected"),
        ("const wordCount = 1;", WORLD + "world other { export f: func(); }", "world"),
        (
            "const wordCount = 1;",
            "package a:b; interface i { f: func(); } world w { import i; export word-count: func(); }",
            "imports a:b/i",
        ),
    ],
)
def test_a_world_that_does_not_fit_is_refused(
    made_runtime: Runtime, code: str, world: str, reason: str
) -> None:
    with pytest.raises(CallerError, match=reason):
        made_runtime.made.create(
            wanted("words", code, language="javascript", world=world), by="x", client="one"
        )
    assert listed(made_runtime) == []


def test_what_cannot_be_typed_is_refused_with_its_line(made_runtime: Runtime) -> None:
    with pytest.raises(SignatureRefused) as caught:
        made_runtime.made.create(
            wanted("words", "\ndef count(text) -> int:\n    return 1\n", language="python"),
            by="x",
            client="one",
        )
    assert caught.value.line == 2
    assert listed(made_runtime) == []


ADD = '(func (export "add-two") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)'
LIFT = """(core instance $i (instantiate $m)) (func (export "add-two") (param "a" s32) (param "b" s32)
    (result s32) (canon lift (core func $i "add-two")))"""


@pytest.mark.parametrize(
    ("code", "world"),
    [
        (f"(component (core module $m {ADD}) {LIFT})", ""),
        (f"(module {ADD})", "package a:b; world w { export add-two: func(a: s32, b: s32) -> s32; }"),
    ],
)
def test_webassembly_text_is_compiled_before_it_is_published(home: Path, code: str, world: str) -> None:
    if confine.where_possible() is None:
        pytest.skip("no confinement on this machine")
    test = Example("add-two", {"a": 1, "b": 2}, 3)
    with Runtime(home=home) as runtime:
        made = runtime.made.create(wanted("sum", code, test, language="wat", world=world), by="x", client="a")
        assert (made.tools, made.compiled) == (("sum_add_two",), "component")
        runtime.made.create(wanted("sum", code + ";;", test, language="wat", world=world), by="x", client="a")
        kept = runtime.made.keep("sum", by="anna")
    with Runtime(home=home) as runtime:
        runtime.made.load()
        assert runtime.call_sync("sum_add_two", {"a": 4, "b": 5}).value == 9
        assert runtime.made.show("sum").digest == kept.digest


def test_a_core_module_without_a_world_is_refused(made_runtime: Runtime) -> None:
    with pytest.raises(CallerError, match="give a world"):
        made_runtime.made.create(wanted("sum", f"(module {ADD})", language="wat"), by="x", client="a")


def test_code_that_names_tools_wishes_for_them_and_no_other_does(made_runtime: Runtime) -> None:
    code = 'import { textDiff } from "tools";\n' + TYPESCRIPT
    asking = made_runtime.made.create(wanted("asking", code), by="x", client="one")
    made_runtime.made.create(wanted("quiet", TYPESCRIPT + "// tools"), by="x", client="one")
    assert made_runtime.component("asking").wishes == {"mcp-wasm:tools/call"}
    assert made_runtime.component("quiet").wishes == frozenset()
    assert made_runtime.tool(asking.tools[0]).open_world


@pytest.mark.parametrize(
    ("code", "asks"),
    [
        ("import tools\n", True),
        ("from tools import text_diff\n", True),
        ("import importlib; importlib.import_module('tools')\n", True),
        ("from .tools import x\n", False),
        ("# import tools\n", False),
    ],
)
def test_python_that_imports_tools_is_seen(made_runtime: Runtime, code: str, asks: bool) -> None:
    made_runtime.made.create(wanted("words", code + PYTHON, language="python"), by="x", client="one")
    assert bool(made_runtime.component("words").wishes) is asks


def test_creating_again_makes_a_new_version_and_listeners_hear_of_it(made_runtime: Runtime) -> None:
    heard: list[None] = []
    made_runtime.subscribe(lambda: heard.append(None))
    first, second = create(made_runtime, 1), create(made_runtime, 2)
    assert first != second
    assert len(heard) == 2
    shown = made_runtime.made.show("words", client="one")
    assert shown.source == numbered(2)
    assert [(each.version, each.digest) for each in shown.versions] == [(1, first), (2, second)]
    assert made_runtime.component("words").digest == second


def test_a_call_that_holds_the_old_version_goes_on_with_it(made_runtime: Runtime) -> None:
    first = create(made_runtime, 1)
    held = made_runtime.component("words")
    create(made_runtime, 2)
    assert (held.digest, held.script and held.script.code) == (first, numbered(1))


def test_the_oldest_versions_are_forgotten(made_runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_wasm.code.made_store.HISTORY", 3)
    for number in range(5):
        create(made_runtime, number)
    assert [each.version for each in made_runtime.made.show("words").versions] == [3, 4, 5]


def test_an_earlier_version_can_be_restored_as_the_newest(made_runtime: Runtime) -> None:
    first = create(made_runtime, 1)
    create(made_runtime, 2)
    restored = made_runtime.made.restore("words", 1, by="a model", client="one")
    assert (restored.version, restored.digest, restored.kept) == (3, first, False)
    with pytest.raises(CallerError, match="no version 9; there are: 1, 2, 3"):
        made_runtime.made.restore("words", 9, by="a model", client="one")


def test_a_kept_tool_is_there_after_a_restart_and_another_is_not(home: Path) -> None:
    with Runtime(home=home) as runtime:
        runtime.made.load()
        create(runtime, 1)
        create(runtime, 2, "gone")
        kept = runtime.made.keep("words", by="anna")
        assert kept.kept
        before = runtime.tool("words_word_count")
        assert "; kept by anna. Counts" in before.description
    with Runtime(home=home) as runtime:
        runtime.made.load()
        assert listed(runtime) == [("words", 1, True)]
        assert runtime.tool("words_word_count") == before
        assert runtime.made.show("words").source == numbered(1)
        with pytest.raises(UnknownTool):
            runtime.tool("gone_word_count")
    assert [path.name for path in (home / "made" / ".sessions").iterdir()] == []


def test_what_a_client_made_ends_with_it_unless_it_was_kept(made_runtime: Runtime) -> None:
    create(made_runtime, 1, "mine")
    create(made_runtime, 2, "kept")
    create(made_runtime, 3, "others", client="two")
    made_runtime.made.keep("kept", by="anna")
    made_runtime.made.end("one")
    assert listed(made_runtime) == [("kept", 1, True), ("others", 1, False)]
    assert [component.name for component in made_runtime.components] == ["kept", "others"]


def test_a_replacement_of_a_kept_tool_is_for_the_session_until_it_is_kept_too(made_runtime: Runtime) -> None:
    first = create(made_runtime, 1)
    made_runtime.made.keep("words", by="anna")
    second = create(made_runtime, 2)
    assert listed(made_runtime) == [("words", 2, False)]
    made_runtime.made.end("one")
    assert listed(made_runtime) == [("words", 1, True)]
    assert made_runtime.component("words").digest == first
    assert create(made_runtime, 2) == second
    kept = made_runtime.made.keep("words", by="anna")
    assert (kept.version, kept.digest, kept.kept) == (2, second, True)
    assert [each.digest for each in kept.versions] == [first, second]


def test_a_person_restores_a_kept_tool_for_good(made_runtime: Runtime) -> None:
    first = create(made_runtime, 1)
    made_runtime.made.keep("words", by="anna")
    create(made_runtime, 2)
    made_runtime.made.keep("words", by="anna")
    restored = made_runtime.made.restore("words", 1, by="anna")
    assert (restored.version, restored.digest, restored.kept) == (3, first, True)


def test_keeping_twice_changes_nothing(made_runtime: Runtime) -> None:
    create(made_runtime)
    kept = made_runtime.made.keep("words", by="anna")
    assert made_runtime.made.keep("words", by="bert") == kept


def test_a_model_removes_what_it_made_and_a_person_what_was_kept(made_runtime: Runtime) -> None:
    create(made_runtime, 1)
    made_runtime.made.remove("words", by="a model", client="one")
    assert listed(made_runtime) == []
    create(made_runtime, 2)
    made_runtime.made.keep("words", by="anna")
    with pytest.raises(CallerError, match="kept by a person"):
        made_runtime.made.remove("words", by="a model", client="one")
    assert made_runtime.made.remove("words", by="anna").version == 1
    assert (listed(made_runtime), made_runtime.tools) == ([], ())
    with pytest.raises(CallerError, match="no made tool named 'words'"):
        made_runtime.made.show("words")


def test_what_a_person_makes_is_not_marked_as_a_models(made_runtime: Runtime) -> None:
    made = made_runtime.made.create(wanted(), by="anna", client=PERSON)
    assert made_runtime.tool(made.tools[0]).description.startswith("Made of typescript code by anna, ")


def test_tests_for_a_function_that_is_not_there_are_refused(made_runtime: Runtime) -> None:
    with pytest.raises(CallerError, match=r"the function 'other'. There are: wordCount"):
        made_runtime.made.create(wanted("words", TYPESCRIPT, Example("other", {}, 1)), by="x", client="one")
