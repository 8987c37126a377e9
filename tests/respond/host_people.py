"""What people do about it all, while responders and hosts are at it."""

from datetime import timedelta
from typing import Final

from tests.respond.host_truth import Truth
from tests.respond.stage import PEOPLE, Stage, host

from vedette.core import Conflict, SilenceKind

__all__ = ["PEOPLE_DO", "Somebody"]

PEOPLE_DO: Final = (
    *("switch", "switch", "close", "close", "reset", "revoke", "leave", "storm"),
    *("maintain", "silence", "end quiet"),
)
_MOST_REVOKED: Final = 2
_MOST_CLOSED: Final = 3


class Somebody:
    """Each deed only where it makes sense, and few of those after which little else can happen."""

    def __init__(self, stage: Stage, truth: Truth) -> None:
        self._stage, self._truth = stage, truth
        self._closed = self._storms = 0

    def does(self, what: str, number: int, *, everyone: bool = False) -> None:
        """One of `PEOPLE_DO`; `number` is of a host, or of somebody."""
        stage, truth = self._stage, self._truth
        if what == "close":
            self._close_or_reopen()
        elif what == "switch":
            self._throw_or_lift(everyone=everyone)
        elif what == "reset" and truth.open:
            truth.reset()
            stage.reset()
        elif what == "revoke" and len(truth.revoked) < _MOST_REVOKED:
            truth.revoked.add(number)
            stage.revoke(number)
        elif what == "leave" and stage.knows_people and not truth.people.gone:
            who = PEOPLE[number % len(PEOPLE)]
            truth.people.gone.add(who)
            stage.dismiss(who)
        elif what == "storm" and not self._storms:
            self._storms += 1
            stage.storm(self._storms)
        elif what in {"maintain", "silence"}:
            self._quiet(number, maintenance=what == "maintain", seconds=600 if everyone else 1_900)
        elif what == "end quiet":
            truth.quiet.ends(truth.now)
            stage.end_quiet()

    def _close_or_reopen(self) -> None:
        """As harmless, and not."""
        if self._closed >= _MOST_CLOSED:
            return
        self._closed += 1
        truth = self._truth
        truth.harmless = not truth.harmless
        try:
            if truth.harmless:
                self._stage.close()
            else:
                self._stage.reopen()
        except Conflict as error:
            # What was closed with its fleet goes on with it alone.
            if error.kind != "closed-one-by-one":
                raise
            truth.harmless = not truth.harmless

    def _throw_or_lift(self, *, everyone: bool) -> None:
        truth = self._truth
        if truth.thrown:
            self._stage.lift()
        else:
            self._stage.throw(everyone=everyone)
        truth.thrown = not truth.thrown

    def _quiet(self, number: int, *, maintenance: bool, seconds: int) -> None:
        now = self._truth.now
        until = now + timedelta(seconds=seconds)
        kind = SilenceKind.MAINTENANCE if maintenance else SilenceKind.SILENCE
        self._stage.quiet(number, kind, until)
        self._truth.quiet.begins(host(number), now, until, maintenance=maintenance)
