"""Facts: what appeared and what is gone, by digest."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.quiet_host import changed, process, quiet_snapshots, quiet_tables

from vedette.core import FactChange, Row, Snapshot
from vedette.detect import View, fact_id
from vedette.detect.facts import FACT_TABLES, absorb
from vedette.detect.tables import Tables, look

SNAPSHOT = next(quiet_snapshots(1))


def take(tables: Tables, snapshot: Snapshot) -> dict[str, FactChange]:
    sight = look(tables, snapshot)
    changes = absorb(tables, View(snapshot=snapshot, count=0, seen=sight.seen), sight)
    for name in sight.seen:
        tables.usual.setdefault(name, name in snapshot.unread)
    return {change.table: change for change in changes}


def known() -> Tables:
    tables = Tables()
    take(tables, SNAPSHOT)
    return tables


def test_all_rows_of_a_first_snapshot_appear() -> None:
    changes = take(Tables(), SNAPSHOT)
    filled = {name for name, rows in quiet_tables().items() if rows and name in FACT_TABLES}
    assert set(changes) == filled
    assert len(changes["users"].appeared) == 2
    assert not any(change.gone for change in changes.values())


def test_an_id_is_the_digest_of_table_and_row() -> None:
    row: Row = {"path": "/usr/bin/su", "username": "root", "permissions": "S"}
    assert set(take(Tables(), SNAPSHOT)["suid_bin"].appeared) == {fact_id("suid_bin", row)}
    assert fact_id("suid_bin", row) != fact_id("hash", row)
    assert len(fact_id("suid_bin", row)) == 20


def test_the_same_again_changes_nothing() -> None:
    assert not take(known(), SNAPSHOT)


def test_a_new_row_appears_and_a_lacking_one_is_gone() -> None:
    tables = known()
    before = take(Tables(), SNAPSHOT)["deb_packages"].appeared
    newer: list[Row] = [{"name": "nginx", "version": "1.24"}, {"name": "cron", "version": "3.0"}]
    change = take(tables, changed(SNAPSHOT, tables={"deb_packages": newer}))["deb_packages"]
    assert list(change.appeared.values()) == [newer[0]]
    gone = next(key for key, row in before.items() if row["name"] == "nginx")
    assert change.gone == (gone,)


def test_a_table_that_was_not_read_loses_no_fact() -> None:
    tables = known()
    assert not take(tables, changed(SNAPSHOT, without=("users", "processes", "listening_ports")))
    assert not take(tables, SNAPSHOT)


def test_memory_and_cpu_time_of_a_process_are_no_new_fact() -> None:
    rows = [
        row | {"resident_size": 1, "user_time": 99, "threads": 4, "state": "R"}
        for row in quiet_tables()["processes"]
    ]
    assert not take(known(), changed(SNAPSHOT, tables={"processes": rows}))


def test_a_process_whose_program_was_deleted_is_a_new_fact() -> None:
    rows = quiet_tables()["processes"]
    rows[-1] = rows[-1] | {"on_disk": 0}
    change = take(known(), changed(SNAPSHOT, tables={"processes": rows}))["processes"]
    assert len(change.appeared) == len(change.gone) == 1


def test_a_port_is_known_by_who_listens_and_not_by_a_pid() -> None:
    rows = quiet_tables()
    moved = [
        process(7310, 1, "sshd", "/usr/sbin/sshd", "sshd: /usr/sbin/sshd -D [listener]"),
        *rows["processes"][2:],
    ]
    ports = [rows["listening_ports"][0] | {"pid": 7310}, rows["listening_ports"][1]]
    changes = take(
        known(), changed(SNAPSHOT, tables={"processes": moved, "listening_ports": ports})
    )
    assert "listening_ports" not in changes


def test_another_program_on_the_same_port_and_pid_is_a_new_fact() -> None:
    rows = quiet_tables()["processes"]
    rows[1] = process(310, 1, "sshd", "/tmp/sshd", "sshd: /usr/sbin/sshd -D [listener]")
    change = take(known(), changed(SNAPSHOT, tables={"processes": rows}))["listening_ports"]
    assert [row["path"] for row in change.appeared.values()] == ["/tmp/sshd"]
    assert len(change.gone) == 1


def test_ports_wait_for_the_processes_that_own_them() -> None:
    ports: list[Row] = [{"pid": 1, "port": 9, "protocol": 6, "family": 2, "address": "::"}]
    blind = changed(SNAPSHOT, tables={"listening_ports": ports}, without=("processes",))
    tables = known()
    assert not take(tables, blind)
    assert "listening_ports" in take(tables, changed(SNAPSHOT, tables={"listening_ports": ports}))


def test_sockets_and_unknown_tables_are_no_facts() -> None:
    rows: list[Row] = [{"pid": 1, "remote_address": "192.0.2.1"}]
    assert not take(
        known(), changed(SNAPSHOT, tables={"process_open_sockets": rows, "novelty": rows})
    )


def test_a_host_cannot_fill_its_state_with_made_up_tables() -> None:
    tables = known()
    rows: list[Row] = [{"x": 1}]
    take(tables, changed(SNAPSHOT, tables={f"t{n}": rows for n in range(500)}))
    assert set(tables.memory) == set(quiet_tables())


ROWS = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("abcdef"), "version": st.sampled_from("012")}),
    max_size=6,
)


@settings(max_examples=60)
@given(st.lists(ROWS, max_size=6), st.randoms(use_true_random=False))
def test_appeared_less_gone_is_what_is_there(history: list[list[Row]], random: Random) -> None:
    tables, live = Tables(), dict[str, Row]()
    for rows in history:
        random.shuffle(rows)
        change = take(tables, changed(SNAPSHOT, tables={"deb_packages": rows})).get("deb_packages")
        if change is not None:
            assert not change.appeared.keys() & live.keys()
            assert set(change.gone) <= live.keys()
            live = {k: v for k, v in live.items() if k not in change.gone} | change.appeared
        assert live == {fact_id("deb_packages", row): row for row in rows}
