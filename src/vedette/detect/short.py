"""Texts of bounded length that still tell things apart."""

from vedette.detect.fingerprint import fingerprint

__all__ = ["SUBJECT_LETTERS", "short"]

SUBJECT_LETTERS = 400
"""Of a reason's subject."""

_MARK = 18  # letters of what stands for the rest


def short(text: str, most: int) -> str:
    """The text itself, or its beginning and a digest of the whole, in at most so many letters (19 or more)."""
    return text if len(text) <= most else f"{text[: most - _MARK]}~{fingerprint(text):017x}"
