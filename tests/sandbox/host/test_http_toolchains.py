"""Components of public toolchains over ``wasi:http``, unmodified; Python is in ``examples/04_http.py``."""

from __future__ import annotations

import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from mcp_wasm.runtime import Runtime
from tests.sandbox.host.http_guests import grant
from tests.sandbox.network.server import Seen, ok, serving

WORLD = """package test:js;
world fetcher {
    export get: func(url: string) -> string;
    export patient: func(url: string, milliseconds: u32) -> string;
}
"""
SOURCE = """
export async function get(url) {
  const answer = await fetch(url, { method: "POST", headers: { "x-from": "starling" }, body: "a body" });
  return `${answer.status} ${answer.headers.get("x-answer")} ${await answer.text()}`;
}
export async function patient(url, milliseconds) {
  const timer = new Promise((resolve) => setTimeout(() => resolve("gave up"), milliseconds));
  return Promise.race([get(url), timer]);
}
"""
BUILD = """
import { componentize } from "@bytecodealliance/componentize-js";
import { writeFile } from "node:fs/promises";
const built = await componentize({ sourcePath: "app.js", witPath: "wit", worldName: "fetcher" });
await writeFile("fetcher.wasm", built.component);
"""


@pytest.mark.toolchain
@pytest.mark.timeout(900)
def test_fetch_and_timers_of_javascript_run_as_they_are(tmp_path: Path) -> None:
    """StarlingMonkey, the engine of componentize-js, has ``fetch`` over ``wasi:http`` 0.2.10."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    component = _built(tmp_path / "build")
    held = threading.Event()

    def reply(seen: Seen, _connection: object) -> bytes:
        if "/held" in seen.line:
            held.wait(60)
        return ok(seen.body, "X-Answer: yes")

    with serving(reply) as server, Runtime(home=tmp_path / "home") as runtime:
        runtime.add(component)
        here, grants = f"http://{server.authority}", [grant(server.port, "POST")]
        done = runtime.call_sync("fetcher_get", {"url": f"{here}/a"}, approved=grants)
        assert done.value == "200 yes a body"
        assert server.seen[0].header("x-from") == ["starling"]
        late = {"url": f"{here}/held", "milliseconds": 50}
        assert runtime.call_sync("fetcher_patient", late, approved=grants).value == "gave up"
        held.set()


def _built(folder: Path) -> Path:
    (folder / "wit").mkdir(parents=True)
    (folder / "wit" / "world.wit").write_text(WORLD, encoding="utf-8")
    (folder / "app.js").write_text(SOURCE, encoding="utf-8")
    (folder / "build.mjs").write_text(BUILD, encoding="utf-8")
    (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
    package = "@bytecodealliance/componentize-js@0.23.0"
    for command in (["npm", "install", "--no-audit", "--no-fund", package], ["node", "build.mjs"]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=400, check=False)
        if done.returncode:
            # What is tested is a component of that toolchain. That its 160 packages, of which most
            # have no fixed version, install and run today is not ours to promise.
            pytest.skip(f"{' '.join(command)} failed: {done.stdout[-500:]}{done.stderr[-1500:]}")
    return folder / "fetcher.wasm"
