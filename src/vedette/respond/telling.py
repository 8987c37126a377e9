"""Tells several destinations by name, each until it has taken it: what webhook, chat and page have in common."""

from collections.abc import Callable, Mapping
from traceback import format_tb
from typing import Any, Final, Generic, Literal, TypeVar

import structlog

from vedette.core import ActionState, InvalidInput, Record
from vedette.respond.kind import Job, Schema
from vedette.respond.outcome import Failed, Outcome, Retry, Simulated, Verified

__all__ = ["Answer", "Telling"]

_LOG = structlog.get_logger()
Place = TypeVar("Place")


class Answer(Record, frozen=True, kw_only=True):
    """What one destination said to one attempt, in `words`. `wait_seconds`: it asked not to be tried again before."""

    verdict: Literal["accepted", "later", "never"]
    words: str
    wait_seconds: float = 0.0


class Telling(Generic[Place]):
    """A kind that tells. `known` are the destinations' names with what `attempt` needs of each.

    Every destination is tried once in an attempt, also after another one refused; whoever had it is not told again.
    """

    remote: Final = False

    def __init__(
        self,
        schema: Schema,
        known: Mapping[str, Place],
        attempt: Callable[[Place, Job], Answer],
        missing: str,
    ) -> None:
        self.schema = schema
        self._known = known
        self._attempt = attempt
        self._missing = missing

    def plan(self, job: Job) -> dict[str, Any]:
        """Whom it tells.

        Raises:
            InvalidInput: a destination is not in the settings.
        """
        to = list(job.action.parameters["to"])
        for name in to:
            if name not in self._known:
                raise InvalidInput(f"there is no destination {name!r}; {self._missing}")
        return {"to": to}

    def apply(self, job: Job) -> Outcome:
        """One attempt at whoever has not had it. A dry run sends nothing."""
        plan = self.plan(job)
        if job.action.dry_run:
            return Simulated(plan=plan)
        accepted = _before(job, "accepted")
        refused = _before(job, "refused")
        deferred: dict[str, str] = {}
        wait = 0.0
        for name in plan["to"]:
            if name in accepted or name in refused:
                continue
            answer = self._asked(name, job)
            wait = max(wait, answer.wait_seconds)
            {"accepted": accepted, "later": deferred, "never": refused}[answer.verdict][name] = (
                answer.words
            )
        data = {"to": plan["to"], "accepted": accepted, "refused": refused, "deferred": deferred}
        if deferred:
            return Retry(
                detail=f"not yet for {_told(deferred)}",
                data=data,
                wait_seconds=wait,
            )
        if refused:
            return Failed(
                detail=f"refused for {_told(refused)}; accepted for {len(accepted)} others",
                data=data,
            )
        return Verified(detail=f"accepted for {_told(accepted)}", evidence=data)

    def _asked(self, name: str, job: Job) -> Answer:
        try:
            return self._attempt(self._known[name], job)
        except Exception as error:  # noqa: BLE001 - else who took it before would be forgotten; it is logged and tried again
            # Where it broke, without its words: they may hold the URL, which may hold a token.
            _LOG.error(
                "respond.telling_broke",
                action=job.action.id,
                kind=job.action.kind,
                to=name,
                error=type(error).__name__,
                trace="".join(format_tb(error.__traceback__)),
            )
            return Answer(
                verdict="later", words=f"the attempt broke with {type(error).__name__}; see the log"
            )

    def probe(self, job: Job) -> Outcome:
        """What the destinations said, as the acknowledged step has it."""
        said: dict[str, Any] = next(
            (event.data for event in job.events if event.state is ActionState.ACKNOWLEDGED), {}
        )
        if job.action.dry_run:
            return Simulated(plan=said)
        if not said or set(said["to"]) - set(said["accepted"]):
            return Failed(detail="nothing shows that every destination accepted it")
        return Verified(detail=f"accepted for {_told(said['accepted'])}", evidence=said)


def _before(job: Job, what: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for event in job.events:
        found.update(event.data.get(what) or {})
    return found


def _told(answers: Mapping[str, str]) -> str:
    return "; ".join(f"{name} ({words})" for name, words in answers.items())
