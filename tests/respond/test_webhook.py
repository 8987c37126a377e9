"""Webhooks, against a real HTTPS server and the published verifier of Standard Webhooks."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError
from structlog.testing import capture_logs
from tests.respond.mail_job import URL, job
from tests.respond.receiver import Answer, Receiver
from tests.respond.world import INCIDENT, START, action

from vedette.core import (
    Action,
    ActionState,
    ConfigError,
    HostId,
    InvalidInput,
    Standing,
    StandingHost,
    SystemClock,
)
from vedette.respond import (
    TRIAL,
    Destinations,
    Job,
    Webhook,
    WebhookSchema,
    notification_schema,
    webhook,
)
from vedette.respond.actions.webhook.delivery import _wait
from vedette.respond.actions.webhook.signature import signed_headers
from vedette.respond.outcome import Failed, Retry, Simulated, Verified
from vedette.respond.telling import Answer as Verdict
from vedette.respond.telling import Telling
from vedette.seal import Authority

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
OLD = "whsec_" + base64.b64encode(b"o" * 24).decode()


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with Receiver(tmp_path_factory.mktemp("receiver")) as made:
        yield made


@pytest.fixture(autouse=True)
def _fresh(receiver: Receiver) -> None:
    receiver.requests.clear()
    receiver.answers.clear()
    receiver.status = 204


def _to(*names: str, number: int = 1, **changes: Any) -> Action:
    return action(number, kind="webhook", parameters={"to": list(names)}, **changes)


def _place(receiver: Receiver, name: str = "siem", **changes: Any) -> Webhook:
    how: dict[str, Any] = {
        "url": f"https://127.0.0.1:{receiver.port}/hook?token=abc",
        "secrets": (SECRET, ""),
        "ca_file": receiver.ca_file,
        "timeout_seconds": 5.0,
    }
    return Webhook.build(name, **(how | changes))


def test_a_webhook_is_signed_so_that_the_published_verifier_takes_it(receiver: Receiver) -> None:
    now = SystemClock().now()
    told = Job(action=_to("siem"), incident=INCIDENT, events=(), now=now)
    outcome = webhook([_place(receiver)], URL).apply(told)
    assert isinstance(outcome, Verified)
    assert outcome.evidence["accepted"] == {"siem": "HTTP 204"}
    (request,) = receiver.requests
    assert request.path == "/hook?token=abc"
    assert request.headers["webhook-id"] == f"msg_{told.action.id}"
    assert Verifier(SECRET).verify(request.body, request.headers) == json.loads(request.body)
    for changed in (request.body + b" ", request.body.replace(b"high", b"none", 1)):
        with pytest.raises(WebhookVerificationError):
            Verifier(SECRET).verify(changed, request.headers)


def test_the_body_says_what_happened_by_its_published_schema(receiver: Receiver) -> None:
    webhook([_place(receiver)], URL).apply(
        job(_to("siem", trigger="raised"), replace(INCIDENT, returns=2))
    )
    said = json.loads(receiver.requests[0].body)
    jsonschema.validate(said, notification_schema())
    assert said["type"] == "incident.raised"
    assert said["timestamp"] == "2026-03-01T12:00:00Z"
    data = said["data"]
    assert data["schema"] == "vedette.notification/1"
    assert data["incident"]["severity"] == "high"
    assert data["incident"]["returns"] == 2
    assert data["host"] == {"id": INCIDENT.host, "hostname": "web-1"}
    assert data["reasons"][0]["attack"] == "T1053.003"
    assert data["action"]["policy"] == "tell"
    assert data["link"] == f"https://vedette.example.com:8443/incidents/{INCIDENT.id}"


def test_hosts_that_fell_silent_and_trials_have_bodies_too(receiver: Receiver) -> None:
    host = StandingHost(
        id=HostId("h1"), hostname="web-1", last_seen_at=None, silent_since=START, interval=60.0
    )
    about = Standing(count=1, fleet=4, hosts=(host,))
    kind = webhook([_place(receiver)], URL)
    silent = _to("siem", incident=None, host=HostId("h1"), trigger="silent", about=about)
    many = _to("siem", incident=None, host=None, trigger="heard", about=about)
    trial = _to("siem", incident=None, host=None, trigger=TRIAL)
    for each in (silent, many, trial):
        assert isinstance(
            kind.apply(Job(action=each, incident=None, events=(), now=START)), Verified
        )
    bodies = [json.loads(request.body) for request in receiver.requests]
    for body in bodies:
        jsonschema.validate(body, notification_schema())
    assert [body["type"] for body in bodies] == ["hosts.silent", "hosts.heard", "trial"]
    assert [body["data"]["host"] for body in bodies] == [
        {"id": "h1", "hostname": "web-1"},
        None,
        None,
    ]
    assert bodies[0]["data"]["standing"]["hosts"][0]["hostname"] == "web-1"


def test_a_repeat_bears_the_same_id_and_a_later_time(receiver: Receiver) -> None:
    kind = webhook([_place(receiver)])
    for minutes in (0, 5):
        at = START + timedelta(minutes=minutes)
        kind.apply(Job(action=_to("siem"), incident=INCIDENT, events=(), now=at))
    first, second = (request.headers for request in receiver.requests)
    assert first["webhook-id"] == second["webhook-id"]
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 300


def test_while_a_secret_is_changed_receivers_may_have_either(receiver: Receiver) -> None:
    now = SystemClock().now()
    told = Job(action=_to("siem"), incident=INCIDENT, events=(), now=now)
    webhook([_place(receiver, secrets=(SECRET, OLD))]).apply(told)
    (request,) = receiver.requests
    for secret in (SECRET, OLD):
        Verifier(secret).verify(request.body, request.headers)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422])
def test_what_is_refused_is_final(receiver: Receiver, status: int) -> None:
    receiver.status = status
    outcome = webhook([_place(receiver)]).apply(job(_to("siem")))
    assert isinstance(outcome, Failed)
    assert outcome.data["refused"] == {"siem": f"HTTP {status}"}


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(receiver: Receiver, status: int) -> None:
    receiver.status = status
    outcome = webhook([_place(receiver)]).apply(job(_to("siem")))
    assert isinstance(outcome, Retry)
    assert outcome.wait_seconds == 0
    assert f"HTTP {status}" in outcome.detail


def test_a_receiver_says_when_to_come_again(receiver: Receiver) -> None:
    receiver.answers = [Answer(status=429, headers={"retry-after": "120"})]
    outcome = webhook([_place(receiver)]).apply(job(_to("siem")))
    assert isinstance(outcome, Retry)
    assert outcome.wait_seconds == 120


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("", 0),
        ("soon", 0),
        ("-5", 0),
        ("7", 7),
        ("9" * 40, 86_400),
        ("Sun, 01 Mar 2026 12:01:30 GMT", 90),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("Sun, 01 Mar 2026 12:01:30 -0000", 0),
        ("Sun, 01 Mar 2026 12:01:30 +9999999999999999", 0),
        ("Sun, 01 Mar 99999999999999999999 12:01:30 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 86_400),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 0),
    ],
)
def test_how_long_to_wait_is_read_with_care(said: str, seconds: float) -> None:
    assert _wait(said, START) == seconds


@given(
    st.text(max_size=60)
    | st.builds("Sun, 01 Mar {} 12:01:30 {:+}".format, st.integers(0), st.integers())
)
def test_no_answer_header_breaks_the_reading_or_the_bound(said: str) -> None:
    assert 0 <= _wait(said, START) <= 86_400


def test_redirects_are_not_followed(receiver: Receiver) -> None:
    receiver.answers = [
        Answer(status=307, headers={"location": f"https://127.0.0.1:{receiver.port}/elsewhere"})
    ]
    outcome = webhook([_place(receiver)]).apply(job(_to("siem")))
    assert isinstance(outcome, Failed)
    assert "redirects are not followed" in outcome.detail
    assert len(receiver.requests) == 1


def test_proxies_of_the_environment_are_not_asked(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert isinstance(webhook([_place(receiver)]).apply(job(_to("siem"))), Verified)


def test_a_long_answer_is_not_read(receiver: Receiver) -> None:
    receiver.answers = [Answer(status=200, body=b"x" * 5_000_000)]
    assert isinstance(webhook([_place(receiver)]).apply(job(_to("siem"))), Verified)


def test_a_receiver_that_hangs_is_given_up_on(receiver: Receiver) -> None:
    receiver.answers = [Answer(status=200, after=1.0)]
    outcome = webhook([_place(receiver, timeout_seconds=0.2)]).apply(job(_to("siem")))
    assert isinstance(outcome, Retry)
    assert "no answer" in outcome.detail


def test_a_receiver_that_is_not_trusted_or_not_there_is_tried_again_without_its_url(
    receiver: Receiver, tmp_path: Path
) -> None:
    other = Authority.create(tmp_path / "other", ["localhost"])
    for changes, words in (
        ({"ca_file": str(other.ca_path)}, "its certificate is not trusted"),
        ({"ca_file": ""}, "its certificate is not trusted"),
        ({"ca_file": "/nowhere.pem"}, "webhook.siem.ca_file /nowhere.pem can't be used"),
        ({"url": "https://127.0.0.1:1/?token=abc"}, "can't be reached"),
    ):
        outcome = webhook([_place(receiver, **changes)]).apply(job(_to("siem")))
        assert isinstance(outcome, Retry)
        assert words in outcome.detail
        assert "token" not in str(outcome)
    assert not receiver.requests


def test_each_destination_is_told_once_whatever_others_say(receiver: Receiver) -> None:
    places = [_place(receiver, name) for name in ("first", "second", "third")]
    kind, given_action = webhook(places), _to("first", "second", "third")
    receiver.answers = [Answer(status=410), Answer(status=503), Answer(status=200)]
    outcome = kind.apply(job(given_action))
    assert isinstance(outcome, Retry)
    assert outcome.data["accepted"] == {"third": "HTTP 200"}
    assert outcome.data["refused"] == {"first": "HTTP 410"}
    again = kind.apply(job(given_action, data=outcome.data))
    assert isinstance(again, Failed)
    assert again.detail == "refused for first (HTTP 410); accepted for 2 others"
    assert len(receiver.requests) == 4


def test_a_destination_that_asks_for_a_moment_that_cannot_be_has_no_other_told_again(
    receiver: Receiver,
) -> None:
    kind = webhook([_place(receiver, name) for name in ("good", "mad")])
    given_action = _to("good", "mad")
    never = {"retry-after": "Sun, 01 Mar 2026 12:01:30 +9999999999999999"}
    receiver.answers = [Answer(status=200), Answer(status=503, headers=never)]
    outcome = kind.apply(job(given_action))
    assert isinstance(outcome, Retry)
    assert outcome.data["accepted"] == {"good": "HTTP 200"}
    assert outcome.data["deferred"] == {"mad": "HTTP 503"}
    assert isinstance(kind.apply(job(given_action, data=outcome.data)), Verified)
    assert len(receiver.requests) == 3


def test_an_attempt_that_breaks_forgets_nobody_who_was_told_and_logs_no_url() -> None:
    told = []

    def attempt(place: str, given_job: Job) -> Verdict:
        del given_job
        told.append(place)
        if "broken" in place:
            raise RuntimeError(place)
        return Verdict(verdict="accepted", words="HTTP 200")

    places = {"first": "1", "broken": "https://broken.example.com/?token=abc", "last": "3"}
    kind = Telling(WebhookSchema(), places, attempt, "")
    with capture_logs() as logs:
        outcome = kind.apply(job(_to("first", "broken", "last")))
    assert isinstance(outcome, Retry)
    assert set(outcome.data["accepted"]) == {"first", "last"}
    words = "the attempt broke with RuntimeError; see the log"
    assert outcome.data["deferred"] == {"broken": words}
    (line,) = logs
    assert (line["event"], line["to"]) == ("respond.telling_broke", "broken")
    assert "token" not in str(outcome) + str(line)
    kind.apply(job(_to("first", "broken", "last"), data=outcome.data))
    assert told[3:] == [places["broken"]]


def test_a_dry_run_sends_nothing_and_an_unknown_destination_is_named(receiver: Receiver) -> None:
    kind = webhook([_place(receiver)])
    dry = kind.apply(job(_to("siem", dry_run=True)))
    assert dry == Simulated(plan={"to": ["siem"]})
    assert not receiver.requests
    with pytest.raises(InvalidInput, match="no destination 'gone'"):
        kind.plan(job(_to("gone")))


def test_only_what_was_accepted_everywhere_is_verified(receiver: Receiver) -> None:
    kind = webhook([_place(receiver)])
    said = {"to": ["siem"], "accepted": {"siem": "HTTP 200"}}
    acknowledged: dict[str, Any] = {"state": ActionState.ACKNOWLEDGED}
    assert isinstance(kind.probe(job(_to("siem"))), Failed)
    nobody = said | {"accepted": {}}
    assert isinstance(kind.probe(job(_to("siem"), data=nobody, **acknowledged)), Failed)
    assert isinstance(kind.probe(job(_to("siem"), data=said, **acknowledged)), Verified)
    dry = kind.probe(job(_to("siem", dry_run=True), data=said, **acknowledged))
    assert isinstance(dry, Simulated)


@pytest.mark.parametrize(
    "secret",
    ["hunter2", "whsec_", "whsec_!!", "whsec_" + base64.b64encode(b"short").decode(), SECRET[6:]],
)
def test_a_secret_that_is_none_is_refused_without_being_shown(secret: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Webhook.build("siem", "https://x", (secret,), "", 1.0)
    assert "webhook.siem" in caught.value.detail
    assert secret == "whsec_" or secret not in caught.value.detail
    assert "kkkk" not in repr(Webhook.build("siem", "https://x", (SECRET,), "", 1.0))


def test_the_signature_is_over_id_time_and_body() -> None:
    made = signed_headers("msg_1", START, b"{}", [b"k" * 32])
    other = signed_headers("msg_2", START, b"{}", [b"k" * 32])
    assert made["webhook-timestamp"] == "1772366400"
    assert made["webhook-signature"] != other["webhook-signature"]


@pytest.mark.parametrize(
    ("parameters", "at"),
    [
        ({}, ["to"]),
        ({"to": "siem"}, ["to"]),
        ({"to": ["siem", 1]}, ["to", 1]),
        ({"to": ["siem", "gone"]}, ["to", 1]),
        ({"to": ["https://x.example/hook"]}, ["to", 0]),
        ({"to": ["siem"], "url": "https://x.example"}, ["url"]),
    ],
)
def test_what_policies_may_not_write_is_named_with_its_place(
    parameters: dict[str, Any], at: list[Any]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        WebhookSchema(Destinations(webhooks=("siem",))).check(parameters, dry_run=False)
    assert caught.value.extensions["at"] == at


def test_names_are_taken_as_they_are_where_the_settings_are_not_at_hand() -> None:
    assert WebhookSchema().check({"to": ["any", "any"]}, dry_run=False) == {"to": ["any"]}
