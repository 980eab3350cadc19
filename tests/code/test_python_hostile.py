"""Hostile code in Python costs its own run, and nothing of it is left for the next."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mcp_wasm.capability.grant import Tools
from mcp_wasm.code.contract import ABSENT
from tests.code.python import Python

pytestmark = [pytest.mark.toolchain, pytest.mark.timeout(600)]

ENDLESS = (
    "while True: pass",
    "x = 0\nfor i in iter(int, 1): x += i",
    "import re\nre.match(r'(a+)+$', 'a' * 40 + 'b')",
    "try:\n    while True: pass\nexcept BaseException:\n    pass",
    "import itertools\nsum(itertools.count())",
    "class A:\n    def __del__(self):\n        while True: pass\na = A()\ndel a",
    "class A:\n    def __repr__(self):\n        while True: pass\nA()",
    "class A(Exception):\n    def __str__(self):\n        while True: pass\nraise A",
)


@pytest.mark.parametrize("code", ENDLESS)
def test_a_loop_without_end_runs_out_of_fuel(python: Python, code: str) -> None:
    ran = python(f"print('begun')\n{code}", fuel=300_000_000)
    assert ran.failure is not None
    assert (ran.failure.type, ran.failure.limit) == ("FuelExhausted", "fuel")
    assert ran.value is ABSENT
    assert ran.report.stdout.text == "begun\n"


@pytest.mark.parametrize(
    "code", ["import time\ntime.sleep(3600)", "import asyncio\nawait asyncio.sleep(3600)"]
)
def test_a_sleep_ends_at_the_deadline(python: Python, code: str) -> None:
    ran = python(f"print('begun')\n{code}", timeout=1.0)
    assert ran.failure is not None
    assert ran.failure.limit == "deadline"
    assert ran.report.stdout.text == "begun\n"


def test_what_waits_within_its_deadline_ends_well(python: Python) -> None:
    assert python("import time\ntime.sleep(0.001)\n'awake'").value == "awake"


BOMBS = (
    "x = []\nwhile True: x.append(bytearray(10 ** 7))",
    "x = 'a'\nwhile True: x += x",
    "x = [0] * (10 ** 9)",
    "d = {}\nfor i in range(10 ** 9): d[i] = str(i) * 100",
    "a = 'x' * (200 * 2 ** 20)\nb = a + a",
)


@pytest.mark.parametrize("code", BOMBS)
def test_a_memory_bomb_ends_at_its_limit(python: Python, code: str) -> None:
    failure = python(code).failure
    assert failure is not None
    assert failure.type in ("MemoryError", "MemoryLimitExceeded", "FuelExhausted"), failure
    assert "memory" in failure.message or failure.type != "MemoryLimitExceeded"


def test_what_fits_into_memory_is_had(python: Python) -> None:
    assert python("len(bytearray(100 * 2 ** 20))").value == 100 * 2**20


RECURSIONS = (
    "f = lambda: f()\nf()",
    "class A:\n    def __getattr__(self, n): return getattr(self, n + 'a')\nA().x",
    "class A:\n    def __eq__(self, o): return self == o\nA() == 1",
    "import json\njson.loads('[' * 100_000)",
    "import json\nx = []\nfor _ in range(100_000): x = [x]\njson.dumps(x)",
    "x = []\nfor _ in range(100_000): x = [x]\nrepr(x)",
    "import sys\nsys.setrecursionlimit(10 ** 9)\nf = lambda: f()\nf()",
    "eval('(' * 5000 + ')' * 5000)",
    "eval('-' * 100_000 + '1')",
    "import ast\nast.literal_eval('[' * 10_000 + ']' * 10_000)",
    "import copy\nx = []\nfor _ in range(100_000): x = [x]\ncopy.deepcopy(x)",
    "import re\nre.compile('(' * 5_000 + ')' * 5_000)",
)


@pytest.mark.parametrize("code", RECURSIONS)
def test_recursion_ends_its_run_and_no_other(python: Python, code: str) -> None:
    failure = python(code).failure
    assert failure is not None
    assert failure.type in ("RecursionError", "MemoryError", "SyntaxError", "Trap"), failure
    assert python("'fine'").value == "fine"


def test_a_value_that_nests_deep_is_told_in_words(python: Python) -> None:
    ran = python("x = []\nfor _ in range(100_000): x = [x]\nx")
    assert ran.failure is None
    assert ran.value is ABSENT
    assert ran.text == "<a list that nests more than 90 levels deep>"
    cycle = python("x = [1]\nx.append(x)\nx")
    assert cycle.failure is None
    assert "nests more than" in cycle.text
    assert python("x = 0\nfor _ in range(80): x = [x]\nx").value is not ABSENT


OUTSIDE = (
    "import os\nos.system('id')",
    "import os\nos.popen('id').read()",
    "import os\nos.fork()",
    "import os\nos.kill(1, 9)",
    "import subprocess\nsubprocess.check_output('id', shell=True)",
    "import socket\nsocket.socket().connect(('127.0.0.1', 80))",
    "import socket\nsocket.socket().bind(('127.0.0.1', 0))",
    "import socket\nsocket.getaddrinfo('localhost', 80)",
    "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:80')",
    "import ctypes",
    "import _posixsubprocess",
    "open('/etc/passwd').read()",
    "open('../../etc/passwd').read()",
    "open('/proc/self/environ').read()",
    "import os\nos.symlink('/etc/passwd', 'p')\nopen('p').read()",
    "import os\nos.chdir('..')\nopen('etc/passwd').read()",
    "import os\nos.open('/dev/mem', os.O_RDONLY)",
    "open('file:///etc/passwd').read()",
)


@pytest.mark.parametrize("code", OUTSIDE)
def test_nothing_outside_is_in_reach(python: Python, code: str) -> None:
    ran = python(code)
    assert ran.failure is not None
    assert ran.failure.type in (
        "AttributeError",
        "FileNotFoundError",
        "ModuleNotFoundError",
        "OSError",
        "PermissionError",
        "URLError",
        "gaierror",
    ), ran.failure
    assert "root:" not in json.dumps([ran.failure.message, ran.report.stdout.text])


def test_nothing_of_the_host_is_in_the_environment(
    python: Python, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_HOST", "swordfish")
    ran = python("import os, sys\n[dict(os.environ), sys.argv, os.getcwd(), sys.path, os.listdir('/')]")
    assert ran.value == [{}, ["code.py"], "/", ["/"], []]


def test_a_flood_of_output_is_cut_and_does_not_hide_the_value(python: Python) -> None:
    ran = python("for _ in range(3000): print('x' * 1000)\n'end'")
    assert ran.value == "end"
    assert len(ran.report.stdout.text) == 64 * 1024
    assert ran.truncated == (f"stdout: the last {3000 * 1001 - 64 * 1024:,} bytes were dropped",)
    assert python("print('x' * 1000)\n'end'").truncated == ()


def test_a_huge_repr_is_cut(python: Python) -> None:
    text = python("class A:\n    def __repr__(self): return 'x' * 10 ** 6\nA()").text
    assert len(text) < 10_000
    assert text.startswith("xxx")
    assert "…" in text


TAMPERING = (
    "import json\njson.dumps = json.loads = None\njson.JSONEncoder.encode = lambda *a: '{}'\n7",
    "import builtins\nbuiltins.isinstance = lambda *a: True\nbuiltins.str = None\n7",
    "import builtins\nfor name in list(vars(builtins)):\n"
    "    if name not in ('__import__', '__build_class__'):\n        delattr(builtins, name)\n7",
    "import sys\nsys.stdout = sys.stderr = sys.__stdout__ = None\n7",
    "import sys\nsys.stdout.close()\n7",
    "import sys\nsys.modules.clear()\n7",
    "import traceback, linecache\ntraceback.TracebackException = None\nlinecache.cache = None\n7",
    "import gc\nfor o in gc.get_objects():\n    if isinstance(o, dict) and o is not globals(): o.clear()\n7",
    "import asyncio\nasyncio.Runner = asyncio.BaseEventLoop = None\n7",
    "import sys\nsys.settrace(lambda *a: 1 / 0)\n7",
    "import sys, os\nos._exit(0)",
    "import os\nos.abort()",
    "import sys\nf = sys._getframe()\nwhile f.f_back: f = f.f_back\nf.f_globals.clear()\n7",
)


@pytest.mark.parametrize("code", TAMPERING)
def test_tampering_costs_the_run_that_tampers_and_no_other(python: Python, code: str) -> None:
    ran = python(code)
    assert ran.value in (7, ABSENT)
    after = python(
        "import json, sys\nprint('still here')\njson.loads(json.dumps([isinstance(1, int), str(2)]))"
    )
    assert after.failure is None
    assert (after.value, after.report.stdout.text) == ([True, "2"], "still here\n")


def test_the_runner_can_be_told_what_to_answer_but_not_to_do_more(python: Python) -> None:
    """An answer is made where hostile code runs; it may say anything, and says it in the form of answers."""
    ran = python(
        "import sys\nf = sys._getframe()\nwhile f.f_code.co_name != 'answer': f = f.f_back\n"
        'f.f_globals[\'_WRITE\'] = lambda v: \'{"value": 1, "error": 5, "files": ["x"], "session": 9}\'\n3'
    )
    assert ran.failure is not None
    assert (ran.files, ran.session) == ((), "")


def test_state_of_one_run_is_not_in_the_next(python: Python) -> None:
    mark = "leave_a_mark_7291"
    leave = (
        f"import builtins, sys, os, random, decimal\nbuiltins.{mark} = sys.{mark} = 1\n"
        f"sys.modules['{mark}'] = sys\nos.environ['{mark}'] = '1'\ndecimal.getcontext().prec = 3\n"
        f"open('{mark}', 'w').write('1')\nint.__doc__\n{mark} = 2\nrandom.seed(1)\n'left'"
    )
    assert python(leave).value == "left"
    look = (
        f"import builtins, sys, os, decimal\n[hasattr(builtins, '{mark}'), hasattr(sys, '{mark}'), "
        f"'{mark}' in sys.modules, '{mark}' in os.environ, decimal.getcontext().prec, os.listdir('/'), "
        f"'{mark}' in globals()]"
    )
    assert python(look).value == [False, False, False, False, 28, [], False]


def test_chance_differs_from_run_to_run_and_the_order_of_sets_does_not(python: Python) -> None:
    code = "import random, uuid, secrets\n[random.random(), uuid.uuid4().hex, secrets.token_hex(8)]"
    first, second = python(code).value, python(code).value
    assert isinstance(first, list)
    assert isinstance(second, list)
    assert [a for a, b in zip(first, second, strict=True) if a == b] == []
    order = "list({'a', 'b', 'c', 'd', 'e'}), hash('a')"
    assert python(order).value == python(order).value


def test_the_clock_goes_on(python: Python) -> None:
    code = "import time\n[time.time(), time.monotonic()]"
    first, second = python(code).value, python(code).value
    assert isinstance(first, list)
    assert isinstance(second, list)
    assert first[0] < second[0]


def test_tools_that_were_not_granted_are_not_there(python: Python) -> None:
    none = python("import tools\ntools.names()")
    assert none.value == []
    call = "from wit_world.imports import call\ntry:\n    call.call('tiny_greet', '{}')\n"
    denied = python(f"{call}except Exception as e:\n    found = type(e.value).__name__\nfound")
    assert denied.value == "Error_Denied"
    assert [denial.asked for denial in denied.report.denials] == ["the tool tiny_greet"]
    missing = python("from tools import tiny_greet").failure
    assert missing is not None
    assert missing.type == "ImportError"
    assert python("import tools\ntools.names()", approved=[Tools(("other_*",))]).value == []
