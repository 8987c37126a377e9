"""Carries out `mail`. Verified means: the server answered 250 for every recipient."""

from typing import Any, Final

from vedette.core import ActionState, InvalidInput
from vedette.respond.actions.mail.carrier import Carrier, Smtp
from vedette.respond.actions.mail.dialogue import Receipt
from vedette.respond.actions.mail.message import message_id, subject, write
from vedette.respond.actions.mail.schema import OWNER, MailSchema, is_address
from vedette.respond.actions.mail.server import MailServer
from vedette.respond.actions.mail.ses import Ses, SesServer
from vedette.respond.kind import Job
from vedette.respond.outcome import Failed, Outcome, Retry, Simulated, Verified

__all__ = ["Mail"]


class Mail:
    """`public_url` is where the console's pages are, for the link; empty leaves the link out.

    With `ses` mail goes out by it, and of `server` only sender and recipients count.
    """

    remote: Final = False

    def __init__(
        self, server: MailServer, public_url: str = "", ses: SesServer | None = None
    ) -> None:
        self.schema = MailSchema()
        self._server = server
        self._carrier: Carrier = Smtp(server) if ses is None else Ses(ses, server.sender)
        self._public_url = public_url

    def plan(self, job: Job) -> dict[str, Any]:
        """Recipients, subject and Message-ID.

        Raises:
            InvalidInput: no server or no recipient is set.
        """
        if lacks := self._carrier.lacks():
            raise InvalidInput(lacks)
        if not is_address(self._server.address):
            raise InvalidInput(f"mail.sender {self._server.sender!r} is no mail address")
        recipients = self._recipients(job)
        if len(recipients) > self._carrier.most:
            raise InvalidInput(
                f"a mail may have {self._carrier.most} recipients, not {len(recipients)}; name a list's address"
            )
        return {
            "to": recipients,
            "subject": subject(job),
            "message_id": message_id(job, self._server),
            "server": self._carrier.place,
        }

    def apply(self, job: Job) -> Outcome:
        """Sends to whoever has not yet had it. A dry run connects and signs in, and sends nothing."""
        plan = self.plan(job)
        if job.action.dry_run:
            trouble = self._carrier.check()
            return Simulated(plan={**plan, "check": trouble or "the server takes mail"})
        had, refused = _accepted(job), _refused(job)
        to = [address for address in plan["to"] if address not in had and address not in refused]
        message = write(job, self._server, plan["to"], self._public_url)
        receipt = self._carrier.hand_over(message, to) if to else Receipt()
        accepted = [*had, *receipt.accepted]
        refused |= receipt.refused
        data = {"message_id": plan["message_id"], "to": plan["to"], "accepted": accepted}
        data |= {"refused": refused, "deferred": receipt.deferred}
        if receipt.known_as:
            data["known_as"] = receipt.known_as
        # Who was refused ends nothing for those who may have it later: each recipient counts alone.
        if receipt.problem:
            return Retry(detail=receipt.problem, data=data)
        if receipt.deferred:
            return Retry(detail=f"not yet for {_told(receipt.deferred)}", data=data)
        if refused:
            return Failed(
                detail=f"refused for {_told(refused)}; accepted for {len(accepted)} others",
                data=data,
            )
        return Verified(detail=f"accepted for {len(accepted)} recipients", evidence=data)

    def probe(self, job: Job) -> Outcome:
        """What the server said, as the acknowledged step has it."""
        said: dict[str, Any] = next(
            (event.data for event in job.events if event.state is ActionState.ACKNOWLEDGED), {}
        )
        if job.action.dry_run:
            return Simulated(plan=said)
        if not said or set(said["to"]) - set(said["accepted"]):
            return Failed(detail="nothing shows that the server accepted it")
        return Verified(
            detail=f"the server accepted it for {len(said['accepted'])} recipients", evidence=said
        )

    def _recipients(self, job: Job) -> list[str]:
        found: list[str] = []
        for address in job.action.parameters["to"]:
            found.extend(self._server.recipients if address == OWNER else (address,))
        wrong = [address for address in found if not is_address(address)]
        if wrong:
            raise InvalidInput(f"mail.recipients has no mail address in {', '.join(wrong)}")
        if not found:
            raise InvalidInput("there is nobody to tell; set mail.recipients")
        return list(dict.fromkeys(found))


def _accepted(job: Job) -> list[str]:
    found: dict[str, None] = {}
    for event in job.events:
        found.update(dict.fromkeys(event.data.get("accepted", ())))
    return list(found)


def _refused(job: Job) -> dict[str, str]:
    found: dict[str, str] = {}
    for event in job.events:
        found.update(event.data.get("refused") or {})
    return found


def _told(answers: dict[str, str]) -> str:
    return "; ".join(f"{address} ({text})" for address, text in answers.items())
