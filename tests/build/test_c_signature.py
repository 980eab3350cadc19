from __future__ import annotations

import pytest

from mcp_wasm.build import c_signature
from mcp_wasm.errors import SignatureRefused

SOURCE = r"""#include <string.h>
#define BRACE(a) { a
/* Not about what follows. */

/** Count the words of a text.
 *
 * - `text`: what is counted
 */
int count_words(const char *text) { return text[0] == '{' ? 1 : 0; /* } */ }
static void swap(int *a, int *b) { int t = *a; *a = *b; *b = t; }
static inline int half(int n) { return n / 2; }
struct point { int x; };
static const char *names[] = {"}", "{"};
// Twice.
// And more.
long long twice(unsigned long n)
{
    return 2 * n;
}
int later(int);
char *hello(void) { return "hi\" {"; }
bool flip(bool yes, double maxSize, uint8_t type) { return !yes; }
void nothing() {}
int main(void) { return 0; }
"""
WIT = """package local:exported;

world exported {
    /// Count the words of a text.
    ///
    /// - `text`: what is counted
    export count-words: func(text: string) -> s32;
    /// Twice.
    /// And more.
    export twice: func(n: u32) -> s64;
    export hello: func() -> string;
    export flip: func(yes: bool, max-size: f64, %type: u8) -> bool;
    export nothing: func();
}
"""


def test_functions_that_others_see_are_typed_with_their_comments_as_docs() -> None:
    assert c_signature.read(SOURCE, "code.c").wit == WIT


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("int f(int a[3]) { return 1; }", 1, "f: its parameter int a[3]"),
        ("\n\nint f(int *p) { return 1; }", 3, "its parameter int *p"),
        ("int f(int (*g)(int)) { return 1; }", 1, "its parameter int (*g)(int)"),
        ("// x\nvoid *f(void) { return 0; }", 2, "its result, void *"),
        ("struct p { int x; };\nstruct p f(void) {}", 2, "its result, struct p"),
        ("int f(char c) { return c; }", 1, "its parameter char c"),
        ("int f(int) { return 1; }", 1, "its parameter int"),
        ("int f(const char **all) { return 1; }", 1, "const char **all"),
        ("int f(int a, ...) { return 1; }", 1, "its parameter ..."),
        ("int f(int _) { return 1; }", 1, "the name _ cannot stand in WIT"),
        ("int f(int ab, int aB, int a_b) { return 1; }", 1, "differ only by case"),
        ("int f_g(void) { return 1; }\nint fG(void) { return 1; }", 1, "two functions are both f-g"),
        (
            "static int f(void) { return 1; }\nint main(void) {}",
            1,
            "defines no function that could be called",
        ),
        ("int f(void);", 1, "defines no function"),
        ("", 1, "defines no function"),
        ("}}}{{{", 1, "defines no function"),
    ],
)
def test_what_c_does_not_say_enough_of_is_refused_with_its_line(source: str, line: int, words: str) -> None:
    with pytest.raises(SignatureRefused) as refused:
        c_signature.read(source, "code.c")
    assert (refused.value.file, refused.value.line) == ("code.c", line)
    assert words in refused.value.reason
