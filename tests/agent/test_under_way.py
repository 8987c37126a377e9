"""What the journal keeps of a command that renews or ends something, until that has ended."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from vedette.agent.journal import Journal
from vedette.core import (
    ActionId,
    ActionState,
    Command,
    CommandId,
    CommandResult,
    HostId,
    ManualClock,
    TenantId,
    Verb,
)

AT = datetime(2026, 1, 1, tzinfo=UTC)


def _journal(folder: Path) -> Journal:
    return Journal(folder / "journal.sqlite", ManualClock())


def _command(name: str, verb: Verb) -> Command:
    return Command(
        id=CommandId(name),
        tenant=TenantId("default"),
        host=HostId("h"),
        action=ActionId("a"),
        kind="quarantine",
        verb=verb,
        parameters={"lease_seconds": 60.0},
        dry_run=False,
        issued_at=AT,
        expires_at=AT + timedelta(minutes=5),
        nonce=name,
    )


def _result(name: str) -> CommandResult:
    return CommandResult(command=CommandId(name), state=ActionState.VERIFIED, at=AT)


def test_what_renews_or_ends_something_is_known_whole_until_it_has_ended(tmp_path: Path) -> None:
    journal = _journal(tmp_path)
    renewal = _command("a", Verb.RENEW)
    journal.begin(renewal)
    journal.begin(_command("b", Verb.APPLY))
    journal.close()
    again = _journal(tmp_path)
    assert again.under_way(renewal.id) == renewal
    assert again.under_way(CommandId("b")) is None
    again.finish(_result("a"))
    assert again.under_way(renewal.id) is None
    again.close()


def test_a_command_that_can_not_be_read_any_more_is_as_one_that_is_not_there(
    tmp_path: Path,
) -> None:
    journal = _journal(tmp_path)
    renewal = _command("a", Verb.RENEW)
    journal.begin(renewal)
    with journal.changing() as db:
        db.execute("UPDATE fields SET value = '{' WHERE name = 'under_way:a'")
    assert journal.under_way(renewal.id) is None
    assert journal.interrupted() == ["a"]
    journal.close()
