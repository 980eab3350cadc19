from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import wasmtime
from wasmtime import component as raw

from mcp_wasm.build import c, c_signature, c_tool
from mcp_wasm.build.languages import compile_component
from mcp_wasm.build.toolchain import Source
from mcp_wasm.errors import BuildFailed
from mcp_wasm.runtime import Runtime

Call = Callable[..., Any]

WIT = """package t:texts;
world texts {
    record summary { words: u32, longest: string, mean: option<f64> }
    variant want { everything, first(u32), matching(string) }
    enum order { given, sorted }
    summarize: func(text: string) -> result<summary, string>;
    pick: func(words: list<string>, want: want, order: order) -> list<string>;
    pages: func() -> u32;
    print: func(text: string);
}
"""
WORLD = "\n".join(f"export {line.strip()}" if ": func" in line else line for line in WIT.split("\n"))
SOURCE = r"""#include "texts.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static wit_string_t kept(const char *text) {
    wit_text_t made = {0};
    wit_text_c(&made, text);
    return wit_text_string(&made);
}

void texts_summarize(const texts_summarize_args_t *args, texts_result_summary_string_t *result) {
    char *copy = strndup((const char *)args->text.ptr, args->text.len), *longest = "", *rest = copy;
    unsigned words = 0, letters = 0;
    for (char *word; (word = strsep(&rest, " "));) {
        if (!*word) continue;
        words++, letters += strlen(word);
        if (strlen(word) > strlen(longest)) longest = word;
    }
    *result = (texts_result_summary_string_t){.is_err = !args->text.len};
    if (result->is_err) {
        result->val.err = kept("there is no text");
    } else {
        texts_option_double_t mean = {words > 0, words ? (double)letters / words : 0};
        result->val.ok = (texts_summary_t){words, kept(longest), mean};
    }
    free(copy);
}

static int compare(const void *a, const void *b) {
    const wit_string_t *left = a, *right = b;
    size_t len = left->len < right->len ? left->len : right->len;
    int order = len ? memcmp(left->ptr, right->ptr, len) : 0;
    return order ? order : (int)left->len - (int)right->len;
}

void texts_pick(const texts_pick_args_t *args, texts_list_string_t *result) {
    result->ptr = wit_alloc(args->words.len * sizeof *result->ptr, 4), result->len = 0;
    for (size_t n = 0; n < args->words.len; n++) {
        if (args->want.tag == TEXTS_WANT_FIRST && n == args->want.val.first) break;
        wit_string_t word = args->words.ptr[n];
        if (args->want.tag == TEXTS_WANT_MATCHING &&
            !memmem(word.ptr, word.len, args->want.val.matching.ptr, args->want.val.matching.len)) continue;
        result->ptr[result->len++] = word;
    }
    if (args->order == TEXTS_ORDER_SORTED) qsort(result->ptr, result->len, sizeof *result->ptr, compare);
}

void texts_pages(uint32_t *result) { *result = (uint32_t)__builtin_wasm_memory_size(0); }

void texts_print(const texts_print_args_t *args) {
    printf("%.*s", (int)args->text.len, (const char *)args->text.ptr);
}
"""


def built(folder: Path, runtime: Runtime, source: str, wit: str, world: str, **others: str) -> bytes:
    folder.mkdir()
    for name, text in ({"code.c": source} | {f"{name}.c": text for name, text in others.items()}).items():
        (folder / name).write_text(text, encoding="utf-8")
    made = Source(world, folder, "code.c", wit, world, ("libc",))
    return compile_component("c", made, cache=runtime.runners.folder)


@pytest.fixture(scope="module")
def texts(c_runtime: Runtime, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return built(tmp_path_factory.mktemp("texts") / "source", c_runtime, SOURCE, WORLD, "texts")


@pytest.fixture(scope="module")
def call(c_runtime: Runtime, texts: bytes, tmp_path_factory: pytest.TempPathFactory) -> Call:
    path = tmp_path_factory.mktemp("texts") / "texts.wasm"
    path.write_bytes(texts)
    c_runtime.add(path)

    def made(name: str, **arguments: Any) -> Any:
        return c_runtime.call_sync(f"texts_{name}", arguments)

    return made


@pytest.mark.toolchain
@pytest.mark.timeout(300)
def test_records_variants_options_and_results_come_and_go_with_the_c_library_at_hand(call: Call) -> None:
    assert call("summarize", text="the quick ünicorn").value == {
        "words": 3,
        "longest": "ünicorn",
        "mean": 16 / 3,
    }
    assert call("summarize", text="  ").value == {"words": 0, "longest": "", "mean": None}
    failed = call("summarize", text="")
    assert (failed.failed, failed.value) == (True, "there is no text")
    words = ["pear", "fig", "apple", ""]
    assert call("pick", words=words, want={"tag": "everything"}, order="sorted").value == sorted(words)
    assert call("pick", words=words, want={"tag": "first", "val": 2}, order="given").value == ["pear", "fig"]
    matching = {"tag": "matching", "val": "p"}
    assert call("pick", words=words, want=matching, order="sorted").value == ["apple", "pear"]
    assert call("pick", words=[], want={"tag": "everything"}, order="sorted").value == []


@pytest.mark.toolchain
@pytest.mark.timeout(300)
def test_what_a_tool_prints_without_the_end_of_a_line_is_there_when_it_returns(call: Call) -> None:
    assert call("print", text="no end").report.stdout.text == "no end"


@pytest.mark.toolchain
@pytest.mark.timeout(300)
def test_many_calls_of_one_instance_take_no_more_memory_than_one(texts: bytes) -> None:
    with wasmtime.Engine() as engine, wasmtime.Store(engine) as store, raw.Linker(engine) as linker:
        store.set_wasi(wasmtime.WasiConfig())
        linker.add_wasip2()
        made = raw.Component(engine, texts)
        instance = linker.instantiate(store, made)

        def ask(name: str, *given: Any) -> Any:
            function = instance.get_func(store, name)
            assert function is not None
            answer = function(store, *given)
            function.post_return(store)
            return answer

        ask("summarize", "word " * 4_000)
        before = ask("pages")
        for _ in range(60):
            ask("summarize", "word " * 4_000)
        assert ask("pages") == before


SIMPLE = """#include <math.h>
#include <string.h>
#include <stdlib.h>
/** The text, shouted. */
char *shout(const char *text) {
    char *made = strdup(text);
    for (char *p = made; *p; p++) if (*p >= 'a' && *p <= 'z') *p -= 32;
    return made;
}
double power(double base, int exponent) { return pow(base, exponent); }
long long big(uint32_t n, bool negative) { return negative ? -(long long)n * 1000000007 : n; }
long add(long left, unsigned char right) { return left + right; }
void nothing(void) {}
"""


@pytest.mark.toolchain
@pytest.mark.timeout(300)
def test_functions_of_plain_types_need_no_world(c_runtime: Runtime, tmp_path: Path) -> None:
    source = SIMPLE.replace(
        "#include <math.h>", "#include <math.h>\n#include <stdbool.h>\n#include <stdint.h>"
    )
    found = c_signature.read(source, "code.c")
    glue = {c_signature.GLUE.removesuffix(".c"): found.glue}
    path = tmp_path / "simple.wasm"
    path.write_bytes(built(tmp_path / "source", c_runtime, source, found.wit, c_signature.WORLD, **glue))
    shout = next(tool for tool in c_runtime.add(path).tools if tool.name == "simple_shout")
    assert "The text, shouted." in shout.description
    cases: list[tuple[str, dict[str, Any], Any]] = [
        ("shout", {"text": "häuser"}, "HäUSER"),
        ("power", {"base": 2, "exponent": -2}, 0.25),
        ("big", {"n": 2**32 - 1, "negative": True}, "-4294967325064771065"),
        ("add", {"left": -5, "right": 255}, 250),
        ("nothing", {}, None),
    ]
    for name, given, value in cases:
        assert c_runtime.call_sync(f"simple_{name}", given).value == value
    assert not c_runtime.component("simple").needs


@pytest.mark.toolchain
@pytest.mark.timeout(300)
def test_mistakes_in_a_tool_are_told_with_their_place(c_runtime: Runtime, tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="unknown type name 'nosuch_t'") as caught:
        built(tmp_path / "a", c_runtime, SOURCE + "nosuch_t x;", WORLD, "texts")
    assert [(m.file, m.line) for m in caught.value.messages] == [("code.c", SOURCE.count("\n") + 1)]
    with pytest.raises(BuildFailed, match="undefined symbol: texts_pages"):
        built(
            tmp_path / "b", c_runtime, SOURCE.replace("void texts_pages", "void texts_page"), WORLD, "texts"
        )


def test_a_header_says_what_is_to_be_written() -> None:
    header = c.header(WORLD, "texts")
    assert '#include "texts.h"' in header
    assert "void texts_pick(const texts_pick_args_t *args, texts_list_string_t *result);" in header
    assert "typedef struct { const uint8_t *ptr; size_t len; } wit_string_t;" in header
    with pytest.raises(BuildFailed, match="no world 'other'"):
        c.header(WORLD, "other")


@pytest.mark.parametrize(
    ("text", "packages", "wanted"),
    [
        ('#include "wit.h"\n#include <stdint.h>', (), False),
        ("#include <stdint.h>", ("libc",), True),
        ("  #  include   <string.h>", (), True),
        ("// #include is written so: <string.h>", (), False),
    ],
)
def test_a_library_is_given_to_those_who_include_its_headers(
    tmp_path: Path, text: str, packages: tuple[str, ...], wanted: bool
) -> None:
    (tmp_path / "code.c").write_text(text, encoding="utf-8")
    assert c_tool.wants_library(c_tool.headers_of(tmp_path), packages) is wanted
