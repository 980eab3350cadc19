from __future__ import annotations

import base64
import hashlib
import hmac
import zlib
from collections.abc import Callable

import pytest

from mcp_wasm.sandbox.report import Outcome

Tool = Callable[[str], Callable[..., Outcome]]
SIZES = (0, 1, 55, 56, 63, 64, 65, 111, 112, 119, 127, 128, 129, 1000)
"""Around the ends of blocks of 64 and 128 bytes, where padding goes wrong."""

ALGORITHMS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")


def raw(data: bytes) -> dict[str, str]:
    return {"tag": "bytes", "val": base64.b64encode(data).decode()}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_digests_agree_with_hashlib_at_every_block_boundary(tool: Tool, algorithm: str) -> None:
    for size in SIZES:
        data = bytes(n * 7 % 256 for n in range(size))
        found = tool("hash")("digest", data=raw(data), algorithm=algorithm).value
        assert isinstance(found, dict)
        digest = hashlib.new(algorithm, data).digest()
        assert (found["hex"], base64.b64decode(found["base64"])) == (digest.hex(), digest)
        assert found["input-bytes"] == size


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("size", SIZES)
def test_hmacs_agree_with_the_standard_library_for_short_and_long_keys(
    tool: Tool, algorithm: str, size: int
) -> None:
    key = bytes(size % 251 for _ in range(size))
    found = tool("hash")("hmac", data=raw(b"message"), key=raw(key), algorithm=algorithm).value
    assert isinstance(found, dict)
    assert found["hex"] == hmac.new(key, b"message", algorithm).hexdigest()


@pytest.mark.parametrize("data", [b"", b"a", b"123456789", bytes(range(256)) * 5, b"\xff" * 70_000])
def test_checksums_agree_with_zlib(tool: Tool, data: bytes) -> None:
    for algorithm, wanted in (("crc32", zlib.crc32(data)), ("adler32", zlib.adler32(data))):
        found = tool("hash")("digest", data=raw(data), algorithm=algorithm).value
        assert isinstance(found, dict)
        assert found["hex"] == f"{wanted:08x}"


def test_crc32c_gives_the_check_value_of_the_catalogue(tool: Tool) -> None:
    found = tool("hash")("digest", data={"tag": "text", "val": "123456789"}, algorithm="crc32c").value
    assert isinstance(found, dict)
    assert found["hex"] == "e3069283"


@pytest.mark.parametrize(
    ("expected", "outcome"),
    [
        ("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", True),
        ("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", True),
        ("sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", True),
        (" 900150983cd24fb0d6963f7d28e17f72\n", True),
        ("0" * 64, False),
    ],
)
def test_verify_reads_digests_as_they_are_published(tool: Tool, expected: str, outcome: bool) -> None:
    found = tool("hash")("verify", data={"tag": "text", "val": "abc"}, expected=expected)
    assert (found.failed, found.value) == (False, outcome)


@pytest.mark.parametrize(
    ("expected", "algorithm", "words"),
    [
        ("", None, "no digest has the length"),
        ("ba78", None, "no digest has the length of the expected one (2 bytes)"),
        ("???", None, "neither hexadecimal nor base64"),
        ("0" * 64, "md5", "has 32 bytes, and md5 makes 16"),
    ],
)
def test_a_digest_that_cannot_be_compared_is_an_error_and_not_a_mismatch(
    tool: Tool, expected: str, algorithm: str | None, words: str
) -> None:
    found = tool("hash")("verify", data={"tag": "text", "val": "abc"}, expected=expected, algorithm=algorithm)
    assert found.failed
    assert words in str(found.value)
