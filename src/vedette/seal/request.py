"""Signing a request and verifying it: HTTP Message Signatures (RFC 9421) with Ed25519 over four components.

Covered are @method, @path, @query and content-digest, so the signature survives proxies that change the host, the
scheme or other fields. Those that rewrite the path do break it.
"""

from collections.abc import Mapping
from typing import Final

from vedette.core import Unauthenticated
from vedette.seal.content_digest import check_content_digest, content_digest
from vedette.seal.fields import InnerList, Item, serialize, serialize_bytes
from vedette.seal.signature import LABEL, SignatureInput, field_of, signature_base
from vedette.seal.signing import SigningKey, VerifyKey

__all__ = ["REQUIRED", "sign_request", "verify_request"]

REQUIRED: Final = ("@method", "@path", "@query", "content-digest")


def sign_request(
    key: SigningKey,
    *,
    keyid: str,
    method: str,
    path: str,
    query: str,
    body: bytes,
    created: int,
    nonce: str,
) -> dict[str, str]:
    """The three header fields to send: Content-Digest, Signature-Input and Signature.

    `path` is the absolute path as it goes on the wire (percent-encoded); `query` is without its question mark, and empty
    when there is none; `created` is Unix seconds by the server's clock; `nonce` is used once. An empty body is signed too.
    """
    digest = content_digest(body)
    parameters = serialize(
        InnerList(
            tuple(Item(name, {}) for name in REQUIRED),
            {"created": created, "nonce": nonce, "keyid": keyid, "alg": "ed25519"},
        )
    )
    values = _derived(method, path, query) | {"content-digest": digest}
    base = signature_base(REQUIRED, parameters, values.__getitem__)
    return {
        "Content-Digest": digest,
        "Signature-Input": f"{LABEL}={parameters}",
        "Signature": f"{LABEL}={serialize_bytes(key.sign(base))}",
    }


def verify_request(
    signature: SignatureInput,
    key: VerifyKey,
    *,
    method: str,
    path: str,
    query: str,
    body: bytes | None,
    headers: Mapping[str, str],
) -> None:
    """Checks that the key signed this very request. Freshness and single use are the caller's to check.

    More than the required components may be covered: other header fields, and @authority. The signature is over the
    body's digest, so it can be checked before the body is read: with None for the body, and `check_content_digest` once
    it is there.

    Raises:
        Unauthenticated: bad-signature (too little covered, or it does not hold); bad-digest (the body is another).
    """
    lacking = [name for name in REQUIRED if name not in signature.covered]
    if lacking:
        raise Unauthenticated(
            f"the signature must cover {', '.join(lacking)} too", kind="bad-signature"
        )
    if len(set(signature.covered)) != len(signature.covered):
        raise Unauthenticated("the signature covers a component twice", kind="bad-signature")
    values = _derived(method, path, query)
    base = signature_base(
        signature.covered,
        signature.parameters,
        lambda name: values[name] if name in values else _component(name, headers),
    )
    if not key.verify(signature.signature, base):
        raise Unauthenticated(
            "the signature does not hold: another key, or the request was changed on its way",
            kind="bad-signature",
        )
    if body is not None:
        check_content_digest(field_of(headers, "content-digest") or "", body)


def _derived(method: str, path: str, query: str) -> dict[str, str]:
    # RFC 9421 section 2.2.6 and 2.2.7: an empty path is "/", an absent query is "?".
    return {"@method": method, "@path": path or "/", "@query": f"?{query}"}


def _component(name: str, headers: Mapping[str, str]) -> str:
    field = "host" if name == "@authority" else name
    if field.startswith("@"):
        raise Unauthenticated(f"component {name[:64]!r} is not supported", kind="bad-signature")
    value = field_of(headers, field)
    if value is None:
        raise Unauthenticated(
            f"the signature covers {name[:64]!r}, which the request lacks", kind="bad-signature"
        )
    return value.strip().lower() if name == "@authority" else value.strip()
