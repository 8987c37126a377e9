"""Ports of which more than one rule speaks."""

__all__ = ["EPHEMERAL", "WEB"]

EPHEMERAL = 32_768
"""Where Linux begins to hand out ports by itself."""
WEB = frozenset({80, 443, 8_080, 8_443})
"""Where web servers wait."""
