"""A key only goes where the certificate is that of the name, and is believed."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_wasm.errors import LlmUnreachable
from mcp_wasm.llm.options import ProviderOptions
from mcp_wasm.llm.protocol import Provider, Request
from mcp_wasm.llm.providers import provider
from tests.llm.wire import KEY, json_reply, openai_answer
from tests.sandbox.network.server import Server, serving
from tests.sandbox.network.test_tls import _certificate

ASK = Request(text="Hi.", model="m", max_tokens=5)


@contextlib.contextmanager
def tls(tmp_path: Path, name: str) -> Iterator[tuple[Server, Path]]:
    """A provider over TLS, with a certificate for ``name`` that only its own file vouches for."""
    pem = tmp_path / "server.pem"
    pem.write_bytes(_certificate(name))
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(pem)
    with serving(lambda *_: json_reply(openai_answer()), server_side) as server:
        yield server, pem


def at(server: Server, ca: Path | None) -> Provider:
    base_url = f"https://localhost:{server.port}/v1"
    return provider(ProviderOptions("p", "openai", "m", base_url, "env:K", retries=0, ca=ca), lambda: KEY)


@pytest.mark.anyio
async def test_a_certificate_that_is_believed_for_its_name_gets_the_key(tmp_path: Path) -> None:
    with tls(tmp_path, "localhost") as (server, pem):
        found = at(server, pem)
        assert (await found.ask(ASK)).text == "Hello."
        await found.aclose()
    assert server.seen[0].header("authorization") == [f"Bearer {KEY}"]


@pytest.mark.anyio
async def test_a_certificate_for_another_name_gets_no_key(tmp_path: Path) -> None:
    with tls(tmp_path, "other.example") as (server, pem):
        found = at(server, pem)
        with pytest.raises(LlmUnreachable, match="no connection to it could be made"):
            await found.ask(ASK)
        await found.aclose()
    assert (server.connections, server.seen) == (1, [])


@pytest.mark.anyio
async def test_a_file_without_certificates_is_named(tmp_path: Path) -> None:
    with tls(tmp_path, "localhost") as (server, _):
        for path in (tmp_path / "missing.pem", tmp_path):
            with pytest.raises(LlmUnreachable, match=f"its certificates cannot be read from {path}"):
                await at(server, path).ask(ASK)
    assert server.connections == 0


@pytest.mark.anyio
async def test_a_certificate_that_nobody_vouches_for_gets_no_key(tmp_path: Path) -> None:
    """An attack: somebody on the way answers for the provider, under its name."""
    with tls(tmp_path, "localhost") as (server, _):
        found = at(server, None)
        with pytest.raises(LlmUnreachable, match="no connection to it could be made"):
            await found.ask(ASK)
        await found.aclose()
        server.settled()
    assert (server.connections, server.seen) == (1, [])
