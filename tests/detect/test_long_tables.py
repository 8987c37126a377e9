"""Long tables: their rows' ids, and what is remembered of one that keeps changing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.detect.test_facts import take
from tests.fixtures.quiet_host import changed, quiet_snapshots

from vedette.core import Row, Snapshot, plain_lines, table_digest
from vedette.detect import fact_id, rowid
from vedette.detect.rowid import row_ids
from vedette.detect.tables import Tables, look

SNAPSHOT = next(quiet_snapshots(1))
PACKAGES = "deb_packages"
TEXTS = st.text(st.characters(codec="ascii"), max_size=8)


def with_packages(rows: list[Row]) -> Snapshot:
    return changed(SNAPSHOT, tables={PACKAGES: rows})


def packages(turn: int, many: int = 300) -> list[Row]:
    return [{"name": f"lib-{at}", "version": f"1.{turn if at < 3 else 0}"} for at in range(many)]


@given(st.lists(st.dictionaries(TEXTS, TEXTS, max_size=3), max_size=12))
def test_ids_that_are_remembered_are_the_ones_that_are_made(rows: list[Row]) -> None:
    lines = plain_lines(rows)
    expected = [bytes.fromhex(fact_id(PACKAGES, row)) for row in rows]
    assert row_ids(PACKAGES, rows, lines) == expected
    assert row_ids(PACKAGES, rows, lines) == expected


def test_memory_of_ids_is_bounded_and_what_was_dropped_is_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rowid, "_MOST", 4)
    known = rowid._Ids(PACKAGES)
    lines = [b'{"name":"%d"}' % at for at in range(11)]
    first = [known[line] for line in lines]
    assert len(known) <= 4
    assert [known[line] for line in lines] == first
    assert len(set(first)) == len(lines)
    long = b'{"name":"%s"}' % (b"x" * 10_000)
    assert known[long] == known[long]
    assert long not in known


def test_a_long_table_that_changes_again_and_again_gives_each_change_once() -> None:
    tables = Tables()
    take(tables, with_packages(packages(0)))
    for turn in range(1, 5):
        change = take(tables, with_packages(packages(turn)))[PACKAGES]
        assert sorted(str(row["version"]) for row in change.appeared.values()) == [f"1.{turn}"] * 3
        assert len(change.gone) == 3
        assert tables.memory[PACKAGES].digest == table_digest(packages(turn))


def test_a_long_table_that_changed_and_then_stays_is_unchanged_in_whatever_order() -> None:
    tables = Tables()
    for turn in (0, 1, 2):
        take(tables, with_packages(packages(turn)))
    for rows in (packages(2), packages(2), packages(2)[::-1]):
        sight = look(tables, with_packages(rows))
        assert PACKAGES in sight.unchanged
        assert PACKAGES not in take(tables, with_packages(rows))
    assert tables.memory[PACKAGES].quick


def test_a_long_table_that_changed_is_known_by_its_digest() -> None:
    tables = Tables()
    for turn in (0, 1, 2):
        take(tables, with_packages(packages(turn)))
    for turn, known in ((1, False), (2, True)):
        digest = table_digest(packages(turn))
        sight = look(tables, changed(SNAPSHOT, without=(PACKAGES,), same={PACKAGES: digest}))
        assert (PACKAGES in sight.unchanged) is known
        assert (PACKAGES in sight.needed) is not known
