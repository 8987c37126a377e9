"""What the console needs from outside besides the store; the app hands it over."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from vedette.core import Record, TenantId

__all__ = ["EnrolmentIssuer", "IssuedEnrolment", "ModelInfo", "Models", "Policies", "PolicyText"]


class PolicyText(Record, frozen=True, kw_only=True):
    """The policies in force: their YAML text and the digest that names this version."""

    version: str
    text: str
    since: datetime | None = None
    by: str = ""


class ModelInfo(Record, frozen=True, kw_only=True):
    """One model bundle: its digest, whether it decides (`champion`) or only watches (`challenger`), and its origin."""

    digest: str
    role: str = "champion"
    made: str = ""
    data: str = ""
    figures: dict[str, float] = {}


class IssuedEnrolment(Record, frozen=True, kw_only=True):
    """A fresh enrolment token: the text given to the host once, and the hash of its secret for the store."""

    text: str
    secret_hash: str


class Policies(Protocol):
    """Which policies are in force."""

    def current(self, tenant: TenantId) -> PolicyText:
        """The tenant's policies."""


class Models(Protocol):
    """Which models decide and watch."""

    def all(self) -> Sequence[ModelInfo]:
        """Champion first."""


class EnrolmentIssuer(Protocol):
    """Makes enrolment tokens; it knows the server's address and its authority's fingerprint."""

    def issue(self, tenant: TenantId) -> IssuedEnrolment:
        """A new token with a fresh secret. Nothing is stored yet."""
