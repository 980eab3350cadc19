"""TLS: certificates are verified against the name, over a connection to a checked address."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mcp_wasm.capability.grant import Network
from mcp_wasm.sandbox.network.failure import Failure
from mcp_wasm.sandbox.network.message import Answer, Request
from tests.sandbox.network.connections import PUBLIC, Recorder
from tests.sandbox.network.server import Server, ok, serving


@dataclass
class Tls:
    """A server for ``example.com`` whose certificate ``client`` trusts; ``names`` are those asked for."""

    server: Server
    client: ssl.SSLContext
    names: list[str]


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[Tls]:
    pem = tmp_path / "server.pem"
    pem.write_bytes(_certificate("example.com"))
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(pem)
    names: list[str] = []
    server_side.sni_callback = lambda _socket, name, _context: names.append(name)
    client_side = ssl.create_default_context(cafile=str(pem))
    with serving(lambda *_: ok(b"secure"), server_side) as server:
        yield Tls(server, client_side, names)


def _certificate(name: str) -> bytes:
    """A key and a certificate of its own for ``name``, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private + made.public_bytes(encoding)


def send(tls: Tls, host: str, folder: Path, *, trusted: bool = True) -> Answer:
    network = Recorder({host: [[PUBLIC]]}, to=tls.server.port)
    client = network.client(tls.client if trusted else ssl.create_default_context())
    session = client.session()
    try:
        request = Request(
            component="it",
            method="GET",
            scheme="https",
            host=host,
            port=443,
            target="/",
            headers=(),
            body=None,
            size=0,
            into=folder / "answer",
            grant=Network((host,)),
            deadline=time.monotonic() + 10,
        )
        answer = session.start(request).result(15)
        assert network.dialled == [(PUBLIC, 443)]
        return answer
    finally:
        session.close()
        client.close()


def test_the_name_is_sent_and_verified(tls: Tls, tmp_path: Path) -> None:
    assert send(tls, "example.com", tmp_path).status == 200
    assert tls.names == ["example.com"]
    assert tls.server.seen[0].header("host") == ["example.com"]


@pytest.mark.parametrize(("host", "trusted"), [("other.example", True), ("example.com", False)])
def test_a_certificate_that_is_not_the_hosts_is_refused(
    tls: Tls, tmp_path: Path, host: str, trusted: bool
) -> None:
    with pytest.raises(Failure, match="TLS-certificate-error"):
        send(tls, host, tmp_path, trusted=trusted)
    assert tls.server.seen == []
