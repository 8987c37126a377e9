"""Which tables go as digests, and when all or some go in full again."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.detect.scene import tables, user
from tests.fixtures.quiet_host import changed, quiet_snapshots

from vedette.agent.sameness import Sameness
from vedette.core import Epoch, Row, Snapshot, table_digest

ONE, TWO = Epoch("e1"), Epoch("e2")
ALWAYS = {"processes", "process_open_sockets", "listening_ports"}
SMALL = {"logged_in_users", "mounts", "suid_bin", "sudoers", "kernel_modules"}


def look(**rows: list[Row]) -> Snapshot:
    """The made-up server as it is, with these tables instead of its own."""
    (snapshot,) = quiet_snapshots(1)
    return msgspec.structs.replace(snapshot, tables={**tables(), **rows})


def settled(full_every: int = 1_000) -> Sameness:
    """One look was spooled."""
    sameness = Sameness(full_every)
    assert sameness.reduce(ONE, look()) == look()
    return sameness


def test_an_unchanged_table_goes_as_the_digest_that_the_detector_computes() -> None:
    reduced = settled().reduce(ONE, look())
    assert set(reduced.same) | set(reduced.tables) == set(look().tables)
    assert not set(reduced.same) & set(reduced.tables)
    assert {"users", "hash", "systemd_units", "crontab", "deb_packages"} <= set(reduced.same)
    for name, digest in reduced.same.items():
        assert digest == table_digest(look().tables[name])


def test_what_always_changes_and_what_is_smaller_than_a_digest_goes_in_full() -> None:
    assert set(settled().reduce(ONE, look(mounts=[])).tables) >= ALWAYS | {
        "logged_in_users",
        "mounts",
    }


def test_rows_in_another_order_are_no_change_and_one_row_more_is() -> None:
    sameness = settled()
    turned = look(users=tables()["users"][::-1])
    assert "users" in sameness.reduce(ONE, turned).same
    more = look(users=[*tables()["users"], user("eve", 1001, "/bin/sh")])
    assert "users" in sameness.reduce(ONE, more).tables
    assert "users" in sameness.reduce(ONE, more).same


def test_a_table_read_in_part_goes_in_full_and_so_does_the_next_whole_read() -> None:
    sameness = settled()
    partly = msgspec.structs.replace(look(), unread={"users": "not permitted"})
    assert "users" in sameness.reduce(ONE, partly).tables
    assert "users" in sameness.reduce(ONE, look()).tables
    assert "users" in sameness.reduce(ONE, look()).same


def test_a_table_that_was_missing_goes_in_full_when_it_is_back() -> None:
    sameness = settled()
    sameness.reduce(ONE, changed(look(), without=("users",)))
    assert "users" in sameness.reduce(ONE, look()).tables


@pytest.mark.parametrize(
    ("event", "in_full"),
    [
        (lambda s: s.need(["users", "no_such_table"]), {"users"}),
        (lambda s: s.forget(), set(tables())),
        (lambda _: None, set()),
    ],
)
def test_what_the_server_needs_or_may_not_have_goes_in_full_once(
    event: Callable[[Sameness], object], in_full: set[str]
) -> None:
    sameness = settled()
    usual = set(sameness.reduce(ONE, look()).tables)
    event(sameness)
    assert set(sameness.reduce(ONE, look()).tables) == usual | in_full
    assert set(sameness.reduce(ONE, look()).tables) == usual


def test_a_new_epoch_begins_in_full() -> None:
    sameness = settled()
    assert sameness.reduce(TWO, look()) == look()
    assert sameness.reduce(TWO, look()).same


@given(st.integers(2, 90))
def test_each_table_goes_in_full_once_in_so_many_looks_and_never_all_of_them(every: int) -> None:
    sameness = settled(every)
    looks = [set(sameness.reduce(ONE, look()).same) for _ in range(2 * every)]
    mostly = set.union(*looks)
    for name in mostly:
        missing = [at for at, same in enumerate(looks) if name not in same]
        assert len(missing) == 2
        assert missing[1] - missing[0] == every
    assert all(looks)


def test_one_means_always_in_full() -> None:
    sameness = settled(1)
    assert all(sameness.reduce(ONE, look()) == look() for _ in range(5))
