"""The acts of the demonstration, in order, each waiting for what Vedette has to do about it."""

from datetime import datetime
from email.message import EmailMessage
from typing import Any

import msgspec

from vedette.app.demo.mailbox import Mailbox
from vedette.app.demo.server import Api
from vedette.app.demo.stage import Stage
from vedette.app.demo.story import Scene
from vedette.core import ENDED, Clock

__all__ = ["Acts", "Facts"]

_WARM_UP = 45
_BENIGN = 10
_EXPECTED_WITHIN = 30


class Facts(msgspec.Struct, kw_only=True):
    """What was seen while the demonstration ran."""

    onset: datetime | None = None
    benign_incidents: int = 0
    reasons: list[dict[str, Any]] = []
    incident_id: str = ""
    mail_received: int = 0
    action_states: dict[str, str] = {}


class Acts:
    """Plays on one host; everything is asked of the people's API and of the mailbox."""

    def __init__(self, api: Api, mailbox: Mailbox, stage: Stage, clock: Clock) -> None:
        self._api = api
        self._mailbox = mailbox
        self._stage = stage
        self._clock = clock
        self.facts = Facts()

    def warm_up(self) -> None:
        """Ordinary activity, from which the host's own model is learned."""
        self._stage.step("The agent sends a sealed snapshot of this host every second")
        self._stage.count_up("learning what is normal here", self._seq, _WARM_UP, 180)
        newest = self._verdicts()[0]
        self._stage.say(f"latest verdict: {newest['label']}, score {newest['score']:.2f}")

    def benign(self, scene: Scene) -> None:
        """A change that must open no incident."""
        with scene as text:
            self._stage.step(f"A benign change: {text}")
            self._stage.count_up("watching", self._seq, self._seq() + _BENIGN, 60)
        self.facts.benign_incidents = len(self._api.get("/v1/incidents")["items"])
        self._stage.say(f"incidents opened: {self.facts.benign_incidents}")

    def abnormal(self, scene: Scene) -> None:
        """A behaviour that must be found, told and answered."""
        self.facts.onset = self._clock.now()
        with scene as text:
            self._stage.step(f"A harmless abnormal behaviour: {text}")
            verdict = self._stage.wait_for("an abnormal verdict", self._found, _EXPECTED_WITHIN)
            self.facts.reasons = verdict["reasons"]
            self._stage.say(f"verdict: abnormal, score {verdict['score']:.2f}")
            for reason in verdict["reasons"]:
                technique = f" ({reason['attack']})" if reason["attack"] else ""
                self._stage.say(f"- {reason['text']}{technique}")
            self._told()
            self._answered()

    def _told(self) -> None:
        incident = self._stage.wait_for("an incident", self._incident, 15)
        self.facts.incident_id = incident["id"]
        self._stage.step(f"Incident: {incident['title']} ({incident['severity']})")
        message = self._stage.wait_for("the mail", self._mail, 60)
        self.facts.mail_received = len(self._mails())
        self._stage.say(f"mail to {message['To']}: {message['Subject']}")

    def _answered(self) -> None:
        action = self._stage.wait_for("a quarantine to approve", self._waiting, 15)
        self._stage.step("A responder approves the proposed quarantine (dry run) through the API")
        body = {"reason": "seen in the demonstration"}
        self._api.post(f"/v1/actions/{action['id']}/approve", body)
        ended = self._stage.wait_for("its end", lambda: self._ended(action["id"]), 60)
        self._stage.say(f"quarantine: {ended['state']} {ended['detail']}")
        for check in (ended["plan"] or {}).get("checks", ()):
            mark = "ok" if check["ok"] else "failed"
            self._stage.say(f"- check {check['name']}: {mark} {check['detail']}")
        self.facts.action_states = {
            item["kind"]: item["state"] for item in self._api.get("/v1/actions")["items"]
        }

    def _seq(self) -> int:
        verdicts = self._verdicts()
        return int(verdicts[0]["seq"]) if verdicts else 0

    def _verdicts(self, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._api.get("/v1/verdicts", **query)["items"]
        return found

    def _found(self) -> dict[str, Any] | None:
        assert self.facts.onset is not None
        since = self.facts.onset.isoformat()
        found = self._verdicts(label="abnormal", since=since, limit=500)
        return found[-1] if found else None

    def _incident(self) -> dict[str, Any] | None:
        items = self._api.get("/v1/incidents", state="open")["items"]
        return items[0] if items else None

    def _mail(self) -> EmailMessage | None:
        return next(iter(self._mails()), None)

    def _mails(self) -> list[EmailMessage]:
        # On a slow machine the agent may have been silent for a moment, which is told too.
        return [one for one in self._mailbox.messages if "incidents" in str(one["List-Id"])]

    def _waiting(self) -> dict[str, Any] | None:
        items = self._api.get("/v1/actions", kind="quarantine", state="awaiting_approval")["items"]
        return items[0] if items else None

    def _ended(self, action: str) -> dict[str, Any] | None:
        found: dict[str, Any] = self._api.get(f"/v1/actions/{action}")
        return found if found["state"] in ENDED else None
