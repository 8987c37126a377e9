"""Sealing: envelopes for snapshots, signatures for requests and commands, keys, tokens and the local CA."""

from vedette.seal.authority import Authority, fingerprint
from vedette.seal.bundle import BundleHeader, open_bundle, read_bundle_header, seal_bundle
from vedette.seal.command import sign_command, verify_command
from vedette.seal.content_digest import check_content_digest, content_digest
from vedette.seal.envelope import (
    MAX_HEADER_BYTES,
    Header,
    open_envelope,
    read_header,
    seal_envelope,
)
from vedette.seal.keyring import IngestPublicKey, KeyRing, OpeningKey
from vedette.seal.private_file import read_private, sweep_unfinished, write_file
from vedette.seal.request import sign_request, verify_request
from vedette.seal.ruling import sign_ruling, verify_ruling
from vedette.seal.signature import SignatureInput, read_signature
from vedette.seal.signing import SigningKey, VerifyKey
from vedette.seal.token import EnrolmentToken

__all__ = [
    "MAX_HEADER_BYTES",
    "Authority",
    "BundleHeader",
    "EnrolmentToken",
    "Header",
    "IngestPublicKey",
    "KeyRing",
    "OpeningKey",
    "SignatureInput",
    "SigningKey",
    "VerifyKey",
    "check_content_digest",
    "content_digest",
    "fingerprint",
    "open_bundle",
    "open_envelope",
    "read_bundle_header",
    "read_header",
    "read_private",
    "read_signature",
    "seal_bundle",
    "seal_envelope",
    "sign_command",
    "sign_request",
    "sign_ruling",
    "sweep_unfinished",
    "verify_command",
    "verify_request",
    "verify_ruling",
    "write_file",
]
