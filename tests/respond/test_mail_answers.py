"""Every stage of an SMTP session by every answer that a server can give there: who had the mail, and who is asked again."""

import smtplib
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from tests.respond.mail_job import job, to
from tests.respond.smtp_server import HANG_UP, SILENCE, Inbox, MailBox

from vedette.respond import Mail
from vedette.respond.outcome import Failed, Outcome, Retry, Verified

A, B, C = ALL = ("a@example.com", "b@example.com", "c@example.com")
LONG = "250 " + "x" * (smtplib._MAXLINE + 1)  # type: ignore[attr-defined] # what the client reads at most
CLOSING, LATER, NEVER, NONSENSE = "421 closing", "451 later", "554 never", "what?"
NOT_TAKEN = (CLOSING, LATER, HANG_UP, SILENCE, NONSENSE, LONG)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailBox]:
    with MailBox(tmp_path_factory.mktemp("mail"), "none") as made:
        yield made


@pytest.fixture
def mailbox(running: MailBox) -> MailBox:
    running.inbox.mails.clear()
    _as_usual(running.inbox)
    return running


def _as_usual(inbox: Inbox) -> None:
    for script in (inbox.to, inbox.data, inbox.after_data, inbox.instead):
        script.clear()


def _answer(inbox: Inbox, stage: str, answer: str) -> None:
    if stage in ALL:
        inbox.to[stage] = answer
    elif stage == "END":
        inbox.data.append(answer)
    else:
        inbox.instead[stage] = answer


def _tell(mailbox: MailBox, **event: Any) -> tuple[Outcome, dict[str, Any]]:
    silent = SILENCE in {*mailbox.inbox.to.values(), *mailbox.inbox.data} | {
        *mailbox.inbox.after_data,
        *mailbox.inbox.instead.values(),
    }
    settings = mailbox.settings(timeout_seconds=0.3 if silent else 5.0)
    outcome = Mail(settings).apply(job(to(*ALL), **event))
    assert isinstance(outcome, Verified | Retry | Failed)
    return outcome, outcome.evidence if isinstance(outcome, Verified) else outcome.data


def _had(mailbox: MailBox) -> list[str]:
    return [address for recipients, _ in mailbox.inbox.mails for address in recipients]


# What is answered at which stages; for whom the mail is put off then, and to whom it is refused. The others had it.
TABLE: list[tuple[dict[str, str], str, str]] = [
    *[({stage: answer}, "abc", "") for stage, answer in product(("MAIL", "DATA", "END"), NOT_TAKEN)],
    *[({stage: NEVER}, "", "abc") for stage in ("MAIL", "DATA", "END")],
    *[({stage: f"{code} ready"}, "abc", "") for stage, code in (("DATA", 250), ("END", 354), ("END", 251))],
    *[({one: answer}, "abc", "") for one, answer in product(ALL, (CLOSING, HANG_UP, SILENCE, LONG))],
    *[({one: answer}, one[0], "") for one, answer in product(ALL, (LATER, NONSENSE, "252 maybe"))],
    *[({one: NEVER}, "", one[0]) for one in ALL],
    *[({"QUIT": answer}, "", "") for answer in (*NOT_TAKEN, NEVER)],
    ({B: "251 elsewhere"}, "", ""),
    ({A: LATER, B: LATER, C: LATER}, "abc", ""),
    ({A: NEVER, B: NEVER, C: NEVER}, "", "abc"),
    ({A: NEVER, B: LATER}, "b", "a"),
    ({A: NEVER, B: LATER, C: NEVER}, "b", "ac"),
    ({A: NEVER, B: LATER, "END": NEVER}, "b", "ac"),
    *[({A: NEVER, B: answer}, "bc", "a") for answer in (CLOSING, HANG_UP, SILENCE, LONG)],
    *[({A: NEVER, stage: answer}, "bc", "a") for stage, answer in product(("DATA", "END"), NOT_TAKEN)],
    *[({A: NEVER, "QUIT": answer}, "", "a") for answer in NOT_TAKEN],
    *[({"END": NEVER, "QUIT": answer}, "", "abc") for answer in NOT_TAKEN],
]  # fmt: skip


@pytest.mark.parametrize(
    ("script", "deferred", "refused"),
    TABLE,
    ids=[" ".join(f"{at[:4]}:{what[:9]}" for at, what in script.items()) for script, _, _ in TABLE],
)
def test_nobody_counts_as_told_whom_the_server_did_not_take_the_mail_for(
    mailbox: MailBox, script: dict[str, str], deferred: str, refused: str
) -> None:
    for stage, answer in script.items():
        _answer(mailbox.inbox, stage, answer)
    outcome, said = _tell(mailbox)
    assert "".join(sorted(address[0] for address in said["deferred"])) == deferred
    assert "".join(sorted(address[0] for address in said["refused"])) == refused
    assert sorted([*said["accepted"], *said["deferred"], *said["refused"]]) == sorted(ALL)
    assert _had(mailbox) == said["accepted"]
    assert isinstance(outcome, Retry if deferred else Failed if refused else Verified)
    _as_usual(mailbox.inbox)
    again, finally_said = _tell(mailbox, data=said)
    assert isinstance(again, Failed if refused else Verified)
    assert finally_said["refused"] == said["refused"]
    assert sorted(_had(mailbox)) == sorted(set(ALL) - set(said["refused"]))
    assert sorted(finally_said["accepted"]) == sorted(_had(mailbox))


@pytest.mark.parametrize("answer", [HANG_UP, SILENCE, LONG])
def test_a_mail_whose_taking_was_not_heard_of_is_sent_again_under_its_id(
    mailbox: MailBox, answer: str
) -> None:
    mailbox.inbox.after_data.append(answer)
    outcome, said = _tell(mailbox)
    assert isinstance(outcome, Retry)
    assert set(said["deferred"]) == set(ALL)
    _as_usual(mailbox.inbox)
    assert isinstance(_tell(mailbox, data=said)[0], Verified)
    first, second = (message["Message-ID"] for _, message in mailbox.inbox.mails)
    assert first == second


def test_one_who_is_refused_does_not_end_the_mail_for_one_who_was_put_off(
    mailbox: MailBox,
) -> None:
    mailbox.inbox.to |= {A: "550 no such user", B: "451 greylisted"}
    outcome, said = _tell(mailbox)
    assert isinstance(outcome, Retry)
    assert outcome.detail == f"not yet for {B} (451 greylisted)"
    again, said = _tell(mailbox, data=said)
    assert isinstance(again, Retry)
    del mailbox.inbox.to[B]
    last, said = _tell(mailbox, data=said)
    assert isinstance(last, Failed)
    assert last.detail == f"refused for {A} (550 no such user); accepted for 2 others"
    assert _had(mailbox) == [C, B]


def test_who_was_refused_is_still_known_after_a_day_without_a_server(mailbox: MailBox) -> None:
    mailbox.inbox.to |= {A: "550 no such user", B: "451 greylisted"}
    _, said = _tell(mailbox)
    gone = mailbox.settings(port=1)
    outcome = Mail(gone).apply(job(to(*ALL), data=said))
    assert isinstance(outcome, Retry)
    assert "127.0.0.1:1: " in outcome.detail
    assert outcome.data["refused"] == {A: "550 no such user"}
    assert outcome.data["accepted"] == [C]


def test_a_dry_run_does_not_mind_how_the_server_says_goodbye(mailbox: MailBox) -> None:
    mailbox.inbox.instead["QUIT"] = "500 what?"
    assert Mail(mailbox.settings())._carrier.check() == ""
