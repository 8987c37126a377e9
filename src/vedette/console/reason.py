"""Why a person does what is kept in the audit."""

from vedette.core import InvalidInput

__all__ = ["needed"]


def needed(reason: str, what: str) -> str:
    """The reason without the spaces around it; `what` they do, as in "say why you ...".

    Raises:
        InvalidInput: there is none.
    """
    if not reason.strip():
        raise InvalidInput(f"say why you {what}; the reason is kept in the audit")
    return reason.strip()
