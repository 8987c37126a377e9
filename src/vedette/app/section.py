"""What every table of the settings file is: unknown names in it are errors."""

import msgspec

__all__ = ["Section"]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the settings file."""
