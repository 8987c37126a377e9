"""The family of errors, and how each is told to a client (RFC 9457).

VedetteError
├── InvalidInput     what was given can't be used; giving it again won't help           400
│   └── TooLarge     over a size, depth or count bound                                  413
├── Unauthenticated  who is asking is not known, or the proof doesn't hold              401
├── Forbidden        known, but not allowed                                             403
├── NotFound         no such thing for this tenant                                      404
├── Conflict         the thing is not in the state that this needs                      409
├── Throttled        over a rate or quota; retry later                                  429
├── Unavailable      can't be stored or served now; retry later                         503
├── LeaseLost        a worker's claim ran out; its work must not take effect            -
└── ConfigError      settings can't be used; says which, and what to do                 -
"""

from typing import Any, ClassVar

from vedette.core.record import Record

__all__ = [
    "ConfigError",
    "Conflict",
    "Forbidden",
    "InvalidInput",
    "LeaseLost",
    "NotFound",
    "Problem",
    "Throttled",
    "TooLarge",
    "Unauthenticated",
    "Unavailable",
    "VedetteError",
]


MAX_DETAIL = 1000
"""Characters of a detail. It may quote what a stranger sent, and goes to logs, verdicts, dead letters and answers."""


class Problem(Record, frozen=True, kw_only=True):
    """RFC 9457 problem details. `type` is a relative reference, `/problems/<kind>`, listed in docs/api.md."""

    type: str
    title: str
    status: int
    detail: str
    extensions: dict[str, Any] = {}


class VedetteError(Exception):
    """The root. `kind` names the problem type; `retry_after` is in seconds where retrying helps.

    A `detail` of more than `MAX_DETAIL` characters is cut.
    Raise with a `kind` of its own where clients must tell causes apart (`stale-signature`, `reused-nonce`...).
    """

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    default_kind: ClassVar[str] = "internal"

    def __init__(
        self,
        detail: str,
        *,
        kind: str | None = None,
        retry_after: float | None = None,
        **extensions: Any,
    ) -> None:
        self.detail = detail if len(detail) <= MAX_DETAIL else f"{detail[: MAX_DETAIL - 1]}…"
        super().__init__(self.detail)
        self.kind = kind or self.default_kind
        self.retry_after = retry_after
        self.extensions = extensions

    def problem(self) -> Problem:
        """What a client is told."""
        return Problem(
            type=f"/problems/{self.kind}",
            title=self.title,
            status=self.status,
            detail=self.detail,
            extensions=self.extensions,
        )


class InvalidInput(VedetteError):
    """What was given can't be used."""

    status = 400
    title = "Invalid input"
    default_kind = "invalid-input"


class TooLarge(InvalidInput):
    """Over a bound of size, depth or count."""

    status = 413
    title = "Too large"
    default_kind = "too-large"


class Unauthenticated(VedetteError):
    """The proof of who is asking is missing or doesn't hold."""

    status = 401
    title = "Not authenticated"
    default_kind = "unauthenticated"


class Forbidden(VedetteError):
    """Known, but not allowed."""

    status = 403
    title = "Not allowed"
    default_kind = "forbidden"


class NotFound(VedetteError):
    """No such thing for this tenant."""

    status = 404
    title = "Not found"
    default_kind = "not-found"


class Conflict(VedetteError):
    """The thing is not in the state that this needs."""

    status = 409
    title = "Conflict"
    default_kind = "conflict"


class Throttled(VedetteError):
    """Over a rate or quota."""

    status = 429
    title = "Too many requests"
    default_kind = "throttled"


class Unavailable(VedetteError):
    """Can't be stored or served now; nothing was kept."""

    status = 503
    title = "Not available now"
    default_kind = "unavailable"


class LeaseLost(VedetteError):
    """A worker's claim ran out and another has it: this work must not take effect."""

    default_kind = "lease-lost"


class ConfigError(VedetteError):
    """Settings can't be used."""

    default_kind = "config"
