"""Targets: Structured Fields, Content-Digest, and the signature of a request."""

import base64
import hashlib
from random import Random

import http_sf
from tests.fuzz.target import Target, refusing

from vedette.seal import (
    SigningKey,
    check_content_digest,
    content_digest,
    read_signature,
    sign_request,
    verify_request,
)
from vedette.seal.fields import FieldError, parse_dictionary, serialize

__all__ = ["SIGNATURES"]

_KEY = SigningKey.generate()
_BODY = b"the body"
_PARTS = ["POST", "/v1/snapshots", "a=1", "digest", "input", "signature", "body"]
_GOOD = sign_request(
    _KEY,
    keyid=_KEY.kid,
    method=_PARTS[0],
    path=_PARTS[1],
    query=_PARTS[2],
    body=_BODY,
    created=1_700_000_000,
    nonce="n-1",
)
_REQUEST = (
    *_PARTS[:3],
    _GOOD["Content-Digest"],
    _GOOD["Signature-Input"],
    _GOOD["Signature"],
    _BODY.decode(),
)


def _check_fields(data: bytes) -> None:
    text = data.decode("latin-1")
    try:
        members = parse_dictionary(text)
    except FieldError:
        return
    again = ", ".join(f"{key}={serialize(member)}" for key, member in members.items())
    if len(again) <= 8192:
        assert parse_dictionary(again) == members
    if text.strip(" "):
        oracle = http_sf.parse(text.encode("latin-1"), tltype="dictionary")
        assert isinstance(oracle, dict)
        assert sorted(oracle) == sorted(members)


def _check_digest(data: bytes) -> None:
    field = data.decode("latin-1")
    with refusing({"bad-digest"}):
        check_content_digest(field, _BODY)
        fitting = (hashlib.sha256(_BODY).digest(), hashlib.sha512(_BODY).digest())
        assert any(base64.b64encode(one).decode().rstrip("=")[:-1] in field for one in fitting)


def _check_signature(data: bytes) -> None:
    inputs, _, signature = data.decode("latin-1").partition("\n")
    with refusing({"missing-signature", "bad-signature"}):
        read = read_signature({"signature-input": inputs, "signature": signature})
        assert len(read.signature) == 64
        assert len(read.covered) <= 32
        assert read.created >= 0
        assert 1 <= len(read.nonce) <= 128


def _check_request(data: bytes) -> None:
    """A signed request with edits. Each line of the input is one: which part, where, how much is cut, what is put in."""
    parts = list(_REQUEST)
    for line in data.split(b"\n")[:8]:
        if len(line) >= 3:
            which, text = line[0] % len(parts), parts[line[0] % len(parts)]
            at = line[1] % (len(text) + 1)
            put = line[3:].decode("latin-1")
            parts[which] = text[:at] + put + text[at + line[2] % 16 :]
    method, path, query, digest, inputs, signature, body = parts
    headers = {"Content-Digest": digest, "Signature-Input": inputs, "Signature": signature}
    with refusing({"missing-signature", "bad-signature", "bad-digest"}):
        read = read_signature(headers)
        verify_request(
            read,
            _KEY.public,
            method=method,
            path=path,
            query=query,
            body=body.encode("latin-1"),
            headers=headers,
        )
        assert (method, path, query, body) == (*_REQUEST[:3], _BODY.decode()), "a forgery passed"
        assert (read.keyid, read.created, read.nonce) == (_KEY.kid, 1_700_000_000, "n-1")


def _edit(data: bytes, random: Random) -> bytes:
    line = bytes([random.randrange(7), random.randrange(256), random.randrange(16)])
    line += random.choice(_WORDS) if random.random() < 0.5 else random.randbytes(2)
    return data + b"\n" + line.replace(b"\n", b"")


_WORDS = (
    b'"@method"',
    b'"@path"',
    b'"@query"',
    b'"content-digest"',
    b'"@authority"',
    b";created=1700000000",
    b";nonce=",
    b";keyid=",
    b';alg="ed25519"',
    b";expires=1",
    b"vedette=(",
    b"sha-256=:",
    b"sha-512=:",
    b", ",
    b"?1",
    b":AA==:",
    b";req",
    b"\\",
)
SIGNATURES = (
    Target(
        "fields",
        _check_fields,
        (_GOOD["Signature-Input"].encode(), b"a, b;x=?0, c=(1 tok;p :AA==:)", b"a=-1, a=2"),
        _WORDS,
        max_len=9000,
    ),
    Target(
        "digest",
        _check_digest,
        (
            content_digest(_BODY).encode(),
            b"md5=:AA==:, " + content_digest(_BODY).encode(),
            b"sha-512=:" + base64.b64encode(hashlib.sha512(_BODY).digest()) + b":",
        ),
        _WORDS,
    ),
    Target(
        "signature",
        _check_signature,
        (
            f"{_GOOD['Signature-Input']}\n{_GOOD['Signature']}".encode(),
            f"proxy=(), {_GOOD['Signature-Input']}\nproxy=:AA==:, {_GOOD['Signature']}".encode(),
        ),
        _WORDS,
        max_len=18_000,
    ),
    Target("request", _check_request, (b"", b"\x04\x00\x00x", b"\x03\x00\x00 "), _WORDS, _edit),
)
