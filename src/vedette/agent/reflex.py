"""A push whose answer is waited for: the signed verdict is checked, and acted on at once where the host's own settings say so."""

import base64
import binascii
from collections.abc import Mapping

import structlog

from vedette.agent.door import Answer
from vedette.agent.enrolment import Enrolment
from vedette.agent.health import Health
from vedette.agent.journal import Journal
from vedette.agent.ledger import Ledger
from vedette.agent.obedience import Obedience
from vedette.agent.own_policy import OwnPolicy, query_of
from vedette.agent.spool import Spooled
from vedette.core import (
    ActionState,
    Clock,
    Command,
    InvalidInput,
    Label,
    Ruling,
    Unauthenticated,
    digest,
)
from vedette.seal import verify_ruling

__all__ = ["Reflex"]

_log = structlog.get_logger()
_MAX_TEXT = 512 * 1024


class Reflex:
    """For the thread that ships, with its door. `wait` is in seconds; with 0 nothing is asked for, and nothing is looked at."""

    def __init__(
        self,
        enrolment: Enrolment,
        obedience: Obedience,
        journal: Journal,
        ledger: Ledger,
        health: Health,
        clock: Clock,
        *,
        wait: float,
        policy: OwnPolicy,
    ) -> None:
        self._enrolment = enrolment
        self._obedience = obedience
        self._journal = journal
        self._ledger = ledger
        self._health = health
        self._clock = clock
        self._policy = policy
        self.wait = wait

    @property
    def query(self) -> str:
        """What is asked for in the signed part of a push."""
        return query_of(self._policy.wish) if self.wait and self._policy.enabled else ""

    @property
    def headers(self) -> Mapping[str, str]:
        """What is asked for beside it (RFC 7240)."""
        return {"Prefer": f"wait={self.wait:.0f}"} if self.wait else {}

    def answered(self, item: Spooled, envelope: bytes, answer: Answer) -> None:
        """Looks at the answer to a push that was accepted. What is refused here is told, and kept for `status`."""
        text = answer.fields().get("verdict")
        if not self.wait or not isinstance(text, str) or not text:
            return
        try:
            ruling = self._ruling(text, item, envelope)
        except (InvalidInput, Unauthenticated) as error:
            _log.error("reflex.refused", epoch=item.epoch, seq=item.seq, problem=error.detail)
            self._health.failed(f"a verdict that was waited for is refused: {error.detail}")
            return
        _log.info("reflex.verdict", seq=item.seq, label=ruling.label, severity=ruling.severity)
        if ruling.command is not None:
            self._act(ruling, ruling.command)
        elif ruling.label is Label.ABNORMAL and self._policy.enabled:
            _log.warning("reflex.no_leave", seq=item.seq, why=ruling.withheld)
            self._health.failed(
                f"the verdict on snapshot {item.seq} is abnormal, and the server gave no leave to quarantine: {ruling.withheld}"
            )

    def _ruling(self, text: str, item: Spooled, envelope: bytes) -> Ruling:
        """The verdict, if the stored command key signed it, of this host, of just that snapshot, and in time."""
        if len(text) > _MAX_TEXT:
            raise InvalidInput("it is too long")
        try:
            blob = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidInput(f"it is not in base64: {error}") from error
        ruling = verify_ruling(blob, self._enrolment.commanding_key)
        if (ruling.tenant, ruling.host) != (self._enrolment.tenant, self._enrolment.host):
            raise InvalidInput("it is for another host")
        if (ruling.epoch, ruling.seq, ruling.digest) != (item.epoch, item.seq, digest(envelope)):
            raise InvalidInput("it is of another snapshot than the one that was sent")
        if self._journal.server_now() >= ruling.expires_at:
            raise InvalidInput(f"it expired at {ruling.expires_at.isoformat()}")
        return ruling

    def _act(self, ruling: Ruling, command: Command) -> None:
        against = self._policy.objects(ruling, self._ledger.own_deeds())
        if not against:
            # Written before it is done: a stop in between makes it more, never less.
            self._ledger.note_own(command)
        result = self._obedience.obey(command, against=against)
        self._obedience.report()
        if result is None:
            return
        if result.state is ActionState.REFUSED:
            _log.error("reflex.refused", command=command.id, problem=result.detail)
            self._health.failed(f"this host did not quarantine itself: {result.detail}")
        else:
            _log.warning("reflex.acted", command=command.id, state=result.state)
