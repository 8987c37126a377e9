"""Signed requests: round trips, every tampering, and an independent library as oracle in both directions."""

import contextlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    algorithms,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from vedette.core import Unauthenticated
from vedette.seal import SigningKey, content_digest, read_signature, sign_request, verify_request

RAW = bytes(range(32))
KEY = SigningKey(RAW)
BODY = b"\x00sealed\xff"
COVERED = ("@method", "@path", "@query", "content-digest")
NOW = datetime.now(UTC)  # noqa: TID251 - the oracle compares with the machine's clock
CREATED = int(NOW.timestamp()) - 1


@dataclass
class Message:
    """A request as the oracle wants it."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)


class Keys(HTTPSignatureKeyResolver):
    """The oracle's view of the one key."""

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey:
        assert key_id == KEY.kid
        return Ed25519PrivateKey.from_private_bytes(RAW).public_key()

    def resolve_private_key(self, key_id: str) -> Ed25519PrivateKey:
        assert key_id == KEY.kid
        return Ed25519PrivateKey.from_private_bytes(RAW)


def signed(**changes: Any) -> dict[str, str]:
    given: dict[str, Any] = {
        "keyid": KEY.kid,
        "method": "POST",
        "path": "/v1/snapshots",
        "query": "",
        "body": BODY,
        "created": CREATED,
        "nonce": "n-1",
    }
    return sign_request(KEY, **(given | changes))


def verify(headers: dict[str, str], **changes: Any) -> None:
    given: dict[str, Any] = {
        "method": "POST",
        "path": "/v1/snapshots",
        "query": "",
        "body": BODY,
        "headers": headers,
    }
    verify_request(read_signature(headers), KEY.public, **(given | changes))


def refused(headers: dict[str, str], **changes: Any) -> str:
    with pytest.raises(Unauthenticated) as refusal:
        verify(headers, **changes)
    return refusal.value.kind


def test_what_was_signed_is_read_back() -> None:
    signature = read_signature(signed())
    assert (signature.keyid, signature.created, signature.nonce) == (KEY.kid, CREATED, "n-1")
    assert signature.covered == COVERED
    assert signature.expires is None
    verify(signed())


def test_the_same_request_gives_the_same_signature() -> None:
    assert signed() == signed()


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"path": "/v1/snapshots/"},
        {"path": "/v1/%73napshots"},
        {"query": "a=1"},
    ],
)
def test_another_request_does_not_verify(change: dict[str, str]) -> None:
    assert refused(signed(), **change) == "bad-signature"


def test_another_body_is_told_as_a_bad_digest() -> None:
    assert refused(signed(), body=BODY + b"!") == "bad-digest"


def test_a_digest_replaced_with_the_body_does_not_verify() -> None:
    other = b"other"
    assert refused(signed() | {"Content-Digest": content_digest(other)}, body=other) == (
        "bad-signature"
    )


def test_another_key_does_not_verify() -> None:
    headers = signed()
    with pytest.raises(Unauthenticated) as refusal:
        verify_request(
            read_signature(headers),
            SigningKey.generate().public,
            method="POST",
            path="/v1/snapshots",
            query="",
            body=BODY,
            headers=headers,
        )
    assert refusal.value.kind == "bad-signature"


@given(
    name=st.sampled_from(["Signature-Input", "Signature", "Content-Digest"]),
    position=st.floats(0, 0.999),
    character=st.characters(min_codepoint=32, max_codepoint=126),
)
@settings(max_examples=400, deadline=None)
def test_no_changed_character_of_a_signature_field_changes_what_is_accepted(
    name: str, position: float, character: str
) -> None:
    headers = signed()
    text = headers[name]
    at = int(position * len(text))
    changed = text[:at] + character + text[at + 1 :]
    if changed == text:
        return
    with contextlib.suppress(Unauthenticated):
        verify(headers | {name: changed})
        # RFC 9651 lets some white space and the unused bits of base64 differ: then what is read must be the same.
        assert read_signature(headers | {name: changed}) == read_signature(headers)
        assert name != "Content-Digest"


@settings(deadline=None, max_examples=400)
@given(st.text(max_size=200), st.text(max_size=200))
def test_random_fields_are_refused_as_bad(inputs: str, signature: str) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        read_signature({"signature-input": inputs, "signature": signature})
    assert refusal.value.kind in {"missing-signature", "bad-signature"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Signature-Input", None),
        ("Signature", None),
        ("Signature-Input", ""),
        ("Signature", ""),
    ],
)
def test_a_request_without_signature_is_told_so(name: str, value: str | None) -> None:
    headers = {k: v for k, v in signed().items() if k != name}
    if value is not None:
        headers[name] = value
    with pytest.raises(Unauthenticated) as refusal:
        read_signature(headers)
    assert refusal.value.kind == "missing-signature"


LIST = '("@method" "@path" "@query" "content-digest")'
GOOD = ';created=1;nonce="n";keyid="k";alg="ed25519"'


@pytest.mark.parametrize(
    "member",
    [
        pytest.param(f'{LIST};nonce="n";keyid="k";alg="ed25519"', id="no created"),
        pytest.param(f'{LIST};created=1;keyid="k";alg="ed25519"', id="no nonce"),
        pytest.param(f'{LIST};created=1;nonce="n";alg="ed25519"', id="no keyid"),
        pytest.param(f'{LIST};created=1;nonce="n";keyid="k"', id="no alg"),
        pytest.param(f'{LIST};created=1;nonce="n";keyid="k";alg="hmac-sha256"', id="other alg"),
        pytest.param(f'{LIST};created="1";nonce="n";keyid="k";alg="ed25519"', id="text created"),
        pytest.param(f'{LIST};created=1.5;nonce="n";keyid="k";alg="ed25519"', id="decimal"),
        pytest.param(f'{LIST};created=-1;nonce="n";keyid="k";alg="ed25519"', id="negative"),
        pytest.param(f'{LIST};created;nonce="n";keyid="k";alg="ed25519"', id="created true"),
        pytest.param(
            f'{LIST};created={"9" * 16};nonce="n";keyid="k";alg="ed25519"', id="16 digits"
        ),
        pytest.param(f'{LIST};created=1;nonce=n;keyid="k";alg="ed25519"', id="token nonce"),
        pytest.param(f'{LIST};created=1;nonce="";keyid="k";alg="ed25519"', id="empty nonce"),
        pytest.param(
            f'{LIST};created=1;nonce="{"n" * 129}";keyid="k";alg="ed25519"', id="long nonce"
        ),
        pytest.param(f'("@method" "@path";req "@query"){GOOD}', id="component parameter"),
        pytest.param(f'("@method" "Content-Digest"){GOOD}', id="upper-case component"),
        pytest.param(f'("@method" "a\\"b"){GOOD}', id="quote in component"),
        pytest.param(f"(@method){GOOD}", id="token component"),
        pytest.param(f"(1){GOOD}", id="number component"),
        pytest.param(f'"@method"{GOOD}', id="not a list"),
        pytest.param(f"{LIST}{GOOD};expires=soon", id="expires a token"),
        pytest.param("(" * 5000, id="deep"),
        pytest.param("(" + '"a" ' * 33 + ")" + GOOD, id="many components"),
        pytest.param(f"{LIST}{GOOD}{';a' * 20}{''.join(f';x{i}' for i in range(40))}", id="many"),
        pytest.param(f'{LIST}{GOOD};pad="{"x" * 8192}"', id="oversized"),
    ],
)
def test_signature_parameters_that_can_not_be_used_are_refused(member: str) -> None:
    headers = {"signature-input": f"vedette={member}", "signature": signed()["Signature"]}
    with pytest.raises(Unauthenticated) as refusal:
        read_signature(headers)
    assert refusal.value.kind == "bad-signature"


def test_the_plain_parameters_of_the_refusals_are_themselves_read() -> None:
    headers = {"signature-input": f"vedette={LIST}{GOOD}", "signature": signed()["Signature"]}
    assert read_signature(headers).covered == COVERED


@pytest.mark.parametrize(
    "signature",
    ["vedette=:AAAA:", "vedette=1", "other=:AAAA:", "vedette", 'vedette=("a")', "vedette=:A"],
)
def test_a_signature_value_that_is_not_64_bytes_is_refused(signature: str) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        read_signature(signed() | {"Signature": signature})
    assert refusal.value.kind == "bad-signature"


@pytest.mark.parametrize("left_out", COVERED)
def test_covering_too_little_is_refused_even_when_it_verifies(left_out: str) -> None:
    message = Message("POST", "https://vedette.example/v1/snapshots")
    message.headers["Content-Digest"] = content_digest(BODY)
    by_oracle(message, covered=tuple(name for name in COVERED if name != left_out))
    with pytest.raises(Unauthenticated, match=left_out):
        verify(message.headers)


def test_signatures_of_others_beside_ours_are_left_alone() -> None:
    ours = signed()
    headers = ours | {
        "Signature-Input": f'proxy=("@authority");created=1;keyid="p", {ours["Signature-Input"]}',
        "Signature": f"proxy=:AAAA:, {ours['Signature']}",
    }
    verify(headers)


def test_several_signatures_without_ours_are_refused() -> None:
    with pytest.raises(Unauthenticated, match="labelled vedette"):
        read_signature({"signature-input": 'a=("x"), b=("y")', "signature": "a=:AAAA:, b=:AAAA:"})


def test_a_covered_field_that_is_missing_or_unknown_is_refused() -> None:
    for name in ("x-absent", "@target-uri"):
        inputs = f'vedette=("@method" "@path" "@query" "content-digest" "{name}"){GOOD}'
        assert refused(signed() | {"Signature-Input": inputs}) == "bad-signature"


def test_a_component_covered_twice_is_refused() -> None:
    inputs = f'vedette=("@method" "@path" "@query" "content-digest" "@path"){GOOD}'
    assert refused(signed() | {"Signature-Input": inputs}) == "bad-signature"


def test_a_line_break_in_a_covered_field_can_not_forge_a_line() -> None:
    inputs = f'vedette=("@method" "@path" "@query" "content-digest" "x-a"){GOOD}'
    headers = signed() | {"Signature-Input": inputs, "X-A": 'a\n"@signature-params": ()'}
    assert refused(headers) == "bad-signature"


def by_oracle(message: Message, *, covered: tuple[str, ...], label: str = "vedette") -> None:
    signer = HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=Keys())
    signer.sign(
        message,
        key_id=KEY.kid,
        created=datetime.fromtimestamp(CREATED, UTC),
        nonce="from-the-oracle",
        label=label,
        covered_component_ids=covered,
        use_existing_digest=True,
    )


def oracle_verifies(message: Message) -> None:
    verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=Keys())
    results = verifier.verify(message, max_age=timedelta(days=1))
    assert [str(result.label) for result in results] == ["vedette"]


TARGETS = [
    ("GET", "/v1/commands", "wait=25"),
    ("POST", "/v1/snapshots", ""),
    ("POST", "/", ""),
    ("GET", "/v1/a%20b/%C3%BC", "x=%2F&y=1+2&z"),
]


@pytest.mark.parametrize(("method", "path", "query"), TARGETS)
def test_an_independent_library_verifies_what_we_sign(method: str, path: str, query: str) -> None:
    url = f"https://vedette.example{path}" + (f"?{query}" if query else "")
    message = Message(method, url, signed(method=method, path=path, query=query))
    oracle_verifies(message)
    message.method = "PUT"
    with pytest.raises(InvalidSignature):
        oracle_verifies(message)


@pytest.mark.parametrize(("method", "path", "query"), TARGETS)
@pytest.mark.parametrize("label", ["vedette", "pyhms"])
def test_we_verify_what_an_independent_library_signs(
    method: str, path: str, query: str, label: str
) -> None:
    url = f"https://Vedette.example{path}" + (f"?{query}" if query else "")
    digest = {"Content-Digest": content_digest(BODY), "Content-Type": "application/json"}
    message = Message(method, url, digest | {"Host": "Vedette.example"})
    by_oracle(message, covered=(*COVERED, "@authority", "content-type"), label=label)
    verify(message.headers, method=method, path=path, query=query)
