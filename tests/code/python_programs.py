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
        "parsing a log",
        r'''
        import re
        from collections import Counter
        log = """
        2024-01-05 10:00:01 ERROR db: connection lost
        2024-01-05 10:00:02 INFO web: GET /
        2024-01-05 10:00:07 ERROR web: timeout
        """
        pattern = re.compile(r"^(\S+) (\S+) (?P<level>[A-Z]+) (?P<source>\w+): (?P<text>.*)$", re.M)
        found = [m.groupdict() for m in pattern.finditer(log)]
        {"levels": Counter(f["level"] for f in found), "last": found[-1]}
        ''',
        {"levels": {"ERROR": 2, "INFO": 1}, "last": {"level": "ERROR", "source": "web", "text": "timeout"}},
        text="{'levels': Counter({'ERROR': 2, 'INFO': 1}), 'last': {'level': 'ERROR', 'source': 'web', "
        "'text': 'timeout'}}",
    ),
    good(
        "substitution with a function",
        r"""
        import re
        re.sub(r"\b(\w)(\w*)", lambda m: m[1].upper() + m[2].lower(), "hELLO big wORLD")
        """,
        "Hello Big World",
    ),
    good(
        "csv to json",
        """
        import csv, io, json
        text = "name,age\\nAnn,31\\n\\"Bob, Jr.\\",9\\n"
        rows = list(csv.DictReader(io.StringIO(text)))
        for row in rows:
            row["age"] = int(row["age"])
        print(json.dumps(rows, indent=1))
        rows
        """,
        [{"name": "Ann", "age": 31}, {"name": "Bob, Jr.", "age": 9}],
        '[\n {\n  "name": "Ann",\n  "age": 31\n },\n {\n  "name": "Bob, Jr.",\n  "age": 9\n }\n]\n',
    ),
    good(
        "grouping and aggregating",
        """
        from collections import defaultdict
        sales = [("north", 10), ("south", 5), ("north", 7)]
        totals = defaultdict(int)
        for region, amount in sales:
            totals[region] += amount
        dict(sorted(totals.items(), key=lambda kv: -kv[1]))
        """,
        {"north": 17, "south": 5},
    ),
    good(
        "dates",
        """
        from datetime import date, datetime, timedelta
        start = date(2024, 2, 28)
        days = [(start + timedelta(days=n)).isoformat() for n in range(3)]
        (datetime.strptime("3 May 2024", "%d %B %Y") - datetime(2024, 1, 1)).days, days
        """,
        [123, ["2024-02-28", "2024-02-29", "2024-03-01"]],
        text="(123, ['2024-02-28', '2024-02-29', '2024-03-01'])",
    ),
    good(
        "time zones",
        """
        from datetime import datetime
        from zoneinfo import ZoneInfo
        t = datetime(2024, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))
        t.astimezone(ZoneInfo("America/New_York"))
        """,
        "2024-07-01T06:00:00-04:00",
        text="datetime.datetime(2024, 7, 1, 6, 0, tzinfo=zoneinfo.ZoneInfo(key='America/New_York'))",
    ),
    good("calendar", "import calendar\ncalendar.monthrange(2024, 2)[1], calendar.isleap(1900)", [29, False],
         text="(29, False)"),
    good("naturally read dates", "from dateutil import parser\nstr(parser.parse('May 3rd, 2024 5pm'))",
         "2024-05-03 17:00:00"),
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
        "itertools",
        """
        from itertools import accumulate, batched, chain, combinations, groupby, pairwise, product
        [list(accumulate([1, 2, 3])), len(list(combinations("abcd", 2))),
         [(k, len(list(g))) for k, g in groupby("aabccc")], list(batched(range(5), 2)), list(pairwise("abc"))]
        """,
        [[1, 3, 6], 6, [["a", 2], ["b", 1], ["c", 3]], [[0, 1], [2, 3], [4]], [["a", "b"], ["b", "c"]]],
        text="[[1, 3, 6], 6, [('a', 2), ('b', 1), ('c', 3)], [(0, 1), (2, 3), (4,)], [('a', 'b'), ('b', 'c')]]",
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
    good("decimals", "from decimal import Decimal, getcontext\ngetcontext().prec = 30\nDecimal(1) / Decimal(7)",
         "0.142857142857142857142857142857", text="Decimal('0.142857142857142857142857142857')"),
    good("fractions", "from fractions import Fraction\nstr(Fraction(1, 3) + Fraction(1, 6))", "1/2"),
    good("floats that JSON has not", "[float('nan'), float('inf'), -float('inf'), 0.1 + 0.2]",
         ["NaN", "Infinity", "-Infinity", 0.30000000000000004], text="[nan, inf, -inf, 0.30000000000000004]"),
    good("statistics", "import statistics as s\n[s.mean([1, 2, 3, 4]), s.median([3, 1, 2]), s.stdev([2, 4, 4, 6])]",
         [2.5, 2, 1.632993161855452]),
    good("formatting", "name, n = 'pi', 3.14159265\nf'{name:>5}|{n:.3f}|{1234567:,}|{0.256:.1%}|{255:#x}|{n=:.2f}'",
         "   pi|3.142|1,234,567|25.6%|0xff|n=3.14"),
    good("sorting by several keys", "sorted([('b', 2), ('a', 2), ('c', 1)], key=lambda t: (-t[1], t[0]))",
         [["a", 2], ["b", 2], ["c", 1]], text="[('a', 2), ('b', 2), ('c', 1)]"),
    good("comprehensions", "{w: [c for c in w if c in 'aeiou'] for w in ['tree', 'sky'] if w}",
         {"tree": ["e", "e"], "sky": []}),
    good("sets", "{3, 1, 2} & {2, 3, 9}", [2, 3], text="{2, 3}"),
    good("bytes", "import hashlib\nhashlib.sha256(b'abc').hexdigest()[:8], b'\\x00\\xff'",
         ["ba7816bf", {"base64": "AP8="}], text="('ba7816bf', b'\\x00\\xff')"),
    good("keys that are no texts", "{1: 'a', (2, 3): 'b', None: 'c'}", {"1": "a", "(2, 3)": "b", "null": "c"}, text="{1: 'a', (2, 3): 'b', None: 'c'}"),
    good("keys that JSON cannot tell apart", "{1: 'a', '1': 'b'}", ABSENT, text="{1: 'a', '1': 'b'}"),
    good("a value that has no JSON", "[1, len]", ABSENT, text="[1, <built-in function len>]"),
    good("heaps and bisection", "import bisect, heapq\nh = [5, 1, 4]\nheapq.heapify(h)\n"
         "[heapq.heappop(h), bisect.bisect([1, 3, 5], 3)]", [1, 2]),
    good("xml", "import xml.etree.ElementTree as ET\n[e.get('id') for e in ET.fromstring('<a><b id=\"1\"/></a>')]",
         ["1"]),
    good("html", "from bs4 import BeautifulSoup\n"
         "[a['href'] for a in BeautifulSoup('<a href=x>1</a><a href=y>2</a>', 'html.parser').select('a')]",
         ["x", "y"]),
    good("yaml and templates", "import yaml, jinja2\n"
         "jinja2.Template('{% for k in d %}{{ k }}={{ d[k] }};{% endfor %}').render(d=yaml.safe_load('a: 1\\nb: [2]'))",
         "a=1;b=[2];"),
    good("graphs", "import networkx as nx\nG = nx.Graph([(1, 2), (2, 3), (1, 4), (4, 3), (3, 5)])\n"
         "len(nx.shortest_path(G, 1, 5))", 4),
    good("a table", "from tabulate import tabulate\nprint(tabulate([['a', 1]], headers=['k', 'v']))", ABSENT,
         "k      v\n---  ---\na      1\n"),
    good("a database", "import sqlite3\ndb = sqlite3.connect(':memory:')\n"
         "db.executescript('create table t(a, b); insert into t values (1, 2), (3, 4);')\n"
         "db.execute('select sum(a), max(b) from t').fetchone()", [4, 4], text="(4, 4)"),
    good("a file given", "import json\nwith open('data/in.json') as f:\n    print(json.load(f)['n'])", ABSENT, "7\n",
         files={"data/in.json": b'{"n": 7}'}),
    good("a module given", "from helpers import double\ndouble(4)", 8,
         files={"helpers.py": b"def double(x):\n    return 2 * x\n"}),
    good("files written and read", "from pathlib import Path\np = Path('out') / 'a.txt'\np.parent.mkdir()\n"
         "p.write_text('hi')\n[q.name for q in Path('.').rglob('*.txt')]", ["a.txt"]),
    good("temporary files", "import tempfile\nwith tempfile.TemporaryFile() as f:\n    f.write(b'x')\n    f.seek(0)\n"
         "    print(f.read())", ABSENT, "b'x'\n"),
    good("an archive in memory", "import io, zipfile\nb = io.BytesIO()\nwith zipfile.ZipFile(b, 'w') as z:\n"
         "    z.writestr('a', 'x' * 9)\nzipfile.ZipFile(b).getinfo('a').file_size", 9),
    good("a pickle of an own class", "import pickle\nclass A:\n    def __init__(self): self.n = 4\n"
         "pickle.loads(pickle.dumps(A())).n", 4),
    good("source of an own function", "import inspect\ndef f():\n    return 1\ninspect.getsource(f)",
         "def f():\n    return 1\n"),
    good("logging", "import logging, sys\nlogging.basicConfig(stream=sys.stdout, format='%(levelname)s %(message)s')\n"
         "logging.warning('careful')", ABSENT, "WARNING careful\n"),
    good("arguments of a command", "import argparse\np = argparse.ArgumentParser()\np.add_argument('--n', type=int)\n"
         "p.parse_args(['--n', '3']).n", 3),
    good("a unit test", "import unittest\nclass T(unittest.TestCase):\n    def test(self):\n"
         "        self.assertEqual(1, 1)\nr = unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromTestCase(T))\n"
         "[r.testsRun, r.wasSuccessful()]", [1, True]),
    good("a missing library that is optional", "try:\n    import numpy as np\nexcept ImportError:\n    np = None\n"
         "np is None", True),
    good("typing", "from typing import TypedDict, get_type_hints\nclass T(TypedDict):\n    a: int\n"
         "str(get_type_hints(T))", "{'a': <class 'int'>}"),
    good("an early end", "import sys\nprint('a')\nsys.exit()\nprint('b')", ABSENT, "a\n"),
)  # fmt: skip
