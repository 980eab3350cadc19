"""Programs in Python that use libraries and files, with their values and their output."""

from __future__ import annotations

from mcp_wasm.code.contract import ABSENT
from tests.code.python_programs import Program, good

PROGRAMS: tuple[Program, ...] = (
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
        "itertools",
        """
        from itertools import accumulate, batched, chain, combinations, groupby, pairwise, product
        [list(accumulate([1, 2, 3])), len(list(combinations("abcd", 2))),
         [(k, len(list(g))) for k, g in groupby("aabccc")], list(batched(range(5), 2)), list(pairwise("abc"))]
        """,
        [[1, 3, 6], 6, [["a", 2], ["b", 1], ["c", 3]], [[0, 1], [2, 3], [4]], [["a", "b"], ["b", "c"]]],
        text="[[1, 3, 6], 6, [('a', 2), ('b', 1), ('c', 3)], [(0, 1), (2, 3), (4,)], [('a', 'b'), ('b', 'c')]]",
    ),
    good("decimals", "from decimal import Decimal, getcontext\ngetcontext().prec = 30\nDecimal(1) / Decimal(7)",
         "0.142857142857142857142857142857", text="Decimal('0.142857142857142857142857142857')"),
    good("fractions", "from fractions import Fraction\nstr(Fraction(1, 3) + Fraction(1, 6))", "1/2"),
    good("statistics", "import statistics as s\n[s.mean([1, 2, 3, 4]), s.median([3, 1, 2]), s.stdev([2, 4, 4, 6])]",
         [2.5, 2, 1.632993161855452]),
    good("bytes", "import hashlib\nhashlib.sha256(b'abc').hexdigest()[:8], b'\\x00\\xff'",
         ["ba7816bf", {"base64": "AP8="}], text="('ba7816bf', b'\\x00\\xff')"),
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
)  # fmt: skip
