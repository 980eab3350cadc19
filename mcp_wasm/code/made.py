"""Tools made of code: created, replaced, kept, restored and removed.

What a model made lives until its client leaves or the server ends, unless a
person keeps it. It has no grants: those that people give are for the digest of
one version, and another version waits for them anew. It can take no name that
something else has or that a policy names.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from mcp_wasm.build.toolchain import Progress, silent
from mcp_wasm.code import made_files
from mcp_wasm.code import made_rules as rules
from mcp_wasm.code.made_contract import FREE, PERSON, Edition, Made, Terms, Wanted
from mcp_wasm.code.made_shown import Shown
from mcp_wasm.code.made_state import Host, State
from mcp_wasm.code.made_takeover import Takeovers
from mcp_wasm.errors import CallerError, Cancelled
from mcp_wasm.registry.tool import Component


class MadeTools:
    """The made tools of a runtime; use it from any thread."""

    def __init__(self, home: Path, host: Host) -> None:
        self._host, self._state = host, State(home, host)
        self._takeovers = Takeovers(self._state)
        self._shown = Shown(self._state, self._takeovers)
        self._making: set[str] = set()

    def load(self, *, compiling: bool = False) -> None:
        """Publish what people kept, and follow what other processes keep and remove from now on.

        With ``compiling`` each kept script is compiled in the background, as a server
        does; a component of its own then takes over from the runner.
        """
        self._state.following = True
        self.sync()
        if compiling:
            self._takeovers.begin()

    def sync(self) -> None:
        """Bring what is published up to what is kept; costs one ``stat`` while nothing changes."""
        if self._state.sync():
            self._takeovers.look()

    def create(self, wanted: Wanted, *, by: str, client: str, terms: Terms = FREE) -> Made:
        """A tool of ``wanted``, or a new version of the one that ``client`` made under that name.

        ``by`` is who made it, as people read it. Its tests run before it is published.

        Raises:
            SignatureRefused: the code cannot be typed, with line, column and reason.
            BuildFailed, NotConfined, ToolchainMissing: it cannot be compiled.
            TestsFailed: tests do not hold, each with what came instead.
            Cancelled: nobody waited for it to the end (``terms``), and nothing was published.
            CallerError: the name is taken, or there are too many or too large ones.
        """
        rules.check(wanted)
        name = rules.name_of(wanted.name)
        self.sync()
        with self._alone(name):
            with self._state.lock:
                self._state.refuse(name, client)
                version, over = self._state.next(name)
            edition = self._host.maker().edition(wanted, name, rules.plain(by), client, _now())
            edition = replace(edition, version=version, over=over)
            return self._place(edition, client, terms, file=wanted.file)

    def unlisted(self, wanted: Wanted, folder: Path) -> Component:
        """The component of a person's own source, which is no tool: nobody else sees it.

        What is compiled of it is put into ``folder``, by its digest.

        Raises:
            SignatureRefused: the code cannot be typed, or lacks what its world exports.
            BuildFailed, NotConfined, ToolchainMissing: it cannot be compiled.
        """
        rules.check(wanted)
        maker = self._host.maker()
        edition = maker.edition(wanted, rules.name_of(wanted.name), PERSON, PERSON, _now())
        place = folder / edition.digest
        if not place.is_dir():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            made_files.write(place, edition, durable=False)
        return maker.component(edition, place)

    def list(self, client: str | None = None) -> tuple[Made, ...]:
        """The made tools of this process, by name; for None also those in sessions of other processes."""
        self.sync()
        with self._state.lock:
            found = self._state.all() + (self._state.others() if client is None else [])
            return tuple(sorted(map(self._shown.of, found), key=lambda made: (made.name, made.kept)))

    def show(self, name: str, *, client: str | None = None, digest: str = "") -> Made:
        """One made tool with its versions; ``client`` sees what is kept and what it made, None all.

        Of several with that name a person (None) means the one whose digest begins with ``digest``.

        Raises:
            CallerError: there is none of that name, or of that digest, for it.
        """
        self.sync()
        with self._state.lock:
            found = self._state.visible(name, client, digest)
            if not found.digest.startswith(digest):
                raise CallerError(f"There is no version of {name} whose digest begins with {digest[:64]}.")
            return self._shown.whole(found, waiting=client is None)

    def keep(self, name: str, *, by: str, digest: str = "", description: str | None = None) -> Made:
        """Let a tool outlive its session, as the person ``by`` decided for the version ``digest`` (or any).

        The beginning of a digest will do. ``description`` is what that person was shown of it, which no
        digest holds.

        Raises:
            CallerError: there is none of that name, it is another version by now, or the name was taken.
        """
        self.sync()
        state = self._state
        with state.lock, state.store.writing():
            found = state.visible(name, None, digest)
            if digest and not found.digest.startswith(digest):
                told = f"{name} is another version by now ({found.digest[:12]}, not {digest[:12]})"
                raise CallerError(f"{told}. Look at it again.")
            if found.kept_by:
                if not digest:
                    rules.refuse_unsaid(found, state.others(name))
                return self.show(name)
            if description is not None and found.description != description:
                raise CallerError(f"{name} says something else of itself by now. Look at it again.")
            now = state.store.kept().get(name)
            rules.refuse_kept_meanwhile(found, now, damaged=now is None and state.store.has(name))
            state.refuse_installed(name)
            history = {} if now is not None else self._state.history(found)
            kept = replace(found, kept_by=rules.plain(by), kept_at=_now(), over="")
            state.kept[name] = state.store.keep(kept, history)
            state.drop(name)
            state.show(name, f"version {state.kept[name].version}, kept by {kept.kept_by}")
        self._takeovers.look()
        return self.show(name)

    def compile(self, name: str, progress: Progress = silent) -> Path:
        """The component that a tool is compiled to, by a toolchain where it is a script; takes some seconds.

        Raises:
            BuildFailed: it cannot be compiled, with the reason.
            CallerError: there is none of that name.
        """
        self.sync()
        with self._state.lock:
            found = self._state.visible(name, None)
            if found.binary is not None:
                return self._state.folder(found) / made_files.BINARY
        return self._takeovers.compile(found, progress)

    def export(self, name: str, out: Path, progress: Progress = silent) -> Path:
        """Write a tool as a component for any runtime, with its WIT beside it; the component's path.

        ``out`` is a folder, or the path of the ``.wasm`` file.

        Raises:
            BuildFailed: it cannot be compiled, with the reason.
            CallerError: there is none of that name.
            OSError: it cannot be written.
        """
        path = self.compile(name, progress)
        target = out if out.suffix == ".wasm" else out / f"{name}.wasm"
        target.parent.mkdir(parents=True, exist_ok=True)
        wit = path.with_name(made_files.WIT)
        shown = self._host.index.component(name)
        text = wit.read_text("utf-8") if wit.is_file() else shown.wit if shown is not None else ""
        target.with_suffix(".wit").write_text(text, encoding="utf-8")
        target.write_bytes(path.read_bytes())
        return target

    def restore(self, name: str, version: int, *, by: str, client: str | None = None) -> Made:
        """An earlier version of a tool as its newest one; a person's (None) of a kept tool is kept at once.

        Raises:
            CallerError: there is no such tool or version, or it is not ``client``'s.
        """
        self.sync()
        state, asks = self._state, PERSON if client is None else client
        with self._alone(name):
            with state.lock:
                found = state.visible(name, client)
                if state.current(name) is not found:
                    raise CallerError(f"{name} is in a server's session. Keep it first: mcp-wasm keep {name}")
                history = self._state.history(found)
                if version not in history:
                    there = ", ".join(map(str, history))
                    raise CallerError(f"{name} has no version {version}; there are: {there}.")
                old = made_files.read(history[version])
                state.refuse(name, asks)
                number, over = state.next(name)
            again = replace(old, version=number, over=over, created_at=_now(), created_by=rules.plain(by))
            # A model's version stays a model's, whose builds are confined, also over a person's.
            again = replace(again, client=found.client or old.client, kept_by="", kept_at="")
            made = self._place(again, asks, FREE, tested=False)
        return self.keep(name, by=by, digest=made.digest) if client is None and found.kept_by else made

    def remove(self, name: str, *, by: str, client: str | None = None) -> Made:
        """Take a tool away: for a model (``client``) what it made and nobody kept, for a person (None) any.

        Raises:
            CallerError: there is none of that name that may be removed.
        """
        self.sync()
        state = self._state
        with state.lock, state.store.writing():
            if client is None and state.current(name) is None and state.store.remove(name):
                told = "failed: it could not be used as it was on disk"
                return Made(name, "", "", "", (), "", "", "", "", 0, kept=True, compiled=told)
            found = state.visible(name, client)
            if client is not None and found.kept_by:
                raise CallerError(f"{name} was kept by a person, and only a person can remove it.")
            gone = self._shown.whole(found)
            if not found.kept_by:
                state.store.discard(found, state.session_of(found))
                state.own.pop(name, None)
            if client is None and state.kept.pop(name, None) is not None:
                state.store.remove(name)
            state.show(name, f"by {rules.plain(by)}")
            return gone

    def end(self, client: str) -> None:
        """The connection of ``client`` has ended: what it made and nobody kept goes."""
        with self._state.lock:
            for name in [name for name, each in self._state.own.items() if each.client == client]:
                self._state.drop(name)
                self._state.show(name)

    def close(self) -> None:
        """What nobody kept goes; what is kept stays on disk."""
        self._takeovers.close()
        with self._state.lock:
            self._state.close()

    def gives_way(self, component: Component) -> bool:
        """Whether a component was made here, and so gives way to one that a person installs."""
        return self._state.is_made(component)

    def _place(
        self, edition: Edition, asks: str, terms: Terms, *, tested: bool = True, file: str = ""
    ) -> Made:
        """Try ``edition`` where nobody sees it, its source called ``file``, then publish it."""
        from mcp_wasm.code import made_trial  # with the modules that ``maker`` loads

        state = self._state
        with state.lock:
            session = state.session()
        with state.store.staged(session, edition) as folder:
            component = self._host.maker().component(edition, folder)
            rules.refuse_taken_tools(component, self._host.index)
            rules.refuse_not_allowed(component, terms.may)
            if component.script is None:
                self._host.prepare(component).result()  # while its file is where it was looked at
            if tested:
                call = made_trial.within(terms, partial(self._host.call, edition.client, terms.limits))
                called = made_trial.called(component, file)
                made_trial.check(called, edition.names, edition.tests, call)
            with state.lock:
                if terms.given_up():
                    raise Cancelled
                state.refuse(edition.name, asks)  # others were at work meanwhile
                rules.refuse_taken_tools(component, self._host.index)
                told = f"version {edition.version}, {edition.language} code by {edition.created_by}"
                state.put(folder, edition, told)
        return self.show(edition.name)

    @contextlib.contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """One version of ``name`` at a time."""
        with self._state.lock:
            if name in self._making:
                raise CallerError(f"{name} is being made already. Wait for that to end.")
            self._making.add(name)
        try:
            yield
        finally:
            with self._state.lock:
                self._making.discard(name)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
