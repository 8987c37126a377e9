"""Which baselines a bench is asked for."""

from collections.abc import Iterable

from vedette.core import ConfigError

__all__ = ["wanted"]


def wanted(text: str, known: Iterable[str]) -> tuple[str, ...]:
    """The names in `all`, `none` or `a,b`.

    Raises:
        ConfigError: there is no such baseline.
    """
    here = tuple(known)
    if text == "none":
        return ()
    names = here if text == "all" else tuple(name.strip() for name in text.split(","))
    if unknown := [name for name in names if name not in here]:
        raise ConfigError(f"no baseline {unknown[0]!r}; there are: {', '.join(here)}")
    return names
