"""Chats and pages, by the real Apprise against a real HTTP server that its `json://` posts to."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from tests.respond.mail_job import URL, job
from tests.respond.receiver import Answer, Receiver
from tests.respond.world import INCIDENT, START, action

from vedette.core import Action, InvalidInput, Reason, Severity
from vedette.respond import (
    TRIAL,
    Channel,
    ChatSchema,
    Destinations,
    Job,
    PageSchema,
    apprise_service,
    chat,
    is_service,
    page,
)
from vedette.respond.outcome import Failed, Retry, Verified


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with Receiver(tmp_path_factory.mktemp("receiver"), tls=False) as made:
        yield made


@pytest.fixture(autouse=True)
def _fresh(receiver: Receiver) -> None:
    receiver.requests.clear()
    receiver.answers.clear()
    receiver.status = 200


def _channel(receiver: Receiver, name: str = "ops", **changes: Any) -> Channel:
    url = f"json://user:hunter2@127.0.0.1:{receiver.port}/{name}"
    return Channel(**({"name": name, "url": url} | changes))


def _to(*names: str, kind: str = "chat", **changes: Any) -> Action:
    return action(kind=kind, parameters={"to": list(names)}, **changes)


def _said(receiver: Receiver) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(receiver.requests[-1].body)
    return found


def test_a_chat_is_told_what_happened_why_and_where_to_look(receiver: Receiver) -> None:
    outcome = chat([_channel(receiver)], URL).apply(job(_to("ops")))
    assert isinstance(outcome, Verified)
    assert outcome.evidence["accepted"] == {"ops": "Apprise: sent"}
    said = _said(receiver)
    assert said["title"] == "[Vedette] high: web-1: a new cron job starts a shell"
    assert said["type"] == "warning"
    assert said["message"].splitlines() == [
        "A new incident.",
        "- A new cron job starts a shell",
        "- CPU use is high <b>",
        f"https://vedette.example.com:8443/incidents/{INCIDENT.id}",
    ]


def test_a_page_is_one_line_and_the_link_as_urgent_as_can_be(receiver: Receiver) -> None:
    outcome = page([_channel(receiver, urgent=True)], URL).apply(job(_to("ops", kind="page")))
    assert isinstance(outcome, Verified)
    said = _said(receiver)
    assert said["title"] == "high: web-1: a new cron job starts a shell"
    assert said["message"] == f"https://vedette.example.com:8443/incidents/{INCIDENT.id}"
    assert said["type"] == "failure"


def test_a_page_without_a_link_says_what_happened(receiver: Receiver) -> None:
    page([_channel(receiver, urgent=True)]).apply(job(_to("ops", kind="page")))
    assert _said(receiver)["message"] == "A new incident."


def test_only_what_is_marked_urgent_can_be_paged(receiver: Receiver) -> None:
    with pytest.raises(InvalidInput, match="urgent = true"):
        page([_channel(receiver)]).plan(job(_to("ops", kind="page")))
    known = Destinations(chats=("ops", "oncall"), urgent=("oncall",))
    assert ChatSchema(known).check({"to": ["ops", "oncall"]}, dry_run=False)
    assert PageSchema(known).check({"to": ["oncall"]}, dry_run=False)
    with pytest.raises(InvalidInput) as caught:
        PageSchema(known).check({"to": ["oncall", "ops"]}, dry_run=False)
    assert caught.value.extensions["at"] == ["to", 1]
    assert "known: oncall" in caught.value.detail


@pytest.mark.parametrize(
    ("severity", "trigger", "kind"),
    [
        (Severity.LOW, "opened", "info"),
        (Severity.MEDIUM, "opened", "warning"),
        (Severity.HIGH, "raised", "warning"),
        (Severity.CRITICAL, "raised", "failure"),
        (Severity.CRITICAL, "closed", "success"),
        (Severity.HIGH, "quiet", "success"),
    ],
)
def test_severity_is_told_in_the_services_own_way(
    receiver: Receiver, severity: Severity, trigger: str, kind: str
) -> None:
    incident = msgspec.structs.replace(INCIDENT, severity=severity)
    chat([_channel(receiver)]).apply(job(_to("ops", trigger=trigger), incident=incident))
    assert _said(receiver)["type"] == kind


def test_a_service_that_fails_is_tried_again_and_only_it(receiver: Receiver) -> None:
    kind = chat([_channel(receiver, "first"), _channel(receiver, "second")])
    receiver.answers = [Answer(status=500, body=b"secret words"), Answer(status=200)]
    outcome = kind.apply(job(_to("first", "second")))
    assert isinstance(outcome, Retry)
    assert outcome.data["accepted"] == {"second": "Apprise: sent"}
    assert "Apprise could not send it (HTTP 500)" in outcome.detail
    again = kind.apply(job(_to("first", "second"), data=outcome.data))
    assert isinstance(again, Verified)
    assert [request.path for request in receiver.requests] == ["/first", "/second", "/first"]


def test_nobody_listening_is_said_as_far_as_it_is_known() -> None:
    closed = Channel(name="ops", url="json://127.0.0.1:1/")
    outcome = chat([closed]).apply(job(_to("ops")))
    assert isinstance(outcome, Retry)
    assert (
        outcome.detail == "not yet for ops (Apprise could not send it; it says no more than that)"
    )


def test_a_service_that_hangs_may_have_told_all_the_same(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apprise_service, "_LONGEST_SECONDS", 0.2)
    receiver.answers = [Answer(status=200, after=1.0)]
    outcome = chat([_channel(receiver)]).apply(job(_to("ops")))
    assert isinstance(outcome, Retry)
    assert "it may have been told all the same" in outcome.detail


def test_redirects_are_not_followed(receiver: Receiver) -> None:
    receiver.answers = [Answer(status=302, headers={"location": "/elsewhere"})]
    assert isinstance(chat([_channel(receiver)]).apply(job(_to("ops"))), Retry)
    assert [request.path for request in receiver.requests] == ["/ops"]


def test_a_url_that_apprise_does_not_know_is_final_and_not_shown() -> None:
    odd = Channel(name="ops", url="nothing://hunter2/")
    outcome = chat([odd]).apply(job(_to("ops")))
    assert isinstance(outcome, Failed)
    assert "set chat.ops.url" in outcome.detail
    assert "hunter2" not in str(outcome) + repr(odd)
    assert not is_service(odd.url)
    assert is_service("json://localhost/")


def test_apprise_logs_nothing(
    receiver: Receiver, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.status = 500
    chat([_channel(receiver)]).apply(job(_to("ops")))
    chat([Channel(name="ops", url="nothing://hunter2/")]).apply(job(_to("ops")))
    assert not is_service("slack://hunter2")
    out = capfd.readouterr()
    assert "hunter2" not in caplog.text + out.out + out.err
    assert not [record for record in caplog.records if record.name.startswith("apprise")]


def test_many_long_reasons_are_cut_and_counted(receiver: Receiver) -> None:
    reasons = tuple(
        Reason(expert="vitals", subject=f"s{n}", text=f"{n}\n\x1b" + "x" * 400) for n in range(7)
    )
    incident = msgspec.structs.replace(INCIDENT, title="t" * 300, reasons=reasons)
    chat([_channel(receiver)], URL).apply(job(_to("ops"), incident=incident))
    said = _said(receiver)
    assert len(said["title"]) == 160
    assert len(said["message"]) < 1_700
    assert "\x1b" not in said["message"]
    assert said["message"].endswith(f"/incidents/{INCIDENT.id}")
    short = msgspec.structs.replace(
        incident, reasons=tuple(msgspec.structs.replace(one, text="why") for one in reasons)
    )
    chat([_channel(receiver)]).apply(job(_to("ops"), incident=short))
    assert _said(receiver)["message"].endswith("- and 2 more")


def test_a_trial_is_told_as_one(receiver: Receiver) -> None:
    trial = _to("ops", incident=None, host=None, trigger=TRIAL)
    told = Job(action=trial, incident=None, events=(), now=START)
    assert isinstance(chat([_channel(receiver)]).apply(told), Verified)
    assert "nothing has happened" in _said(receiver)["message"]
    assert _said(receiver)["type"] == "success"
