"""What people may do: look, respond, administer."""

from enum import StrEnum

__all__ = ["Role"]


class Role(StrEnum):
    """From least to most; each may do what those before it may."""

    VIEWER = "viewer"
    RESPONDER = "responder"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """0 for viewer to 2 for admin."""
        return list(Role).index(self)

    def covers(self, needed: "Role") -> bool:
        """Whether this role may do what `needed` may."""
        return self.rank >= needed.rank
