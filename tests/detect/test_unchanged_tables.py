"""Tables that come by their digest: resolved from the state, else unseen and named as needed."""

import pytest
from tests.detect.life import arrivals, following, play, subjects, then
from tests.fixtures.quiet_host import changed, quiet_snapshots

from vedette.core import HostId, Label, Row, Snapshot, table_digest
from vedette.detect import Detector


def same(snapshot: Snapshot, *tables: str) -> Snapshot:
    digests = {name: table_digest(snapshot.tables[name]) for name in tables}
    return changed(snapshot, without=tables, same=digests)


def test_an_unchanged_table_may_come_as_its_digest(
    detector: Detector, grown: dict[HostId, bytes | None]
) -> None:
    answer = then(detector, grown, same(following(), "users", "deb_packages", "listening_ports"))
    assert answer.label is Label.NORMAL
    assert not answer.facts
    assert not answer.needed


@pytest.mark.parametrize("digest", ["", "sha256:" + "0" * 64])
def test_a_table_that_always_changes_can_not_come_by_digest(
    detector: Detector, grown: dict[HostId, bytes | None], digest: str
) -> None:
    snapshot = changed(following(), without=("processes",), same={"processes": digest})
    answer = then(detector, grown, snapshot)
    assert answer.label is Label.UNKNOWN
    assert answer.needed == ("processes",)


def test_a_digest_of_a_table_that_was_read_in_part_is_blindness(
    detector: Detector, grown: dict[HostId, bytes | None]
) -> None:
    snapshot = same(following(unread={"users": "not permitted"}), "users")
    answer = then(detector, grown, snapshot)
    assert answer.label is Label.UNKNOWN
    assert answer.needed == ("users",)


def test_more_ports_than_are_kept_are_needed_in_full(detector: Detector) -> None:
    rows: list[Row] = [
        {"pid": n, "port": n, "protocol": 6, "address": "10.0.0.5"} for n in range(1, 400)
    ]
    wide = [changed(s, tables={"listening_ports": rows}) for s in quiet_snapshots(41)]
    _, states = play(detector, arrivals(wide[:40]), batch=40)
    answer = then(detector, states, same(wide[40], "listening_ports"))
    assert subjects(answer) == {"table:listening_ports"}
    assert answer.needed == ("listening_ports",)


def test_a_digest_of_other_rows_is_blindness_and_names_the_table(
    detector: Detector, grown: dict[HostId, bytes | None]
) -> None:
    answer = then(detector, grown, same(following(tables={"users": []}), "users"))
    assert answer.label is Label.UNKNOWN
    assert answer.needed == ("users",)
    assert "rows are not known here" in answer.reasons[0].text
    assert not answer.facts


def test_a_host_whose_tables_all_come_by_digest_from_the_first_is_blind(detector: Detector) -> None:
    answer = detector.step(arrivals([same(following(), "users", "hash")]), {})[0]
    assert set(answer.needed) == {"users", "hash"}
