"""Parameters that several routes take, with the bounds their OpenAPI shows."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar.params import HeaderParameter, PathParameter, QueryParameter

from vedette.core import InvalidInput

__all__ = [
    "After",
    "AssignedFilter",
    "CauseFilter",
    "Id",
    "IdFilter",
    "IdempotencyKey",
    "LabelFilter",
    "Limit",
    "Since",
    "TextFilter",
    "Until",
    "moment",
]

_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
_ID = r"^[A-Za-z0-9:_.-]{1,80}$"

Id = Annotated[str, PathParameter(pattern=_ID, description="The record's id.")]
IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        pattern=r"^[!-~]{1,200}$",
        description="Names the request: sent again by the same token with the same body, it gives what it made the first time.",
    ),
]
IdFilter = Annotated[
    str | None, QueryParameter(pattern=_ID, description="Only of the record with this id.")
]
Limit = Annotated[int, QueryParameter(ge=1, le=500, description="At most so many items.")]
After = Annotated[
    str | None,
    QueryParameter(max_length=2000, description="The cursor `next` of the page before this one."),
]
TextFilter = Annotated[
    str | None,
    QueryParameter(max_length=200, pattern=_PRINTABLE, description="Only what this text fits."),
]
AssignedFilter = Annotated[
    str | None,
    QueryParameter(
        max_length=200, pattern=_PRINTABLE, description="Whose: a name, `me`, or `nobody`."
    ),
]
CauseFilter = Annotated[
    str | None,
    QueryParameter(
        max_length=1000,
        pattern=_PRINTABLE,
        description="One of its causes as a whole, such as `cron:/etc/cron.d/x`.",
    ),
]
LabelFilter = Annotated[
    str | None,
    QueryParameter(
        max_length=400,
        pattern=_PRINTABLE,
        description="`NAME=VALUE` that its host bears, or one of its hosts; `role=NAME` is a cohort.",
    ),
]
Since = Annotated[
    str | None,
    QueryParameter(
        max_length=40, format="date-time", description="Not before this time (RFC 3339)."
    ),
]
Until = Annotated[
    str | None,
    QueryParameter(max_length=40, format="date-time", description="Before this time (RFC 3339)."),
]


def moment(text: str | None, name: str) -> datetime | None:
    """An RFC 3339 time with its zone.

    Raises:
        InvalidInput: it is none; a plus sign in a query must be written %2B.
    """
    if text is None:
        return None
    try:
        value = msgspec.convert(text, datetime)
    except msgspec.ValidationError as error:
        raise InvalidInput(
            f"{name} must be an RFC 3339 time such as 2026-11-22T20:00:00Z, not {text!r}"
        ) from error
    if value.tzinfo is None:
        raise InvalidInput(f"{name} must bear a time zone, such as 2026-11-22T20:00:00Z")
    return value
