"""HTTP Message Signatures (RFC 9421): reading the fields, and the base that is signed."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from vedette.core import Record, Unauthenticated
from vedette.seal.fields import FieldError, InnerList, Item, Value, parse_dictionary, serialize

__all__ = ["LABEL", "SignatureInput", "field_of", "read_signature", "signature_base"]

LABEL: Final = "vedette"
_MAX_NONCE: Final = 128
_MAX_KEYID: Final = 128
_COMPONENT: Final = re.compile(r"@?[a-z0-9!#$%&'*+.^_`|~-]{1,64}")


class SignatureInput(Record, frozen=True, kw_only=True):
    """One signature of a request, read but not yet verified.

    `created` and `expires` are Unix seconds; `covered` the component names in their signed order; `parameters` the
    canonical text of the @signature-params line; `signature` the 64 raw bytes.
    """

    label: str
    keyid: str
    created: int
    nonce: str
    expires: int | None = None
    covered: tuple[str, ...]
    parameters: str
    signature: bytes


def read_signature(headers: Mapping[str, str]) -> SignatureInput:
    """Reads Signature-Input and Signature. Repeated field lines must have been joined by a comma.

    Other parties on the way may have added signatures of their own: the one labelled `vedette` is taken, or the only one.

    Raises:
        Unauthenticated: missing-signature; bad-signature (malformed, or lacks what Vedette asks for).
    """
    inputs = field_of(headers, "signature-input")
    signatures = field_of(headers, "signature")
    if not inputs or not signatures:
        raise Unauthenticated(
            "the request is not signed: it lacks Signature-Input or Signature (RFC 9421)",
            kind="missing-signature",
        )
    try:
        return _read(parse_dictionary(inputs), parse_dictionary(signatures))
    except FieldError as error:
        raise Unauthenticated(
            f"the signature fields can't be used: {error}", kind="bad-signature"
        ) from error


def signature_base(
    covered: tuple[str, ...], parameters: str, resolve: Callable[[str], str]
) -> bytes:
    """The bytes that are signed (RFC 9421 section 2.5). `resolve` gives a component's value.

    Raises:
        Unauthenticated: (bad-signature) a value holds what a header field can't: a line break or a non-ASCII character.
    """
    values = [(name, resolve(name)) for name in covered]
    for name, value in values:
        if not value.isascii() or "\n" in value or "\r" in value:
            raise Unauthenticated(
                f"{name} has characters that can't be signed", kind="bad-signature"
            )
    lines = [f'"{name}": {value}' for name, value in values]
    return "\n".join([*lines, f'"@signature-params": {parameters}']).encode("ascii")


def field_of(headers: Mapping[str, str], name: str) -> str | None:
    """The header field of this lower-case name, whatever the mapping's case."""
    value = headers.get(name)
    if value is not None:
        return value
    return next((text for key, text in headers.items() if key.lower() == name), None)


def _read(
    inputs: Mapping[str, Item | InnerList], signatures: Mapping[str, Item | InnerList]
) -> SignatureInput:
    label = LABEL if LABEL in inputs else next(iter(inputs), "")
    if label != LABEL and len(inputs) != 1:
        raise FieldError(f"none of the signatures is labelled {LABEL}")
    member = inputs[label]
    signature = signatures.get(label)
    if not isinstance(member, InnerList):
        raise FieldError("Signature-Input is not a list of components")
    if signature is None or not isinstance(signature.value, bytes) or len(signature.value) != 64:
        raise FieldError("Signature is not the 64 bytes of an Ed25519 signature")
    given = member.parameters
    if given.get("alg") != "ed25519":
        raise FieldError('the algorithm must be "ed25519"')
    return SignatureInput(
        label=label,
        keyid=_text(given, "keyid", _MAX_KEYID),
        created=_moment(given, "created"),
        nonce=_text(given, "nonce", _MAX_NONCE),
        expires=_moment(given, "expires") if "expires" in given else None,
        covered=tuple(_component(item) for item in member.value),
        parameters=serialize(member),
        signature=signature.value,
    )


def _component(item: Item) -> str:
    if type(item.value) is not str or item.parameters or not _COMPONENT.fullmatch(item.value):
        raise FieldError("components must be plain lower-case names, without parameters")
    return item.value


def _text(given: Mapping[str, Value], name: str, longest: int) -> str:
    value = given.get(name)
    if type(value) is not str or not 1 <= len(value) <= longest:
        raise FieldError(f"{name} must be a string of 1 to {longest} characters")
    return value


def _moment(given: Mapping[str, Value], name: str) -> int:
    value = given.get(name)
    if type(value) is not int or value < 0:
        raise FieldError(f"{name} must be Unix time in whole seconds")
    return value
