"""Forms of our own pages: their fields, and that they were sent from our own origin."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from vedette.core import Forbidden, InvalidInput

__all__ = ["Form", "check_origin"]


class Form:
    """A form's fields as text. What is absent is empty."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields

    def text(self, name: str, *, bound: int = 4000) -> str:
        """One field, without the spaces around it.

        Raises:
            InvalidInput: longer than `bound` characters, or with control characters.
        """
        value = self._fields.get(name, "").strip()
        if len(value) > bound:
            raise InvalidInput(f"{name} may have {bound} characters; this one has {len(value)}")
        if any(ord(character) < 32 and character not in "\t\r\n" for character in value):
            raise InvalidInput(f"{name} has control characters")
        return value.replace("\r\n", "\n")


def check_origin(headers: Mapping[str, str], own: str) -> None:
    """Passes what a browser sent from a page of this very origin; `own` is the URL of ours (any path).

    Fetch Metadata decides where the browser sends it. Else the Origin header must be ours; it is `null` under our own
    referrer policy in browsers that have no Fetch Metadata, and those are refused rather than trusted.

    Raises:
        Forbidden: from another site, or the browser does not say from where.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        if site == "same-origin":
            return
        raise Forbidden("this form was sent from another site", kind="cross-site-form")
    origin, ours = urlsplit(headers.get("origin", "")), urlsplit(own)
    if (origin.scheme, origin.netloc) != (ours.scheme, ours.netloc) or not origin.netloc:
        raise Forbidden("this form does not say that it is of this site", kind="cross-site-form")
