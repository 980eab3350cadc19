"""Every way to sign in, and TLS, on real servers of our own configuration."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import nkeys
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mcp_wasm.errors import CallerError, MessageRefused, Unreachable
from mcp_wasm.mesh import options
from mcp_wasm.mesh.connection import Connection
from mcp_wasm.mesh.options import Access, Auth, MeshOptions, Tls
from mcp_wasm.mesh.server import program
from tests.mesh.jwts import creds_of
from tests.mesh.servers import Connect, until

pytestmark = pytest.mark.anyio


@contextlib.asynccontextmanager
async def nats(folder: Path, config: dict[str, Any]) -> AsyncIterator[dict[str, list[str]]]:
    """A server with a configuration, on loopback: where it listens, by protocol."""
    ports = folder / "ports"
    ports.mkdir(exist_ok=True)
    place = folder / "nats.conf"
    text = {"host": "127.0.0.1", "port": -1, "ports_file_dir": str(ports), **config}
    place.write_text(json.dumps(text), encoding="utf-8")
    server = await asyncio.create_subprocess_exec(
        str(program()), "-c", str(place), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        file = ports / f"nats-server_{server.pid}.ports"
        await until(lambda: file.exists() and file.read_bytes().endswith(b"}"))
        yield json.loads(file.read_bytes())
    finally:
        server.kill()
        await server.wait()


async def works(connect: Connect, urls: list[str], **given: Any) -> None:
    one = await connect(urls=tuple(urls), **given)
    await one.flush()


async def fails(connect: Connect, urls: list[str], why: str, **given: Any) -> None:
    with pytest.raises(Unreachable, match=why):
        await connect(urls=tuple(urls), **given)


DENIED = "(?i)authorization violation|authentication"


async def test_a_user_with_a_password(tmp_path: Path, connect: Connect) -> None:
    async with nats(tmp_path, {"authorization": {"user": "me", "password": "secret"}}) as at:
        await works(connect, at["nats"], auth=Auth(user="me", password="secret"))
        await fails(connect, at["nats"], DENIED, auth=Auth(user="me", password="wrong"))
        await fails(connect, at["nats"], DENIED)


async def test_a_token(tmp_path: Path, connect: Connect) -> None:
    async with nats(tmp_path, {"authorization": {"token": "secret"}}) as at:
        await works(connect, at["nats"], auth=Auth(token="secret"))
        await fails(connect, at["nats"], DENIED, auth=Auth(token="wrong"))


def seed(kind: int = nkeys.PREFIX_BYTE_USER) -> tuple[str, str]:
    """A new nkey: its seed and its public key."""
    text = nkeys.encode_seed(secrets.token_bytes(32), kind)
    return text.decode(), nkeys.from_seed(text).public_key.decode()


async def test_an_nkey(tmp_path: Path, connect: Connect) -> None:
    (own, public), (other, _) = seed(), seed()
    async with nats(tmp_path, {"authorization": {"users": [{"nkey": public}]}}) as at:
        await works(connect, at["nats"], auth=Auth(nkey=own))
        await fails(connect, at["nats"], DENIED, auth=Auth(nkey=other))
        await fails(connect, at["nats"], ".", auth=Auth(nkey="nonsense"))


async def test_a_jwt_in_a_credentials_file(tmp_path: Path, connect: Connect) -> None:
    config, creds = creds_of(seed)
    good, bad = tmp_path / "me.creds", tmp_path / "other.creds"
    good.write_text(creds, encoding="ascii")
    bad.write_text(creds_of(seed)[1], encoding="ascii")
    async with nats(tmp_path, config) as at:
        await works(connect, at["nats"], auth=Auth(creds=good))
        await fails(connect, at["nats"], DENIED, auth=Auth(creds=bad))
        await fails(connect, at["nats"], "No such file", auth=Auth(creds=tmp_path / "none"))


def certificates(folder: Path) -> dict[str, str]:
    """A certificate of 127.0.0.1 and nats.test, its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nats.test")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("nats.test"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    made = {"cert_file": str(folder / "cert.pem"), "key_file": str(folder / "key.pem")}
    Path(made["cert_file"]).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    Path(made["key_file"]).write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return made


async def test_tls_and_wss_with_a_certificate_that_is_checked(tmp_path: Path, connect: Connect) -> None:
    made = certificates(tmp_path)
    ca, key = Path(made["cert_file"]), Path(made["key_file"])
    config = {
        "tls": {**made, "ca_file": made["cert_file"], "verify": True},
        "websocket": {"host": "127.0.0.1", "port": -1, "tls": made},
    }
    ours = Tls(ca=ca, cert=ca, key=key)
    async with nats(tmp_path, config) as at:
        tls = [url.replace("nats://", "tls://") for url in at["nats"]]
        await works(connect, tls, tls=ours)
        await works(connect, at["nats"], tls=Tls(ca=ca, cert=ca, key=key, hostname="nats.test"))
        await fails(connect, tls, "certificate", tls=Tls(ca=ca, cert=ca, key=key, hostname="other.test"))
        await fails(connect, tls, "certificate verify failed")
        await fails(connect, tls, ".", tls=Tls(ca=ca))  # the server wants ours
        await works(connect, at["websocket"], tls=ours)
        await fails(connect, at["websocket"], "(?i)certificate|ssl")


async def test_a_password_is_not_sent_where_tls_was_asked_for_and_is_not_offered(
    tmp_path: Path, connect: Connect
) -> None:
    """Whoever is in the middle could claim that the server has none."""
    said = bytearray()

    async def pretend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"server_id":"x","version":"2.15.1","max_payload":1048576,"headers":true}\r\n')
        said.extend(await reader.read(4096))
        writer.close()

    server = await asyncio.start_server(pretend, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    auth = Auth(user="me", password="secret")
    await fails(connect, [f"tls://127.0.0.1:{port}"], "offers no TLS", auth=auth)
    await fails(connect, [f"nats://127.0.0.1:{port}"], "offers no TLS", auth=auth, tls=Tls())
    server.close()
    await server.wait_closed()
    assert said == b""


async def test_websocket(tmp_path: Path, connect: Connect) -> None:
    config = {
        "authorization": {"user": "me", "password": "secret"},
        "websocket": {"host": "127.0.0.1", "port": -1, "no_tls": True},
    }
    async with nats(tmp_path, config) as at:
        one = await connect(urls=tuple(at["websocket"]), auth=Auth(user="me", password="secret"))
        other = await connect(urls=tuple(at["nats"]), auth=Auth(user="me", password="secret"))
        got: list[bytes] = []

        async def hear(message: Any) -> None:
            got.append(message.payload)

        await one.subscribe("s", hear)
        await other.publish("s", bytes(200_000))
        await until(lambda: got)
        assert got == [bytes(200_000)]
        with pytest.raises(MessageRefused):
            await one.publish("s", bytes(2 * 1024 * 1024))


def test_secrets_go_to_other_machines_only_with_tls_or_where_a_person_says_so() -> None:
    """Nothing is connected to: what is refused or asked for is decided before."""
    far = MeshOptions(urls=("nats://nats.example:4222",), auth=Auth(token="t"))
    assert options.access(far)[0].secure
    assert not options.access(MeshOptions(urls=("nats://nats.example",), plaintext=True))[0].secure
    assert not options.access(MeshOptions(urls=("nats://127.0.0.1", "nats://[::1]:1")))[1].secure
    with pytest.raises(CallerError, match="wss://"):
        options.access(MeshOptions(urls=("ws://nats.example",)))
    for hidden in (repr(far), repr(options.access(far))):
        assert "'t'" not in hidden


@pytest.mark.parametrize(
    "url",
    ["", "nats://", "http://h", "h:4222", "nats://u:p@h", "nats://token@h", "nats://h:0", "nats://h:x"],
)
def test_a_url_that_is_none_or_holds_a_secret_is_refused(url: str) -> None:
    with pytest.raises(CallerError, match="URL of NATS"):
        MeshOptions(urls=(url,))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"user": "a", "password": "b", "token": "c"}, "one way"),
        ({"nkey": "a", "creds": Path("b")}, "one way"),
        ({"user": "a"}, "both"),
        ({"password": "a"}, "both"),
    ],
)
def test_ways_to_sign_in_are_not_mixed(given: dict[str, Any], why: str) -> None:
    with pytest.raises(CallerError, match=why):
        Auth(**given)


def test_a_connection_without_servers_says_so() -> None:
    async def main() -> None:
        with pytest.raises(Unreachable, match="no server"):
            await Connection(MeshOptions()).open()
        assert Access("nats://127.0.0.1:1").auth == Auth()

    asyncio.run(main())
