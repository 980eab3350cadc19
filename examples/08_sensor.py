"""A sensor agent on two nodes: a model of the host, kept counts, a log, alarms, and a node that is killed.

    pip install 'mcp-wasm[mesh,nn,build]'
    python examples/08_sensor.py

The node ``plant`` has the sensor agent: a component built by componentize-py that runs a model through
``wasi:nn``, counts through ``wasi:keyvalue`` and writes to the log through ``wasi:logging``, all three as
granted in ``agents/sensor/plant.toml``. The node ``office``, another process, has two agents in JavaScript:
one sends readings, one gets alarms. Between the nodes is the NATS server that the first one starts. The
node ``plant`` is killed in the midst of its work, more readings are sent while it is away, and it is
started again: no reading that was stored is lost, some are given twice, none counts twice.

The first run builds the component and compiles it, less than a minute; later ones take seconds.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agents.sensor import train
from printing import heading

from mcp_wasm.build.languages import compile_component
from mcp_wasm.build.toolchain import Source

HERE = Path(__file__).parent
SENSOR = HERE / "agents" / "sensor"
WIT = HERE.parent / "wit"
PACKAGES = (
    "mcp-wasm-agent-0.1.0",
    "wasi-nn-0.2.0-rc-2024-10-28",
    "wasi-keyvalue-0.2.0-draft2",
    "wasi-logging-0.1.0-draft",
)
FIRST, SECOND = 100, 50
"""Readings that are sent before the node is killed, and while it is away."""

FAILING = 25
"""The sensor's node is killed when its log tells of this reading: in the midst of the first ones."""

_PATIENCE_S = 120.0


def main() -> int:
    """Run the example; the exit code."""
    parser = argparse.ArgumentParser(description="A sensor agent on two nodes, one of which is killed.")
    parser.add_argument(
        "--folder",
        type=Path,
        default=HERE.parent / "build-out" / "sensor",
        help="where everything is put (default: %(default)s)",
    )
    folder = parser.parse_args().folder.resolve()
    heading("1. The model and the component")
    prepare(folder)
    heading("2. Two nodes, each a process of its own; one NATS server between them")
    with node(folder, "office") as office:
        with node(folder, "plant") as plant:
            heading(f"3. {FIRST} readings; the sensor's node is killed at number {FAILING}")
            office.send("probes", first=1, count=FIRST)
            plant.wait(f"reading {FAILING},", "the log of the sensor")
            plant.process.kill()
            print(f"   kill -9 {plant.process.pid}: it ends with {plant.process.wait()}")
        heading(f"4. {SECOND} more while it is away")
        office.send("probes", first=FIRST + 1, count=SECOND)
        until(lambda: office.handled("probes") == 2, "the readings to be stored")
        print("   all of them are stored: JetStream said so before the agent's message counted as handled")
        heading("5. It is started again")
        with node(folder, "plant") as plant:
            total = FIRST + SECOND
            until(
                lambda: sum(plant.ask("sensor", what="counts")["counts"].values()) >= total,
                "every reading to be counted",
            )
            until(lambda: len(office.ask("alarms", what="told")["numbers"]) >= total // 25, "the alarms")
            return checked(plant.ask("sensor", what="counts"), office.ask("alarms", what="told"), plant.home)


def prepare(folder: Path) -> None:
    """Make the folder as a person would set it up; what an earlier run kept goes, save what was compiled."""
    (folder / "models").mkdir(parents=True, exist_ok=True)
    for kept in ("agents", "mesh", "state"):
        shutil.rmtree(folder / "home" / kept, ignore_errors=True)
    (folder / "models" / "readings.onnx").write_bytes(train.model())
    print(f"   the model: {(folder / 'models' / 'readings.onnx').stat().st_size} bytes of ONNX")
    for name in ("plant.toml", "office.toml", "probes.js", "alarms.js"):
        (folder / name).write_bytes((SENSOR / name).read_bytes())
        # It says what agents may do: one that others can write is refused.
        (folder / name).chmod(0o644)
    wit = world()
    sources = wit + (SENSOR / "guest" / "app.py").read_text(encoding="utf-8")
    digest, component, built = hashlib.sha256(sources.encode()), folder / "sensor.wasm", folder / "sensor.of"
    if not component.exists() or not built.exists() or built.read_text("ascii") != digest.hexdigest():
        source = Source("sensor", SENSOR / "guest", "app.py", wit, "sensor")
        component.write_bytes(
            compile_component(
                "python", source, trusted=True, progress=lambda step: print(f"   {step} …", flush=True)
            )
        )
        built.write_text(digest.hexdigest(), "ascii")
    print(f"   the component: {component.stat().st_size:,} bytes")


def world() -> str:
    """The world of the component, with the packages that it names nested in its file."""
    text = (SENSOR / "guest" / "world.wit").read_text(encoding="utf-8")
    for package in PACKAGES:
        files = sorted((WIT / package).glob("*.wit"))
        whole = "".join(file.read_text(encoding="utf-8") for file in files)
        names = re.findall(r"^package (.+);$", whole, re.MULTILINE)
        text += f"package {names[0]} {{\n{re.sub(r'^package .+;$', '', whole, flags=re.MULTILINE)}}}\n"
    return text


class Node:
    """A process ``mcp-wasm agents run`` for one tree file."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name, self.home, self._folder = name, folder / "home", folder
        self._log = (folder / f"{name}.log").open("a", encoding="utf-8")
        self._said: queue.Queue[str] = queue.Queue()
        command = self._command("agents", "run", str(folder / f"{name}.toml"))
        self.process = subprocess.Popen(
            command, stdout=self._log, stderr=subprocess.PIPE, text=True, encoding="utf-8", cwd=folder
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "mcp_wasm", *words, "--home", str(self.home)]

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._log.write(line)
            self._said.put(line.rstrip())
            if "is failing" in line:
                print(f"   {self.name}: {line.strip()[:110]}", flush=True)

    def wait(self, words: str, what: str) -> None:
        """Wait until it says ``words``."""
        end = time.monotonic() + _PATIENCE_S
        while True:
            try:
                if words in self._said.get(timeout=0.2):
                    return
            except queue.Empty:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise SystemExit(f"{self.name}: {what} did not come; see {self._log.name}") from None

    def type(self, *words: str) -> Any:
        """Type a command for its tree; the JSON that it prints."""
        done = subprocess.run(
            self._command(*words, "--tree", self.name), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"mcp-wasm {' '.join(words)}: {done.stderr}")
        return json.loads(done.stdout)

    def send(self, agent: str, **payload: Any) -> None:
        """Send a message to one of its agents."""
        print(f"   $ mcp-wasm agents send {agent} '{json.dumps(payload)}'", flush=True)
        command = self._command("agents", "send", agent, json.dumps(payload), "--tree", self.name)
        subprocess.run(command, check=True, capture_output=True)

    def ask(self, agent: str, **payload: Any) -> Any:
        """Ask one of its agents."""
        return self.type("agents", "ask", agent, json.dumps(payload))

    def handled(self, agent: str) -> int:
        """How many messages one of its agents has handled."""
        views = self.type("agents", "tree", "--json")["views"]
        return int(next(view["handled"] for view in views if view["path"] == agent))

    def end(self) -> None:
        """Stop it, if it still runs."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)
        self._reader.join()
        for each in (self.process.stderr, self._log):
            if each is not None:
                each.close()


@contextmanager
def node(folder: Path, name: str) -> Iterator[Node]:
    """A node that runs while the block does."""
    print(f"   $ mcp-wasm agents run {name}.toml", flush=True)
    found = Node(folder, name)
    try:
        found.wait(" runs.", "its start")
        yield found
    finally:
        found.end()


def until(true: Callable[[], bool], what: str) -> None:
    """Look again and again until it is so."""
    end = time.monotonic() + _PATIENCE_S
    while not true():
        if time.monotonic() > end:
            raise SystemExit(f"waited in vain for {what}")


def checked(counted: dict[str, Any], told: dict[str, Any], home: Path) -> int:
    """Compare what was counted with what was sent; 1 if it is not the same."""
    heading("6. What came of it")
    numbers = range(1, FIRST + SECOND + 1)
    sent = collections.Counter(
        "failing" if n % FAILING == 0 else "worn" if n % 10 == 0 else "normal" for n in numbers
    )
    seen = sorted(number for each in counted["seen"].values() for number in each)
    failing = [number for number in numbers if number % FAILING == 0]
    good = {
        f"each of the {len(numbers)} readings was counted, once": seen == list(numbers),
        f"the model's classes are those of the pumps: {dict(sorted(sent.items()))}": counted["counts"]
        == sent,
        f"alarms came to the other node, each once: {failing}": sorted(told["numbers"]) == failing,
    }
    for name, is_so in good.items():
        print(f"   {'yes' if is_so else 'NO '}  {name}")
    print(f"   readings that were given again after the kill, and not counted again: {counted['again']}")
    print(f"   alarms that came again, under an id that was seen: {told['again']}")
    print("   At least once: a reading is done with when all that its handling asked for is done. An agent")
    print(
        "   that is killed before gets it again, after newer ones, under the same id, and has to bear that."
    )
    print(f"   everything is in {os.path.relpath(home.parent)}")
    print("Everything came out as it should." if all(good.values()) else "That is not as it should be.")
    return 0 if all(good.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
