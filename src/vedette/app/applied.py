"""A text that people put in force, as every process knows it: looked for in the store every two seconds."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import structlog

from vedette.core import Clock, InvalidInput, TenantId
from vedette.store import AppliedPolicy, Policies

__all__ = ["AppliedText"]

_LOG = structlog.get_logger()
_KEPT_SECONDS = 2.0


class _Parsed(Protocol):
    @property
    def version(self) -> str:
        """The text's digest."""


P = TypeVar("P", bound=_Parsed)


class AppliedText(Generic[P]):
    """The last that was applied, parsed; `default` until then."""

    def __init__(
        self, texts: Policies, clock: Clock, parse: Callable[[str], P], default: P
    ) -> None:
        self._texts = texts
        self._clock = clock
        self._parse = parse
        self._default = default
        self._known: dict[TenantId, tuple[float, P, AppliedPolicy | None]] = {}

    def look(self, tenant: TenantId) -> tuple[P, AppliedPolicy | None]:
        """What is in force, and its application; None for the default.

        Raises:
            InvalidInput: what was applied is not understood by this version, and nothing that is was known before.
        """
        now = self._clock.monotonic()
        known = self._known.get(tenant)
        if known is not None and now - known[0] < _KEPT_SECONDS:
            return known[1], known[2]
        applied = self._texts.current(tenant)
        parsed = self._parsed(applied, known[1] if known else None)
        self._known[tenant] = (now, parsed, applied)
        return parsed, applied

    def put(self, tenant: TenantId, parsed: P, text: str, *, actor: str, reason: str) -> None:
        """Puts it in force."""
        self._texts.put(tenant, parsed.version, text, actor, reason)
        self._known.pop(tenant, None)

    def _parsed(self, applied: AppliedPolicy | None, before: P | None) -> P:
        if applied is None:
            return self._default
        if before is not None and before.version == applied.version:
            return before
        try:
            return self._parse(applied.text)
        except InvalidInput as error:
            if before is None:
                raise
            _LOG.error("applied.not_understood", version=applied.version, detail=error.detail)
            return before
