"""Programs in Python that fail as those that models write do, with what they are told."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent
from typing import Any

from mcp_wasm.code.contract import ABSENT


@dataclass(frozen=True, slots=True)
class Mistake:
    """A program that fails.

    ``says`` is in the message, ``hint`` in the hint ("" for no hint), and each
    part of ``traceback`` in the traceback.
    """

    name: str
    code: str
    type: str
    says: str
    line: int | None
    column: int | None = None
    hint: str = ""
    input: object = ABSENT
    traceback: tuple[str, ...] = ()


def bad(name: str, code: str, type: str, says: str, line: int | None, **more: Any) -> Mistake:  # noqa: A002
    """A ``Mistake`` of indented text."""
    return Mistake(name, dedent(code).lstrip("\n"), type, says, line, **more)


NO_NETWORK = "There is no network here"
NO_PROCESSES = "There are no processes"

MISTAKES: tuple[Mistake, ...] = (
    bad("a name that is not there", "total = 1\nprint(totl)", "NameError", "name 'totl' is not defined", 2,
        column=7, traceback=("Did you mean: 'total'?",)),
    bad("a key that is not there", "d = {'a': 1}\nd['b']", "KeyError", "'b'", 2, column=1),
    bad("an index out of range", "x = [1]\ny = x[5]", "IndexError", "list index out of range", 2, column=5),
    bad("an attribute that is not there", "'a'.uper()", "AttributeError", "'str' object has no attribute 'uper'", 1,
        traceback=("Did you mean: 'upper'?",)),
    bad("division by zero deep inside", """
        def ratio(a, b):
            return a / b

        def average(xs):
            return ratio(sum(xs), len(xs))

        average([])
        """, "ZeroDivisionError", "division by zero", 2, column=12,
        traceback=('File "code.py", line 7, in <module>', 'File "code.py", line 5, in average',
                   "    return a / b\n           ~~^~~")),
    bad("text and number", "'n: ' + 5", "TypeError", 'can only concatenate str (not "int") to str', 1),
    bad("an argument forgotten", "def f(a, b):\n    pass\nf(1)", "TypeError",
        "f() missing 1 required positional argument: 'b'", 3),
    bad("a number that is none", "int('12a')", "ValueError", "invalid literal for int() with base 10: '12a'", 1),
    bad("JSON that is none", "import json\njson.loads('{bad}')", "JSONDecodeError", "Expecting property name", 2,
        traceback=('File "json/decoder.py"',)),
    bad("a bracket forgotten", "x = 1\nprint((x)\ny = 2", "SyntaxError", "'(' was never closed", 2, column=6),
    bad("a colon forgotten", "x = 1\nif x\n    print(x)", "SyntaxError", "expected ':'", 2, column=5),
    bad("a block not indented", "def f():\nreturn 1", "IndentationError", "expected an indented block", 2),
    bad("indentation that does not fit", "if True:\n    a = 1\n  b = 2", "IndentationError", "unindent does not match", 3),
    bad("Python 2", "print 'hello'", "SyntaxError", "Missing parentheses in call to 'print'", 1,
        hint="This is Python 3."),
    bad("fences of Markdown", "```python\nprint(1)\n```", "SyntaxError", "invalid syntax", 1,
        hint="without the fences of Markdown"),
    bad("a shell line of a notebook", "!pip install pandas", "SyntaxError", "invalid syntax", 1,
        hint="no notebook"),
    bad("return outside of a function", "return 5", "SyntaxError", "'return' outside function", 1),
    bad("await in a plain function", "import asyncio\ndef f():\n    await asyncio.sleep(1)", "SyntaxError",
        "'await' outside async function", 3),
    bad("asyncio.run beside top-level await", "import asyncio\nawait asyncio.sleep(0)\nasyncio.run(asyncio.sleep(0))",
        "RuntimeError", "cannot be called from a running event loop", 3, hint="await the coroutine"),
    bad("an await that never ends", "import asyncio\nasync def main():\n    await asyncio.Event().wait()\n",
        "RuntimeError", "can never end", None),
    bad("an error in a coroutine", "import asyncio\nasync def main():\n    await asyncio.gather(f())\nasync def f():\n"
        "    raise ValueError('no luck')", "ValueError", "no luck", 5),
    bad("several errors at once", "raise ExceptionGroup('two', [ValueError('a'), TypeError('b')])", "ExceptionGroup",
        "two (2 sub-exceptions)", 1, traceback=("ValueError: a", "TypeError: b")),
    bad("a cause", """
        try:
            int("x")
        except ValueError as error:
            raise RuntimeError("cannot load") from error
        """, "RuntimeError", "cannot load", 4,
        traceback=("ValueError: invalid literal", "direct cause of the following exception")),
    bad("an own exception", "class Odd(Exception):\n    pass\nraise Odd('3 is odd')", "Odd", "3 is odd", 3),
    bad("an exception whose text fails", "class Bad(Exception):\n    def __str__(self):\n        return 1 / 0\nraise Bad",
        "Bad", "could not be made", 4),
    bad("an assertion", "x = 3\nassert x == 4, f'x is {x}'", "AssertionError", "x is 3", 2),
    bad("a column after other alphabets", "é = '日本'; é.foo", "AttributeError", "no attribute 'foo'", 1, column=11),
    bad("runaway recursion", "def f(n):\n    return f(n + 1)\nf(0)", "RecursionError", "maximum recursion depth", 2,
        hint="the case that ends the recursion", traceback=("Previous line repeated",)),
    bad("a library that is not here", "import pandas as pd\npd.DataFrame()", "ModuleNotFoundError",
        "No module named 'pandas'", 1, hint="nothing can be installed; use csv"),
    bad("a library misspelt", "import dateutils", "ModuleNotFoundError", "No module named 'dateutils'", 1,
        hint="did you mean dateutil?"),
    bad("requests", "import requests\nrequests.get('https://example.com')", "ModuleNotFoundError",
        "No module named 'requests'", 1, hint=NO_NETWORK),
    bad("urllib", "import urllib.request\nurllib.request.urlopen('http://example.com')", "URLError", "urlopen error", 2,
        hint=NO_NETWORK),
    bad("an https address", "import urllib.request\nurllib.request.urlopen('https://example.com')", "URLError",
        "unknown url type: https", 2, hint=NO_NETWORK),
    bad("a socket", "import socket\nsocket.create_connection(('127.0.0.1', 80))", "PermissionError", "", 2,
        hint=NO_NETWORK),
    bad("a module of another system", "import ctypes", "ModuleNotFoundError", "No module named 'ctypes'", 1,
        hint="no native libraries"),
    bad("a screen", "import turtle", "ModuleNotFoundError", "No module named 'turtle'", 1, hint="turtle is not here"),
    bad("a name that a module has not", "from math import sqroot", "ImportError", "cannot import name 'sqroot'", 1),
    bad("a file that is not there", "import json\nwith open('data.csv') as f:\n    f.read()", "FileNotFoundError",
        "data.csv", 2, hint="Only the files given to this run are here; the current folder is empty"),
    bad("a subprocess", "import subprocess\nsubprocess.run(['ls', '-l'])", "OSError", "does not support processes", 2,
        hint=NO_PROCESSES),
    bad("a shell", "import os\nos.system('ls')", "AttributeError", "no attribute 'system'", 2, hint=NO_PROCESSES),
    bad("a thread", "import threading\nthreading.Thread(target=print).start()", "RuntimeError",
        "can't start new thread", 2, hint="There are no threads here"),
    bad("processes", "from multiprocessing import Pool\nPool(2)", "AttributeError", "module 'os' has no attribute 'pipe'", 2,
        hint=NO_PROCESSES),
    bad("a question to nobody", "name = input('Name? ')", "EOFError", "EOF when reading a line", 1,
        hint="Nobody types here"),
    bad("input taken for the function", "n = int(input())", "TypeError", "not callable", 1,
        hint="`input` is the value given", input=5),
    bad("main without the input it wants", "def main(data):\n    return data", "TypeError",
        "main() missing 1 required positional argument: 'data'", None, hint="was given no `input`"),
    bad("memory", "x = bytearray(10 ** 9)", "MemoryError", "", 1, hint="Work on smaller pieces"),
    bad("an exit that says something is wrong", "import sys\nsys.exit('no data')", "SystemExit", "'no data'", 2),
    bad("an exit code", "import sys\ndef main():\n    sys.exit(3)", "SystemExit", "3", 3),
    bad("an interrupt", "raise KeyboardInterrupt", "KeyboardInterrupt", "", 1),
    bad("an error in code that was made", "exec('x = 1\\ny = x / 0')", "ZeroDivisionError", "division by zero", 1,
        traceback=('File "<string>", line 2',)),
    bad("a syntax error in code that was made", "a = 1\neval('1 +')", "SyntaxError", "invalid syntax", 2),
    bad("a time zone that is none", "from zoneinfo import ZoneInfo\nZoneInfo('Europe/Atlantis')",
        "ZoneInfoNotFoundError", "Europe/Atlantis", 2),
    bad("a parser that is not here", "from bs4 import BeautifulSoup\nBeautifulSoup('<p>', 'lxml')", "FeatureNotFound",
        "lxml", 2, hint="html.parser"),
)  # fmt: skip
