from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from mcp_wasm.code.contract import ABSENT, Run
from mcp_wasm.runtime import Runtime
from mcp_wasm.sandbox import waits
from tests.code.c_runtime import Call, main

pytestmark = [pytest.mark.toolchain, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Program:
    """A program, its input, and what it prints and gives."""

    code: str
    stdout: str = ""
    given: object = ABSENT
    value: object = ABSENT
    files: dict[str, bytes] = field(default_factory=dict)
    produced: dict[str, bytes] = field(default_factory=dict)


PRIMES = """
bool *composite = calloc(101, 1); int n = 0;
for (int i = 2; i <= 100; i++) {
    if (composite[i]) continue;
    n++;
    for (int j = 2 * i; j <= 100; j += i) composite[j] = true;
}
printf("%d primes\\n", n); free(composite);"""
LIST = """
struct node { int value; struct node *next; } *head = NULL;
for (int i = 0; i < 5; i++) {
    struct node *made = malloc(sizeof *made);
    made->value = i * i; made->next = head; head = made;
}
while (head) { printf("%d ", head->value); struct node *next = head->next; free(head); head = next; }"""
SORT = """#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int by_length(const void *a, const void *b) {
    const char *left = *(const char *const *)a, *right = *(const char *const *)b;
    int difference = (int)strlen(left) - (int)strlen(right);
    return difference ? difference : strcmp(left, right);
}
int main(int argc, char **argv) {
    const char *words[] = {"pear", "fig", "banana", "kiwi", "apple"};
    qsort(words, 5, sizeof *words, by_length);
    for (int i = 0; i < 5; i++) printf("%s%c", words[i], i == 4 ? '\\n' : ',');
    printf("%d %s\\n", argc, argv[0]);
    return 0;
}"""
MATRIX = """
double a[2][2] = {{1, 1}, {1, 0}}, r[2][2] = {{1, 0}, {0, 1}};
for (int n = 0; n < 50; n++) {
    double t[2][2] = {{0}};
    for (int i = 0; i < 2; i++) for (int j = 0; j < 2; j++) for (int k = 0; k < 2; k++)
        t[i][j] += r[i][k] * a[k][j];
    memcpy(r, t, sizeof t);
}
printf("%.0f %.4f\\n", r[0][1], (1 + sqrt(5)) / 2);"""
WORDS = """
char word[64]; int words = 0, letters = 0;
while (scanf("%63s", word) == 1) { words++; letters += (int)strlen(word); }
printf("%d words, %d letters\\n", words, letters);"""
LINES = """
char line[256]; int n = 0;
while (fgets(line, sizeof line, stdin)) { line[strcspn(line, "\\n")] = 0; printf("%d:%s\\n", ++n, line); }"""
COUNT = """
int counts[26] = {0}; const char *text = "Hello, World";
for (const char *p = text; *p; p++) if (isalpha((unsigned char)*p)) counts[tolower(*p) - 'a']++;
for (int i = 0; i < 26; i++) if (counts[i] > 1) printf("%c=%d ", 'a' + i, counts[i]);"""
TOKENS = """
char text[] = "a=1;b=22;c"; for (char *t = strtok(text, ";"); t; t = strtok(NULL, ";")) {
    char *value = strchr(t, '='); printf("%.*s -> %ld\\n", 1, t, value ? strtol(value + 1, NULL, 10) : -1);
}"""
SPLIT = """
char text[] = "  a  b;;c ", *rest = text, *word; int fields = 0;
printf("%zu %zu %s", strspn(text, " "), strcspn(text, ";"), strpbrk(text, ";"));
printf("%s|%d|", strchr(text, 'b'), strchr(text, 'z') == NULL);
printf("%s|%d|", strstr(text, ";c"), strstr(text, "cc") == NULL);
printf("%d|", strchr(text, 0) == text + strlen(text) && strstr(text, "") == text && !strpbrk(text, "xyz"));
char copy[16]; strcpy(copy, text); while ((word = strsep(&rest, " ;"))) fields++;
for (word = strtok(copy, " ;"); word; word = strtok(NULL, " ;")) printf("<%s>", word);
char none[] = ";;"; printf("%d %d", fields, strtok(none, ";") == NULL);"""
JUMPS = """#include <setjmp.h>
#include <stdio.h>
static jmp_buf again;
static void deep(int n) { if (!n) longjmp(again, 7); deep(n - 1); }
int main(void) { int got = setjmp(again); if (!got) deep(100); printf("got %d\\n", got); }"""
FILES = """
FILE *in = fopen("in.txt", "r"); char line[64]; if (!in) { perror("in.txt"); return 1; }
FILE *out = fopen("out/result.txt", "w");
if (!out) { mkdir("out", 0777); out = fopen("out/result.txt", "w"); }
while (fgets(line, sizeof line, in)) fprintf(out, "> %s", line);
fseek(out, 0, SEEK_SET); fputc('#', out); fclose(out); fclose(in);
out = fopen("out/result.txt", "a"); fputs("end\\n", out); fclose(out);
struct stat st; if (!stat("out/result.txt", &st)) printf("%lld bytes\\n", (long long)st.st_size);
rename("in.txt", "old.txt"); printf("%d\\n", fopen("in.txt", "r") == NULL && errno == ENOENT);
DIR *d = opendir("."); int n = 0;
for (struct dirent *e; (e = readdir(d));) n += strcmp(e->d_name, "old.txt") == 0;
closedir(d); printf("%d listed\\n", n); remove("old.txt");"""
TIME = """
time_t t = 86400; struct tm *day = gmtime(&t); char text[32]; strftime(text, sizeof text, "%Y-%m-%d", day);
struct timespec now, pause = {0, 1000}; clock_gettime(CLOCK_MONOTONIC, &now); nanosleep(&pause, NULL);
srand((unsigned)time(NULL)); int r = rand() % 6; clock_t used = clock();
printf("%s %d %d %d\\n", text, r >= 0 && r < 6, used != (clock_t)-1, time(NULL) > 1700000000);"""
RESULT = """#include <stdio.h>
#include <stdlib.h>
static int calls;
const char *result(const char *input) {
    static char text[64];
    const char *ran = calls ? "true" : "false";
    snprintf(text, sizeof text, "{\\"twice\\": %d, \\"main ran\\": %s}", 2 * atoi(input), ran);
    return text;
}
int main(void) { calls++; puts("in main"); return 0; }"""
TEXT_RESULT = """#include <stdio.h>
static const char *run(const char *input) { (void)input; return "plain \\"text\\" \\xff\\n"; }
int main() {}"""
BITS = """
uint32_t h = 2166136261u; for (const char *p = "hash"; *p; p++) { h ^= (uint8_t)*p; h *= 16777619u; }
int wrapped = INT_MAX; wrapped++; printf("%08x %d %d %lld\\n", h, wrapped, 1 << 10, 1LL << 40);"""
CALLBACKS = """#include <stdio.h>
typedef int (*op)(int, int);
static int add(int a, int b) { return a + b; }
static int mul(int a, int b) { return a * b; }
int main(void) { op ops[] = {add, mul}; for (int i = 0; i < 2; i++) printf("%d ", ops[i](6, 7)); }"""
VARARGS = """#include <stdarg.h>
#include <stdio.h>
static double mean(int n, ...) {
    va_list all; va_start(all, n); double sum = 0;
    for (int i = 0; i < n; i++) sum += va_arg(all, double);
    va_end(all); return sum / n;
}
int main(void) { printf("%.2f\\n", mean(3, 1.0, 2.0, 4.5)); }"""
ATEXIT = """#include <stdio.h>
#include <stdlib.h>
static void bye(void) { puts("bye"); }
int main(void) { atexit(bye); printf("no newline"); exit(0); }"""

PROGRAMS = {
    "hello": Program(
        main('printf("Hello, %s! %d %.2f %c\\n", "world", 42, 3.14159, 65);'), "Hello, world! 42 3.14 A\n"
    ),
    "primes": Program(main(PRIMES, "stdbool.h"), "25 primes\n"),
    "linked list": Program(main(LIST), "16 9 4 1 0 "),
    "qsort and argv": Program(SORT, "fig,kiwi,pear,apple,banana\n1 program\n"),
    "matrix": Program(main(MATRIX, "math.h"), "12586269025 1.6180\n"),
    "scanf": Program(main(WORDS), "4 words, 15 letters\n", given="one two\nthree four"),
    "scanf of JSON": Program(main('int n; printf("%d %d", scanf("%d", &n), n);'), "1 42", given=42),
    "lines": Program(main(LINES), "1:a\n2:\n3:ü\n", given="a\n\nü"),
    "JSON as input": Program(
        main("int c; while ((c = getchar()) != EOF) putchar(c);"), '{"a":[1,"é"]}', given={"a": [1, "é"]}
    ),
    "no input": Program(main('printf("%d", getchar() == EOF);'), "1"),
    "ctype": Program(main(COUNT, "ctype.h"), "l=3 o=2 "),
    "strtok": Program(main(TOKENS), "a -> 1\nb -> 22\nc -> -1\n"),
    "splitting": Program(main(SPLIT), "2 6 ;;c b;;c |1|;c |1|1|<a><b><c>8 1"),
    "setjmp": Program(JUMPS, "got 7\n"),
    "files": Program(
        main(FILES, "errno.h", "sys/stat.h", "dirent.h"),
        "12 bytes\n1\n1 listed\n",
        files={"in.txt": b"a\nb\n"},
        produced={"out/result.txt": b"# a\n> b\nend\n"},
    ),
    "time": Program(main(TIME, "time.h"), "1970-01-02 1 1 1\n"),
    "a value": Program(RESULT, "in main\n", given=21, value={"twice": 42, "main ran": True}),
    "a value that is no JSON": Program(TEXT_RESULT, value='plain "text" \ufffd\n'),
    "bits and wrapping": Program(
        main(BITS, "stdint.h", "limits.h"), "cec577d1 -2147483648 1024 1099511627776\n"
    ),
    "function pointers": Program(CALLBACKS, "13 42 "),
    "variable arguments": Program(VARARGS, "2.50\n"),
    "atexit": Program(ATEXIT, "no newlinebye\n"),
    "signed division and modulo": Program(
        main('printf("%d %d %g", -7 / 2, -7 % 2, fmod(-7, 2));', "math.h"), "-3 -1 -1"
    ),
    "large array on the stack": Program(main('int a[1000000]; a[999999] = 3; printf("%d", a[999999]);'), "3"),
    "stderr": Program(main('fprintf(stderr, "no value\\n");')),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_as_models_write_them_run(run_c: Call, name: str) -> None:
    program = PROGRAMS[name]
    ran = run_c(program.code, program.given, files=program.files)
    assert ran.failure is None
    assert ran.report.stdout.text == program.stdout
    assert ran.value == program.value
    assert {file.path: file.content for file in ran.files} == program.produced


def test_what_was_printed_before_a_failure_is_not_lost(run_c: Call) -> None:
    ran = run_c(main('printf("first\\nsecond"); int *p = NULL; return *p;'))
    assert ran.report.stdout.text == "first\nsecond"
    ran = run_c(main('printf("first\\nsecond"); __builtin_trap();'))
    assert ran.report.stdout.text == "first\n"


def test_warnings_are_a_note_beside_the_answer(run_c: Call) -> None:
    ran = run_c(main('printf("%s\\n", 5 > 3 ? "yes" : "no"); long n = 1; printf("%d", n);'))
    assert ran.failure is None
    assert "code.c:5:" in ran.note
    assert "format specifies type 'int'" in ran.note
    assert run_c(main('puts("quiet");')).note == ""


def test_much_output_is_cut_and_its_end_is_in_its_place(run_c: Call) -> None:
    ran = run_c(main('for (int i = 0; i < 20000; i++) printf("line %d\\n", i);'))
    assert ran.failure is None
    assert ran.report.stdout.text.startswith("line 0\nline 1\n")
    assert ran.report.stdout.dropped == sum(len(f"line {i}\n") for i in range(20000)) - len(
        ran.report.stdout.text.encode()
    )


def test_runs_leave_nothing_behind(run_c: Call) -> None:
    code = main('static int n; printf("%d %d", n++, fopen("kept", "r") == NULL); fclose(fopen("kept", "w"));')
    assert [run_c(code).report.stdout.text for _ in range(2)] == ["0 1", "0 1"]


def test_a_long_text_is_split_in_time_that_grows_with_its_length(run_c: Call) -> None:
    body = "static char t[500000]; size_t n = fread(t, 1, sizeof t - 1, stdin); t[n] = 0; int words = 0;"
    code = main(
        body + ' for (char *w = strtok(t, " "); w; w = strtok(NULL, " ")) words++; printf("%d", words);'
    )
    short, long = (run_c(code, "word " * count) for count in (5_000, 50_000))
    assert (short.report.stdout.text, long.report.stdout.text) == ("5000", "50000")
    assert long.report.fuel is not None
    assert short.report.fuel is not None
    assert long.report.fuel < 12 * short.report.fuel


@pytest.mark.anyio
async def test_who_waits_for_the_compiler_is_told_so(
    c_runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waits, "_HEARTBEAT_S", 0.001)
    heard: list[str] = []
    ran = await c_runtime.run_code(Run("c", main('puts("at last");')), on_wait=heard.append)
    assert ran.failure is None
    assert heard[0] == "compiling code, 0 s"
