"""A condition that counts for how many verdicts it was asked, and for how many it had no value."""

from typing import Any, Final

from vedette.core import HostId, InvalidInput, Valueless
from vedette.decide.condition import Condition
from vedette.decide.policy import Policy

__all__ = ["Watched"]

_MOST_WORDS: Final = 200


class Watched(Condition):
    """Says what the condition says. Asked several times of one verdict, for several actions or incidents, it counts it once."""

    def __init__(self, condition: Condition) -> None:
        self.text, self.cost = condition.text, condition.cost
        self._condition = condition
        self._now: tuple[Any, ...] = ()
        self._failed = False
        self._held = False
        self._asked = self._without = self._met = 0
        self._first: tuple[dict[str, Any], str] | None = None

    def holds(self, values: dict[str, Any]) -> bool:
        """As the condition does it. Raises InvalidInput where that has no value."""
        now = (values["host.id"], values["verdict.taken_at"], values["verdict.seq"])
        if now != self._now:
            self._now, self._failed, self._held = now, False, False
            self._asked += 1
        try:
            held = self._condition.holds(values)
        except InvalidInput as error:
            self._without += not self._failed
            self._failed = True
            self._first = self._first or (values, error.detail)
            raise
        self._met += held and not self._held
        self._held = self._held or held
        return held

    def found(self, policy: Policy, line: int) -> Valueless | None:
        """For how many it had no value, and where first; None where it always had one. `line` is the policy's."""
        if self._first is None:
            return None
        values, why = self._first
        return Valueless(
            policy=policy.name,
            line=line,
            asked=self._asked,
            without=self._without,
            met=self._met,
            host=HostId(values["host.id"]),
            hostname=values["host.hostname"],
            at=values["verdict.taken_at"],
            reason=why[:_MOST_WORDS],
        )
