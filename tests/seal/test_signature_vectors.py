"""RFC 9421 appendix B.2.6 (Ed25519) and RFC 9530 appendix B: the standards' own examples, both ways."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from vedette.core import Unauthenticated
from vedette.seal import SigningKey, VerifyKey, check_content_digest, content_digest
from vedette.seal.fields import InnerList, parse_dictionary, serialize
from vedette.seal.signature import signature_base

PRIVATE_PEM = b"""-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----
"""
PUBLIC_RAW = base64.b64decode("JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=")
INPUT = (
    'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")'
    ';created=1618884473;keyid="test-key-ed25519"'
)
SIGNATURE = (
    "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1"
    "u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:"
)
VALUES = {
    "date": "Tue, 20 Apr 2021 02:07:55 GMT",
    "@method": "POST",
    "@path": "/foo",
    "@authority": "example.com",
    "content-type": "application/json",
    "content-length": "18",
}
BASE = b"""\
"date": Tue, 20 Apr 2021 02:07:55 GMT
"@method": POST
"@path": /foo
"@authority": example.com
"content-type": application/json
"content-length": 18
"@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519\""""


def signing_key() -> SigningKey:
    key = load_pem_private_key(PRIVATE_PEM, password=None)
    assert isinstance(key, Ed25519PrivateKey)
    return SigningKey(key.private_bytes_raw())


def base_of_the_example() -> bytes:
    member = parse_dictionary(INPUT)["sig-b26"]
    assert isinstance(member, InnerList)
    covered = tuple(str(item.value) for item in member.value)
    return signature_base(covered, serialize(member), VALUES.__getitem__)


def test_the_signature_base_is_the_rfcs() -> None:
    assert base_of_the_example() == BASE


def test_signing_the_rfcs_example_gives_the_rfcs_signature() -> None:
    key = signing_key()
    assert key.public == VerifyKey(PUBLIC_RAW)
    expected = parse_dictionary(SIGNATURE)["sig-b26"].value
    assert key.sign(base_of_the_example()) == expected


def test_the_rfcs_signature_verifies_and_no_other_does() -> None:
    signature = parse_dictionary(SIGNATURE)["sig-b26"].value
    assert isinstance(signature, bytes)
    key = VerifyKey(PUBLIC_RAW)
    assert key.verify(signature, base_of_the_example())
    assert not key.verify(signature, base_of_the_example().replace(b"/foo", b"/bar"))
    assert not key.verify(signature[:-1] + b"\x00", base_of_the_example())


# RFC 9530 appendix B.1: the content ends in a line feed; B.2 and others: without content; RFC 9421 B.2: without line feed.
DIGESTS = [
    (b'{"hello": "world"}\n', "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"),
    (b"", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"),
    (b'{"hello": "world"}', "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"),
]
SHA512 = (
    "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+Ab"
    "wAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"
)


@pytest.mark.parametrize(("body", "field"), DIGESTS)
def test_content_digest_is_the_rfcs(body: bytes, field: str) -> None:
    assert content_digest(body) == field
    check_content_digest(field, body)


def test_a_sha_512_digest_alone_or_beside_is_checked_too() -> None:
    body = b'{"hello": "world"}'
    check_content_digest(SHA512, body)
    check_content_digest(f"{DIGESTS[2][1]}, {SHA512}, md5=:AAAA:", body)


@pytest.mark.parametrize(
    "field",
    [
        "",
        "md5=:AAAA:",
        "sha-256",
        "sha-256=X48E",
        "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=",
        "sha-256=:X48E:",
        "sha-256=(:X48E:)",
        DIGESTS[0][1],
        f"{DIGESTS[2][1]}, {SHA512.replace('WZDP', 'WZDQ')}",
    ],
)
def test_a_digest_that_is_missing_malformed_or_of_another_body_is_refused(field: str) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        check_content_digest(field, b'{"hello": "world"}')
    assert refusal.value.kind == "bad-digest"
