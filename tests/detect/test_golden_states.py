"""States that earlier versions wrote: a server that is upgraded goes on with them, or says of which part it can't.

`tests/golden/host-state-<n>.msgpack` are the quiet host's after forty snapshots, as the shipped version of that time left it.
"""

from pathlib import Path

import pytest
from tests.fixtures.quiet_host import HOST, changed, process, quiet_snapshots, quiet_tables

from vedette.core import Epoch, Label, Snapshot
from vedette.detect import Arrival, Detector, Scored

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("host-state-*.msgpack"))


def play(detector: Detector, blob: bytes, snapshots: list[Snapshot]) -> list[Scored]:
    state: bytes | None = blob
    answers = []
    for snapshot in snapshots:
        answers += detector.step([Arrival(epoch=Epoch("e1"), snapshot=snapshot)], {HOST: state})
        state = answers[-1].state
    return answers


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.stem)
def test_a_quiet_host_goes_on_with_it(detector: Detector, golden: Path) -> None:
    answers = play(detector, golden.read_bytes(), list(quiet_snapshots(12, first=41)))
    assert not [answer for answer in answers if answer.label is Label.ABNORMAL]
    subjects = {reason.subject for reason in answers[0].reasons}
    assert answers[0].label is Label.NORMAL or any(one.startswith("state:") for one in subjects)
    assert {answer.label for answer in answers[1:]} == {Label.NORMAL}


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.stem)
def test_what_it_knows_is_still_known_and_what_is_new_is_still_new(
    detector: Detector, golden: Path
) -> None:
    tables = quiet_tables()
    tables["processes"].append(
        process(900, 401, "x", "/tmp/.x/x", "/tmp/.x/x -c", uid=33, on_disk=0)
    )
    tables["users"].append({"username": "toor", "uid": 0, "gid": 0, "shell": "/bin/sh"})
    busy = [changed(s, tables=tables) for s in quiet_snapshots(2, first=42)]
    answers = play(detector, golden.read_bytes(), [*quiet_snapshots(1, first=41), *busy])
    assert [answer.label for answer in answers[1:]] == [Label.ABNORMAL] * 2
    told = {(reason.expert, reason.subject) for reason in answers[1].reasons}
    assert {("behaviour", "process:/tmp/.x/x"), ("inventory", "user:toor")} <= told


def test_there_are_such_states() -> None:
    assert GOLDEN
