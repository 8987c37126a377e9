"""What is SQLite's own: the file, its settings, its failures, and how its queries run."""

import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from tests.store.make import (
    HOST,
    START,
    TENANT,
    action,
    apply,
    chain,
    effect,
    enrol,
    incident,
    minute,
    verdict,
)
from tests.store.statements import recorded

from vedette.core import (
    Action,
    ActionState,
    ConfigError,
    Explained,
    Explaining,
    HostId,
    HostStatus,
    IncidentState,
    Inhibition,
    Label,
    ManualClock,
    Severity,
    Unavailable,
)
from vedette.store import Role, Store, database


@pytest.fixture
def url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def path(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, url: str, clock: ManualClock) -> Iterator[Store]:
    """A store that waits for locks only briefly."""
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.05)
    opened = Store(url, clock)
    yield opened
    opened.close()


def test_a_new_file_and_its_log_are_closed_to_others(tmp_path: Path, clock: ManualClock) -> None:
    store = Store(f"sqlite:///{tmp_path / 'new.sqlite'}", clock)
    store.migrate()
    enrol(store)
    modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in tmp_path.glob("new.sqlite*")}
    store.close()
    assert modes["new.sqlite-wal"] == modes["new.sqlite"] == 0o600
    assert set(modes.values()) == {0o600}


def test_every_connection_is_durable_and_checked(store: Store) -> None:
    with store._database.reading() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 10_000,
    }


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "mysql://host/db", "not a url", ""]
)
def test_a_url_of_no_use_says_what_to_write(url: str, clock: ManualClock) -> None:
    with pytest.raises(ConfigError, match="sqlite"):
        Store(url, clock)


def test_a_folder_that_is_not_there_makes_the_store_unavailable(
    tmp_path: Path, clock: ManualClock
) -> None:
    store = Store(f"sqlite:///{tmp_path / 'no' / 'store.sqlite'}", clock)
    assert not store.ready()
    with pytest.raises(Unavailable, match="unable to open"):
        store.migrate()


def test_a_file_that_is_no_database_makes_the_store_unavailable(
    tmp_path: Path, clock: ManualClock
) -> None:
    (tmp_path / "store.sqlite").write_bytes(b"this is a text file, not a database" * 100)
    store = Store(f"sqlite:///{tmp_path / 'store.sqlite'}", clock)
    with pytest.raises(Unavailable, match="not a database"):
        store.migrate()


def test_a_full_disk_keeps_nothing_and_says_so(store: Store) -> None:
    enrol(store)

    def full(connection: sqlite3.Connection, *_: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")

    event.listen(store._database.engine, "checkout", full)
    big = effect(1, state=b"x" * 200_000)
    with pytest.raises(Unavailable, match="full") as caught:
        apply(store, big)
    assert caught.value.retry_after
    assert store.verdicts.find(TENANT).items == ()
    event.remove(store._database.engine, "checkout", full)


def test_a_read_only_file_can_be_read_and_not_written(store: Store) -> None:
    enrol(store)
    event.listen(
        store._database.engine,
        "checkout",
        lambda connection, *_: connection.execute("PRAGMA query_only=ON"),
    )
    with pytest.raises(Unavailable, match="readonly"):
        apply(store, effect(1))
    assert store.hosts.get(TENANT, HOST).status is HostStatus.UNKNOWN


def test_a_writer_that_waits_too_long_is_told_to_try_again(impatient: Store, path: Path) -> None:
    enrol(impatient)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="locked"):
            apply(impatient, effect(1))
        assert impatient.hosts.find(TENANT).items
    with impatient._database.writing(), pytest.raises(Unavailable, match="busy"):
        apply(impatient, effect(1))
    assert apply(impatient, effect(1)) == ["applied"]


def test_people_can_recount_with_the_plain_tool(store: Store, path: Path) -> None:
    enrol(store)
    alarm = effect(1, Label.ABNORMAL, incidents=(incident(),), actions=(action(),))
    assert alarm.result is not None
    apply(store, alarm, *chain(2, 4, alarm.result))
    with closing(sqlite3.connect(path)) as plain:
        counts = plain.execute("SELECT label, count(*) FROM verdicts GROUP BY label ORDER BY 1")
        assert counts.fetchall() == [("abnormal", 1), ("normal", 3)]
        assert plain.execute("SELECT state FROM actions").fetchall() == [("proposed",)]
        reason = "SELECT json_extract(reasons, '$[0].subject') FROM verdicts WHERE seq = 1"
        assert plain.execute(reason).fetchone() == ("cron:/etc/cron.d/x",)
        when = "SELECT datetime(taken_at / 1000000, 'unixepoch') FROM verdicts WHERE seq = 1"
        assert plain.execute(when).fetchone() == ("2026-03-01 12:01:00",)


QUESTIONS: dict[str, Callable[[Store], object]] = {
    "verdicts": lambda s: s.verdicts.find(TENANT, after=_cursor(s)),
    "verdicts since": lambda s: s.verdicts.find(TENANT, since=START, after=_cursor(s)),
    "verdicts of a host": lambda s: s.verdicts.find(TENANT, host=HOST, after=_cursor(s)),
    "alarms": lambda s: s.verdicts.find(TENANT, label=Label.ABNORMAL),
    "verdict": lambda s: s.verdicts.get(TENANT, verdict(1).id),
    "known": lambda s: s.verdicts.known([verdict(n).identity for n in (1, 2)]),
    "states": lambda s: s.states.load(TENANT, [HOST, HostId("x")]),
    "hosts": lambda s: s.hosts.find(TENANT),
    "hosts by status": lambda s: s.hosts.find(TENANT, status=HostStatus.NORMAL),
    "signers": lambda s: s.hosts.signers(["kid"]),
    "facts": lambda s: s.facts.at(TENANT, HOST, minute(1)),
    "facts of a table": lambda s: s.facts.at(TENANT, HOST, minute(1), table="users"),
    "lives": lambda s: s.facts.history(TENANT, HOST),
    "incidents": lambda s: s.incidents.find(TENANT),
    "open incidents": lambda s: s.incidents.find(TENANT, state=IncidentState.OPEN),
    "severe incidents": lambda s: s.incidents.find(TENANT, severity=Severity.HIGH),
    "oldest incidents": lambda s: s.incidents.find(TENANT, oldest_first=True),
    "somebody's incidents": lambda s: s.incidents.find(TENANT, assigned_to="user:ada"),
    "incidents by a cause": lambda s: s.incidents.find(TENANT, cause="x", since=START),
    "incidents of a cohort": lambda s: s.incidents.find(TENANT, label=("role", "web")),
    "incidents by name": lambda s: s.incidents.find(TENANT, text="web"),
    "explained by a reboot": lambda s: s.silences.explained(_told(), [_rule(actions=("reboot",))]),
    "explained by an incident": lambda s: s.silences.explained(
        _told(), [_rule(severity=Severity.HIGH)]
    ),
    "explained by a silent rack": lambda s: s.silences.explained(
        _told(), [_rule("rack", silent={"role": "switch"})]
    ),
    "timeline": lambda s: s.incidents.events(TENANT, incident().id),
    "actions": lambda s: s.actions.find(TENANT),
    "actions of a host": lambda s: s.actions.find(TENANT, host=HOST),
    "actions of an incident": lambda s: s.actions.find(TENANT, incident=incident().id),
    "due": lambda s: s.actions.due([ActionState.PROPOSED], disruptive=False),
    "undecided": lambda s: s.actions.undecided(START),
    "awake": lambda s: s.actions.awake(START),
    "audit": lambda s: s.audit.find(TENANT, since=START),
    "audit of a subject": lambda s: s.audit.find(TENANT, subject="x"),
    "audit of an actor": lambda s: s.audit.find(TENANT, actor="x"),
    "pending": lambda s: s.commands.pending(TENANT, HOST, START),
    "tokens": lambda s: s.tokens.list(TENANT),
    "token": lambda s: s.tokens.by_hash("x"),
    "policies": lambda s: s.policies.list(TENANT),
}


def _told() -> Action:
    return action(2, incident=None, trigger="silent", proposed_at=minute(2), dry_run=False)


def _rule(equal: str = "", **explains: Any) -> Inhibition:
    explained = Explained(silent=True)
    return Inhibition(name="r", explains=Explaining(**explains), explained=explained, equal=equal)


# Few rows are left to sort once the index has narrowed them down.
MAY_SORT = {
    "explained by a reboot",
    "explained by an incident",
    "awake",
    "due",
    "undecided",
    "pending",
    "facts",
    "facts of a table",
}


def _plan(store: Store, statement: str, parameters: Any) -> str:
    with store._database.reading() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return "\n".join(str(row[3]) for row in rows)


def _cursor(store: Store) -> str:
    cursor = store.verdicts.find(TENANT, limit=1).next
    assert cursor is not None
    return cursor


@pytest.mark.parametrize("question", list(QUESTIONS))
def test_each_question_is_answered_from_an_index_in_its_order(store: Store, question: str) -> None:
    enrol(store)
    apply(store, *chain(1, 3))
    QUESTIONS[question](store)
    with recorded(store) as statements:
        QUESTIONS[question](store)
    assert statements
    for statement, parameters in statements:
        plan = _plan(store, statement, parameters)
        assert "SCAN" not in plan
        assert "TEMP B-TREE" not in plan or question in MAY_SORT


def test_a_batch_takes_as_many_statements_as_one_snapshot(store: Store) -> None:
    counts = []
    for size in (1, 100):
        effects = [
            effect(
                1,
                Label.ABNORMAL,
                host=(host := HostId(f"h{size}-{number}")),
                incidents=(incident(1000 * size + number, host=host),),
            )
            for number in range(size)
        ]
        for one in effects:
            enrol(store, host=one.verdict.host)
        with recorded(store) as statements:
            apply(store, *effects)
        counts.append(len(statements))
        looks = [one for one in statements if one[0].startswith(("SELECT", "UPDATE"))]
        assert len(looks) == 6
        for statement, parameters in looks:
            some = parameters[0] if isinstance(parameters, list) else parameters
            assert "SCAN" not in _plan(store, statement, some)
    assert counts[0] == counts[1] <= 12


_COMES_AND_GOES = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    print(db.execute("SELECT count(*) FROM tokens").fetchone()[0])
db.close()
"""


def come_and_go(path: Path) -> int:
    """Another process that opens the store, as every command at the server does, and closes it. How many tokens it saw."""
    done = subprocess.run(
        [sys.executable, "-c", _COMES_AND_GOES, str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


def test_a_command_beside_it_does_not_take_its_log_away(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "beside.sqlite"
    store = Store(f"sqlite:///{path}", clock)
    store.migrate()
    with store._database.reading(), store._database.reading():
        pass  # as any process with two requests at a time has
    assert come_and_go(path) == 0
    assert path.with_name(f"{path.name}-wal").exists()
    store.tokens.create(TENANT, "ada", Role.VIEWER, "hash", None, "user:ann")
    assert come_and_go(path) == 1
    store.close()
    assert come_and_go(path) == 1
