"""From recordings to a bundle, and from a bundle to figures."""

import gzip
import json
from pathlib import Path
from typing import Literal

import pytest
from tests.fixtures.quiet_host import changed, quiet_snapshots

from vedette.core import HostId, InvalidInput, Label, Snapshot, encode_snapshot
from vedette.detect import Bundle, Detector
from vedette.learn import (
    Figures,
    Look,
    Segment,
    build_bundle,
    group_by_host,
    read_recording,
    read_segments,
    replay,
    tally,
)

HOSTS = [HostId(f"{n}a4a4f7e-3a8b-4f39-9c1b-0d8f5a3c2b10") for n in range(3)]


def write(path: Path, snapshots: list[Snapshot]) -> Path:
    with gzip.open(path, "wb") as file:
        for snapshot in snapshots:
            file.write(encode_snapshot(snapshot, "application/json") + b"\n")
    return path


@pytest.fixture(scope="module")
def baselines(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("recordings")
    return [
        write(folder / f"q{n}.baseline.jsonl.gz", list(quiet_snapshots(50, seed=n, host=host)))
        for n, host in enumerate(HOSTS)
    ]


@pytest.fixture(scope="module")
def session(baselines: list[Path]) -> Path:
    """A later session of the first host, with a leak of memory in the middle."""
    snapshots = list(quiet_snapshots(60, seed=11, host=HOSTS[0], first=51))
    for at in range(20, 40):
        metrics = {"system.memory.utilization": 0.22 + 0.03 * (at - 19)}
        snapshots[at] = changed(snapshots[at], metrics=metrics)
    return write(baselines[0].parent / "q0.test.jsonl.gz", snapshots)


def leak(kind: Literal["abnormal", "benign-change"] = "abnormal") -> Segment:
    return Segment(
        file="q0.test.jsonl.gz",
        host=f"quiet-{HOSTS[0][:4]}",
        from_seq=71,
        to_seq=90,
        kind=kind,
        technique="ops.memory-leak",
    )


@pytest.fixture(scope="module")
def bundle(baselines: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return build_bundle(baselines, tmp_path_factory.mktemp("b"), name="try", made="2026-01-01")


def test_a_build_writes_what_it_returns_and_tells_its_progress(
    baselines: list[Path], bundle: Bundle, tmp_path: Path
) -> None:
    told: list[str] = []
    again = build_bundle(
        baselines[::-1],
        tmp_path,
        name="try",
        made="2030-01-01",
        progress=lambda what, _done, _of: told.append(what),
    )
    assert Bundle.load(tmp_path) == again
    assert again.digest == bundle.digest
    assert len(again.manifest.data) == 3
    assert again.manifest.figures["hosts"] == 3
    assert "loudest_left_out" in again.manifest.figures
    assert any(what.startswith("leave out") for what in told)


def test_one_host_is_enough_to_build_from(baselines: list[Path], tmp_path: Path) -> None:
    assert build_bundle(baselines[:1], tmp_path, name="one", made="").parts


def judged(
    files: list[Path], counted: list[Path], segments: list[Segment], bundle: Bundle
) -> Figures:
    """The figures over what was counted; every alarm opens an incident of its own."""
    names = {snapshot.taken_at: path.name for path in counted for snapshot in read_recording(path)}
    looks = []
    for host, recording in group_by_host(files).items():
        for arrival, scored in replay(Detector(bundle), recording):
            seen = arrival.snapshot
            if seen.taken_at in names and host == f"quiet-{HOSTS[0][:4]}":
                opened = f"{seen.seq}" if scored.label is Label.ABNORMAL else None
                looks.append(
                    Look(
                        file=names[seen.taken_at],
                        host=host,
                        seq=seen.seq,
                        label=scored.label,
                        reasons=scored.reasons,
                        opened=opened,
                    )
                )
    return tally(looks, segments)


def test_a_labelled_fault_is_found_and_nothing_else(
    baselines: list[Path], session: Path, bundle: Bundle
) -> None:
    figures = judged([baselines[0], session], [session], [leak()], bundle)
    assert figures.snapshots == 60
    assert figures.found == figures.named == 1
    assert list(figures.techniques) == ["ops.memory-leak"]
    assert figures.segments[0].delay is not None
    assert figures.segments[0].reasons[0].text.startswith("Memory utilization")
    assert not figures.false_episodes
    assert not figures.false_incidents
    assert figures.summary()["found"] == 1


def test_the_same_alarm_is_false_where_the_labels_call_it_harmless(
    session: Path, baselines: list[Path], bundle: Bundle
) -> None:
    figures = judged([baselines[0], session], [session], [leak("benign-change")], bundle)
    assert [episode.kind for episode in figures.false_episodes] == ["ops.memory-leak"]
    assert figures.benign["ops.memory-leak"].segments == 1
    assert figures.benign["ops.memory-leak"].episodes == 1
    assert figures.benign["ops.memory-leak"].incidents == len(figures.false_incidents) > 0
    assert figures.summary()["false_episodes_per_host_day"]


def test_sessions_of_a_host_are_put_in_order(baselines: list[Path], session: Path) -> None:
    hosts = group_by_host([session, *baselines])
    first = hosts[f"quiet-{HOSTS[0][:4]}"]
    assert [path.name for path in first.paths] == ["q0.baseline.jsonl.gz", "q0.test.jsonl.gz"]
    assert [s.seq for s in first] == list(range(1, 111))


@pytest.mark.parametrize(
    "content",
    [b"no gzip", gzip.compress(b"{}\n", mtime=0), gzip.compress(b'{"schema":1}', mtime=0)[:-6]],
)
def test_a_bad_recording_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"bad\.jsonl"):
        list(read_recording(path))


def test_an_empty_or_missing_recording_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl.gz"
    path.write_bytes(gzip.compress(b""))
    with pytest.raises(InvalidInput, match="no snapshot"):
        group_by_host([path])
    with pytest.raises(InvalidInput, match=r"gone\.jsonl"):
        group_by_host([tmp_path / "gone.jsonl.gz"])


def test_labels_are_read_and_bad_ones_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    fields = {"file": "f", "host": "h", "from_seq": 3, "to_seq": 5, "technique": "T1", "what": "x"}
    path.write_text(json.dumps(fields | {"kind": "abnormal"}) + "\n")
    segment = read_segments(path)[0]
    assert segment.covers(8)
    assert not segment.covers(9)
    path.write_text(json.dumps(fields | {"kind": "odd"}) + "\n")
    with pytest.raises(InvalidInput, match=r"labels\.jsonl"):
        read_segments(path)
