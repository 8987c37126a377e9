"""A text that people put in force, as every process knows it: looked for in the store every two seconds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

import structlog

from vedette.core import Clock, InvalidInput, TenantId
from vedette.store import AppliedPolicy, Policies

__all__ = ["AppliedText", "InForce"]

_LOG = structlog.get_logger()
_KEPT_SECONDS: Final = 2.0
# How many applications are looked through for one that can be read.
_MOST_BEFORE: Final = 20

P = TypeVar("P")


@dataclass(frozen=True, kw_only=True)
class InForce(Generic[P]):
    """What is gone by, and its application; None for the default.

    `fault` says what is wrong with the one that was applied last, where this version can't read it and so goes by the last
    that it can; empty otherwise. `last` is the version of what was applied last, readable or not; empty for none.
    """

    parsed: P
    applied: AppliedPolicy | None
    fault: str = ""
    last: str = ""


class AppliedText(Generic[P]):
    """The last that was applied, parsed; `default` until then.

    What an earlier version took this one may refuse, and the other way round. That stops no process: each goes by the last
    that can be read, and says so.
    """

    def __init__(
        self, texts: Policies, clock: Clock, parse: Callable[[str], P], default: P
    ) -> None:
        self._texts = texts
        self._clock = clock
        self._parse = parse
        self._default = default
        self._known: dict[TenantId, tuple[float, AppliedPolicy | None, InForce[P]]] = {}

    def look(self, tenant: TenantId) -> InForce[P]:
        """What is in force."""
        now = self._clock.monotonic()
        known = self._known.get(tenant)
        if known is not None and now - known[0] < _KEPT_SECONDS:
            return known[2]
        last = self._texts.current(tenant)
        found = known[2] if known is not None and known[1] == last else self._read(tenant, last)
        self._known[tenant] = (now, last, found)
        return found

    def afresh(self, tenant: TenantId) -> InForce[P]:
        """The same at this very moment, for what is decided by it."""
        self._known.pop(tenant, None)
        return self.look(tenant)

    def put(
        self,
        tenant: TenantId,
        version: str,
        text: str,
        *,
        actor: str,
        reason: str,
        seen: Mapping[str, str],
    ) -> None:
        """Puts it in force, if what was `seen` still is. Raises Conflict."""
        self._texts.put(tenant, version, text, actor, reason, seen=seen)
        self._known.pop(tenant, None)

    def _read(self, tenant: TenantId, last: AppliedPolicy | None) -> InForce[P]:
        if last is None:
            return InForce(parsed=self._default, applied=None)
        try:
            return InForce(parsed=self._parse(last.text), applied=last, last=last.version)
        except InvalidInput as error:
            before = replace(self._before(tenant, error.detail), last=last.version)
            _LOG.error(
                "applied.not_understood",
                detail=error.detail,
                version=last.version,
                by=last.applied_by,
                instead=before.applied.version if before.applied else "default",
            )
            return before

    def _before(self, tenant: TenantId, fault: str) -> InForce[P]:
        for one in self._texts.list(tenant, limit=_MOST_BEFORE).items:
            try:
                return InForce(parsed=self._parse(one.text), applied=one, fault=fault)
            except InvalidInput:
                continue
        return InForce(parsed=self._default, applied=None, fault=fault)
