"""The enrolment token's text: what a paste can do to it is told from a token that is not accepted."""

import hashlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.core import InvalidInput, TenantId, hash_secret
from vedette.seal import EnrolmentToken
from vedette.seal.text import to_base64url

TOKEN = EnrolmentToken(
    tenant=TenantId("default"),
    secret="s" * 43,
    server="https://vedette.example:8443",
    ca_fingerprint="ab" * 32,
)
TEXT = TOKEN.encode()


def test_a_token_survives_its_text() -> None:
    assert EnrolmentToken.decode(TEXT) == TOKEN
    assert TEXT.startswith("vde1.")
    assert TOKEN.secret_hash() == hash_secret(TOKEN.secret)


def test_an_issued_token_has_a_secret_of_its_own() -> None:
    one, two = (
        EnrolmentToken.issue(tenant=TOKEN.tenant, server=TOKEN.server, ca_fingerprint="ab" * 32)
        for _ in range(2)
    )
    assert one.secret != two.secret
    assert EnrolmentToken.decode(one.encode()) == one


def test_line_breaks_and_spaces_from_a_terminal_are_forgiven() -> None:
    assert EnrolmentToken.decode(f"\n  {TEXT[:40]}\r\n  {TEXT[40:]} \n") == TOKEN


@given(st.integers(0, len(TEXT) - 1))
def test_a_token_cut_anywhere_is_told_as_damaged(length: int) -> None:
    with pytest.raises(InvalidInput, match=r"copy (it again|the whole line)") as refusal:
        EnrolmentToken.decode(TEXT[:length])
    assert refusal.value.kind == "bad-token"


@given(st.integers(0, len(TEXT) - 1), st.characters(min_codepoint=33, max_codepoint=126))
def test_a_mistyped_character_is_told_as_damaged(position: int, character: str) -> None:
    text = TEXT[:position] + character + TEXT[position + 1 :]
    if text == TEXT:
        return
    with pytest.raises(InvalidInput) as refusal:
        EnrolmentToken.decode(text)
    assert refusal.value.kind == "bad-token"


@given(st.text(max_size=300))
def test_random_text_is_no_token(text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        EnrolmentToken.decode("vde1." + text)
    assert refusal.value.kind == "bad-token"


@pytest.mark.parametrize(
    "fields",
    [
        ("default", "s", "http://vedette.example", "ab" * 32),
        ("default", "s", "https://", "ab" * 32),
        ("default", "s", "https://[::1", "ab" * 32),
        ("default", "s", "https://vedette.example:99999", "ab" * 32),
        ("default", "s", "https://vedette.example", "AB" * 32),
        ("default", "s", "https://vedette.example", ""),
        ("", "s", "https://vedette.example", "ab" * 32),
        ("default", "", "https://vedette.example", "ab" * 32),
    ],
)
def test_a_whole_token_with_unusable_fields_is_refused(fields: tuple[str, ...]) -> None:
    payload = msgspec.msgpack.encode(fields)
    text = "vde1." + to_base64url(payload + hashlib.sha256(payload).digest()[:4])
    with pytest.raises(InvalidInput) as refusal:
        EnrolmentToken.decode(text)
    assert refusal.value.kind == "bad-token"


def test_an_oversized_paste_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(InvalidInput, match="longer than"):
        EnrolmentToken.decode("vde1." + "A" * 1_000_000)


def test_the_secret_does_not_show_when_a_token_is_logged() -> None:
    assert TOKEN.secret not in repr(TOKEN)
    assert TOKEN.secret not in f"{[TOKEN]}"
