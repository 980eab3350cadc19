"""The site that the scraper reads: twelve small pages on this machine, some of which have a bad day.

It counts: how often each page was asked for, and how many requests were answered at once.
"""

from __future__ import annotations

import http.server
import select
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

TAKES = 0.15
"""Seconds for a page, so that requests meet."""
STALLS = 20.0
"""Seconds for which the slow page says nothing, the first time."""

TEXTS = {
    "/market/prices": "Copper rose for the fourth day. Wheat fell a little. Traders expect a quiet week.",
    "/market/closed": "",
    "/news/today": "The bridge at the harbour opens on Monday. Ferries keep their times until then.",
    "/news/flaky": "The town library moves into the old mill. It opens with a reading for children.",
    "/weather/slow": "A storm comes from the west tonight. Winds reach gale force at the coast.",
    "/weather/today": "Mild with showers in the morning. The afternoon stays dry.",
    "/science/torn": "A survey found four hundred kinds of moss in the valley. Two were not known before.",
    "/science/journal": "A battery of salt water lit a house for a month. Its inventors publish the plans.",
    "/sports/results": "Northend won by two goals to one. Southside drew without a goal.",
    "/sports/table": "Northend leads by three points. Eastham comes second with a game in hand.",
    "/culture/books": "A first novel about lighthouse keepers leads the list. The author kept one herself.",
    "/culture/music": "The choir sings in the market hall on Friday. Entry is free.",
}


class Site:
    """Serves ``TEXTS`` at a free port of 127.0.0.1.

    ``seen`` counts the requests by page; ``most`` is how many there were at once.
    """

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.most = self._now = 0
        self._lock = threading.Lock()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.port: int = self._server.server_address[1]

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Answer while the block lasts."""
        thread = threading.Thread(target=self._server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    @contextmanager
    def counted(self, path: str) -> Iterator[int]:
        """How often the page was asked for, this time included; counted as at work while the block lasts."""
        with self._lock:
            self.seen[path] += 1
            self._now += 1
            self.most = max(self.most, self._now)
            times = self.seen[path]
        try:
            yield times
        finally:
            with self._lock:
                self._now -= 1

    def told(self, path: str, answer: str) -> None:
        """Print a line about a request."""
        with self._lock:
            print(f"   GET {path:<16} {answer:<32} {self._now} at once", flush=True)


def page(path: str, times: int) -> tuple[int, str]:
    """Status and HTML of a page that is asked for the ``times``-th time."""
    if path not in TEXTS:
        return 404, ""
    if path == "/market/closed" or (path == "/news/flaky" and times <= 2):
        return 503, ""
    name = path.strip("/").replace("/", ": ").capitalize()
    # Half a page arrives the first time: it has no title.
    title = "" if path == "/science/torn" and times == 1 else f"<title>{name}</title>"
    return 200, f"<html><head>{title}</head><body><p>{TEXTS[path]}</p></body></html>"


def _handler(site: Site) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer one request."""
            with site.counted(self.path) as times:
                stalls = self.path == "/weather/slow" and times == 1
                gone, _, _ = select.select([self.connection], [], [], STALLS if stalls else TAKES)
                status, text = page(self.path, times)
                site.told(self.path, "nothing: the client gave up" if gone else str(status))
                if not gone:
                    body = text.encode()
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Print nothing: ``told`` does."""

    return Handler
