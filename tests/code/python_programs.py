"""Programs in Python as models write them, with their values and their output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from textwrap import dedent
from typing import Any

from mcp_wasm.code.contract import ABSENT


@dataclass(frozen=True, slots=True)
class Program:
    """A program that ends well."""

    name: str
    code: str
    value: object = ABSENT
    stdout: str = ""
    input: object = ABSENT
    files: Mapping[str, bytes] = field(default_factory=dict)
    text: str = ""


def good(name: str, code: str, value: object = ABSENT, stdout: str = "", **more: Any) -> Program:
    """A ``Program`` of indented text."""
    return Program(name, dedent(code).lstrip("\n"), value, stdout, **more)


PROGRAMS: tuple[Program, ...] = (
    good("the last expression", "2 ** 10", 1024),
    good("the variable result", "result = sum(range(10))\nprint(result)", 45, "45\n"),
    good("result wins over the last expression", "result = [1, 2]\nresult[0]", [1, 2]),
    good("no value", "x = 1", ABSENT),
    good("a value of None is none", "print('done')", ABSENT, "done\n"),
    good("main without input", "def main():\n    return {'a': 1}", {"a": 1}),
    good("main with input", "def main(data):\n    return data['n'] * 2", 42, input={"n": 21}),
    good("main with the fields of input", "def main(a, b):\n    return a - b", 3, input={"b": 4, "a": 7}),
    good("input as a variable", "len(input)", 3, input=[1, 2, 3]),
    good("a null input", "def main(x):\n    return x is None", True, input=None),
    good("an async main", "import asyncio\nasync def main():\n    await asyncio.sleep(0)\n    return 'ok'", "ok"),
    good("top-level await", "import asyncio\nx = await asyncio.sleep(0, 20)\nx + 1", 21),
    good("a coroutine left over", "async def f():\n    return 7\nf()", 7),
    good(
        "main guarded and called once",
        """
        def main():
            print("called")
            return 5
        if __name__ == "__main__":
            main()
        """,
        5,
        "called\n",
    ),
    good(
        "main called by the program itself",
        """
        def main(n):
            print(n)
            return n
        answer = main(3)
        answer + 1
        """,
        4,
        "3\n",
    ),
    good(
        "recursion with a cache",
        """
        from functools import lru_cache
        @lru_cache(maxsize=None)
        def fib(n):
            return n if n < 2 else fib(n - 1) + fib(n - 2)
        fib(90)
        """,
        "2880067194370816120",
        text="2880067194370816120",
    ),
    good(
        "backtracking",
        """
        def queens(n, row=0, taken=()):
            if row == n:
                yield taken
            for col in range(n):
                if all(c != col and abs(c - col) != row - r for r, c in enumerate(taken)):
                    yield from queens(n, row + 1, taken + (col,))
        sum(1 for _ in queens(6))
        """,
        4,
    ),
    good(
        "generators",
        """
        def primes():
            found, n = [], 2
            while True:
                if all(n % p for p in found):
                    found.append(n)
                    yield n
                n += 1
        from itertools import islice
        list(islice(primes(), 8))
        """,
        [2, 3, 5, 7, 11, 13, 17, 19],
    ),
    good(
        "many coroutines at once",
        """
        import asyncio
        async def work(n):
            await asyncio.sleep(0.001 * (3 - n))
            print("done", n)
            return n * n
        async def main():
            return await asyncio.gather(*(work(n) for n in range(3)))
        print(asyncio.run(main()))
        """,
        ABSENT,
        "done 2\ndone 1\ndone 0\n[0, 1, 4]\n",
    ),
    good(
        "task groups, queues and timeouts",
        """
        import asyncio
        async def main():
            queue, seen = asyncio.Queue(), []
            async def produce():
                for n in range(3):
                    await queue.put(n)
                await queue.put(None)
            async def consume():
                while (item := await queue.get()) is not None:
                    seen.append(item)
            async with asyncio.TaskGroup() as group:
                group.create_task(produce())
                group.create_task(consume())
            try:
                async with asyncio.timeout(0.001):
                    await asyncio.sleep(10)
            except TimeoutError:
                seen.append("timeout")
            return seen
        result = asyncio.run(main())
        """,
        [0, 1, 2, "timeout"],
    ),
    good("work handed to a thread", "import asyncio\nawait asyncio.to_thread(sum, [1, 2])", 3),
    good(
        "a pool of workers",
        """
        from concurrent.futures import ThreadPoolExecutor, as_completed
        with ThreadPoolExecutor(max_workers=4) as pool:
            futures = [pool.submit(pow, n, 2) for n in range(4)]
            values = sorted(f.result() for f in as_completed(futures))
            doubled = list(pool.map(lambda x: 2 * x, values))
        doubled
        """,
        [0, 2, 8, 18],
    ),
    good(
        "classes",
        """
        class Account:
            def __init__(self, owner, balance=0):
                self.owner, self._balance = owner, balance
            @property
            def balance(self):
                return self._balance
            def deposit(self, amount):
                if amount <= 0:
                    raise ValueError("amount must be positive")
                self._balance += amount
                return self
            def __repr__(self):
                return f"Account({self.owner!r}, {self._balance})"
        class Savings(Account):
            def deposit(self, amount):
                return super().deposit(amount * 1.5)
        print(Savings("Ann").deposit(10))
        Savings("Bo", 1)
        """,
        ABSENT,
        "Account('Ann', 15.0)\n",
        text="Account('Bo', 1)",
    ),
    good(
        "dataclasses",
        """
        from __future__ import annotations
        from dataclasses import asdict, dataclass, field, replace
        @dataclass(frozen=True, order=True)
        class Point:
            x: int
            y: int = 0
            tags: list[str] = field(default_factory=list)
        sorted([Point(2), Point(1, 5, ["a"])])
        """,
        [{"x": 1, "y": 5, "tags": ["a"]}, {"x": 2, "y": 0, "tags": []}],
        text="[Point(x=1, y=5, tags=['a']), Point(x=2, y=0, tags=[])]",
    ),
    good(
        "enums and pattern matching",
        """
        from enum import Enum
        class Shape(Enum):
            CIRCLE = "circle"
            SQUARE = "square"
        def area(shape):
            match shape:
                case {"kind": Shape.CIRCLE, "r": r}:
                    return round(3.14159 * r * r, 2)
                case {"kind": Shape.SQUARE, "side": side} if side > 0:
                    return side * side
                case [Shape(), *rest]:
                    return len(rest)
                case _:
                    return None
        [area({"kind": Shape.CIRCLE, "r": 2}), area({"kind": Shape.SQUARE, "side": 3}), area([Shape.SQUARE, 1]),
         Shape.CIRCLE]
        """,
        [12.57, 9, 1, "circle"],
        text="[12.57, 9, 1, <Shape.CIRCLE: 'circle'>]",
    ),
    good(
        "exceptions handled",
        """
        class TooBig(Exception):
            pass
        def check(n):
            if n > 10:
                raise TooBig(f"{n} is too big")
            return n
        log = []
        for n in (1, 11, "x"):
            try:
                check(n)
            except TooBig as error:
                log.append(str(error))
            except TypeError as error:
                log.append(type(error).__name__)
            else:
                log.append("fine")
            finally:
                log.append("|")
        "".join(log)
        """,
        "fine|11 is too big|TypeError|",
    ),
    good(
        "context managers",
        """
        from contextlib import contextmanager, redirect_stdout, suppress
        import io
        @contextmanager
        def tag(name):
            print(f"<{name}>")
            yield name.upper()
            print(f"</{name}>")
        buffer = io.StringIO()
        with redirect_stdout(buffer), tag("b") as upper, suppress(KeyError):
            print(upper)
            {}["missing"]
        buffer.getvalue()
        """,
        "<b>\nB\n</b>\n",
    ),
    good(
        "unicode",
        """
        import unicodedata
        text = "Zoë 你好 \\N{GRINNING FACE} é"
        print(text)
        [len(text), unicodedata.normalize("NFD", "é") == "e\\u0301", "ß".upper(), text.encode()[-2:].hex(), "İ".lower()]
        """,
        [10, True, "SS", "c3a9", "i̇"],
        "Zoë 你好 😀 é\n",
    ),
    good("text that is no Unicode", "print('\\ud800')\n'\\udc80!'", "\\udc80!", "\\ud800\n", text="'\\udc80!'"),
    good("big integers", "import math\nmath.factorial(25) % (2**61 - 1), len(str(7 ** 9000))",
         ["117006249939608835", 7606], text="(117006249939608835, 7606)"),
    good("floats that JSON has not", "[float('nan'), float('inf'), -float('inf'), 0.1 + 0.2]",
         ["NaN", "Infinity", "-Infinity", 0.30000000000000004], text="[nan, inf, -inf, 0.30000000000000004]"),
    good("formatting", "name, n = 'pi', 3.14159265\nf'{name:>5}|{n:.3f}|{1234567:,}|{0.256:.1%}|{255:#x}|{n=:.2f}'",
         "   pi|3.142|1,234,567|25.6%|0xff|n=3.14"),
    good("sorting by several keys", "sorted([('b', 2), ('a', 2), ('c', 1)], key=lambda t: (-t[1], t[0]))",
         [["a", 2], ["b", 2], ["c", 1]], text="[('a', 2), ('b', 2), ('c', 1)]"),
    good("comprehensions", "{w: [c for c in w if c in 'aeiou'] for w in ['tree', 'sky'] if w}",
         {"tree": ["e", "e"], "sky": []}),
    good("sets", "{3, 1, 2} & {2, 3, 9}", [2, 3], text="{2, 3}"),
    good("keys that are no texts", "{1: 'a', (2, 3): 'b', None: 'c'}", {"1": "a", "(2, 3)": "b", "null": "c"}, text="{1: 'a', (2, 3): 'b', None: 'c'}"),
    good("keys that JSON cannot tell apart", "{1: 'a', '1': 'b'}", ABSENT, text="{1: 'a', '1': 'b'}"),
    good("a value that has no JSON", "[1, len]", ABSENT, text="[1, <built-in function len>]"),
    good("typing", "from typing import TypedDict, get_type_hints\nclass T(TypedDict):\n    a: int\n"
         "str(get_type_hints(T))", "{'a': <class 'int'>}"),
    good("an early end", "import sys\nprint('a')\nsys.exit()\nprint('b')", ABSENT, "a\n"),
)  # fmt: skip
