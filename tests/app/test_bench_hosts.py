"""`vedette bench hosts` over small made-up recordings."""

import gzip
import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.fixtures.quiet_host import changed, process, quiet_snapshots, quiet_tables

from vedette.app.bench.hosts import baselines
from vedette.app.bench.hosts import run as bench
from vedette.app.bench.hosts.cost import measure_cost
from vedette.app.bench.hosts.fleets import BigFleet, Fleet, RecordedFleet
from vedette.app.bench.hosts.sessions import read_recordings
from vedette.app.cli.main import main
from vedette.app.detecting import load_detector
from vedette.core import HostId, Snapshot, derived_id, encode_snapshot

Bench = Callable[..., dict[str, Any]]
HOSTS = [HostId(f"{n}a4a4f7e-3a8b-4f39-9c1b-0d8f5a3c2b10") for n in range(2)]
SHELL = process(900, 401, "bash", "/dev/shm/.x/bash", "bash -i", uid=33)


def write(path: Path, snapshots: list[Snapshot], role: str) -> None:
    with gzip.open(path, "wb") as file:
        for snapshot in snapshots:
            host = msgspec.structs.replace(snapshot.host, labels={"role": role})
            labelled = msgspec.structs.replace(snapshot, host=host)
            file.write(encode_snapshot(labelled, "application/json") + b"\n")


def label(file: str, first: int, last: int, kind: str, technique: str, what: str) -> dict[str, Any]:
    return {
        "file": file,
        "host": file.partition(".")[0],
        "from_seq": first,
        "to_seq": last,
        "kind": kind,
        "technique": technique,
        "what": what,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two hosts of two roles with a baseline each; the first has two later sessions, with an intruder in one."""
    for n, host in enumerate(HOSTS):
        calm = list(quiet_snapshots(40, seed=n, host=host))
        write(tmp_path / f"h{n}.baseline.jsonl.gz", calm, f"role{n}")
    later = list(quiet_snapshots(60, seed=9, host=HOSTS[0], first=41))
    for at in range(20, 30):
        rows = [*quiet_tables()["processes"], SHELL]
        later[at] = changed(later[at], tables={"processes": rows})
    write(tmp_path / "h0.test.jsonl.gz", later[:45], "role0")
    write(tmp_path / "h0.night.jsonl.gz", later[45:], "role0")
    labels = [
        label("h0.test.jsonl.gz", 61, 70, "abnormal", "T1059.004", "bash -i from shared memory"),
        label("h0.night.jsonl.gz", 90, 95, "benign-change", "backup", "a backup"),
    ]
    lines = [json.dumps(one) for one in labels]
    (tmp_path / "labels.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Bench:
    """The command's JSON object; with `code`, its error."""

    def run(*arguments: str | Path, code: int = 0) -> dict[str, Any]:
        monkeypatch.setattr("sys.argv", ["vedette", "bench", "hosts", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        assert (end.value.code or 0) == code, said.err
        if code:
            return {"error": said.err}
        found: dict[str, Any] = json.loads(said.out)
        return found | {"tables": said.err}

    return run


def test_an_intruder_in_one_of_several_sessions_is_found_beside_plain_rules(
    folder: Path, run: Bench
) -> None:
    told = run(folder, "--no-cost", "--budgets", "1,100")
    assert [row["asked"] for row in told["budgets"]] == [1.0, 100.0]
    assert told["budgets"][0]["incidents"] == told["false_incidents"]
    assert told["budgets"][1]["found"] == 1
    assert (told["hosts"], told["sessions"], told["snapshots"]) == (2, 2, 60)
    assert told["found"] == told["segments"] == told["within_3"] == told["named"] == 1
    assert told["by_technique"]["T1059.004"]["delays"] == [0]
    assert told["by_technique"]["T1059.004"]["experts"] == ["behaviour"]
    assert told["false_incidents"] == told["false_episodes"] == 0
    assert told["benign"]["backup"] == {"segments": 1, "incidents": 0, "episodes": 0}
    assert told["quiet_host_days"] == round(47 / 1440, 3)
    assert told["baselines"]["new"]["found"] == 1
    assert told["baselines"]["new"]["named"] == 1
    assert told["baselines"]["new"]["mean_delay"] == 0
    names = {"new", "new-once", "iforest", "logistic", "trees"}
    assert set(told["baselines"]) | set(told["not_installed"]) == names
    assert "T1059.004" in told["tables"]


def test_a_cold_start_has_the_first_snapshots_of_each_baseline_alone(
    folder: Path, run: Bench
) -> None:
    told = run(folder, "--no-cost", "--baselines", "none", "--budgets", "none", "--first", "5")
    assert told["first"] == 5
    assert told["snapshots"] == 60
    assert told["labels"]["unknown"] > 0, "a host of five snapshots is still young"
    assert told["found"] == 1


def test_each_role_can_be_judged_by_a_model_that_was_made_without_it(
    folder: Path, run: Bench
) -> None:
    told = run(folder, "--no-cost", "--baselines", "none", "--budgets", "none", "--leave-role-out")
    assert told["leave_role_out"] is True
    assert told["found"] == 1
    assert "each role by a model that was made without it" in told["tables"]


def test_a_missing_package_is_shown_and_the_run_goes_on(
    folder: Path, run: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "find_spec", lambda n: None if n == "pyod" else find_spec(n))
    told = run(folder, "--no-cost", "--baselines", "iforest,new", "--budgets", "none")
    assert told["not_installed"] == ["iforest"]
    assert set(told["baselines"]) == {"new"}
    assert "not installed" in told["tables"]


@pytest.mark.parametrize("kind", ["logistic", "trees"])
def test_a_classifier_finds_on_one_role_what_was_labelled_on_the_others(
    folder: Path, run: Bench, kind: str
) -> None:
    pytest.importorskip("sklearn")
    alone = run(folder, "--no-cost", "--baselines", kind, "--budgets", "none")["baselines"][kind]
    assert (alone["found"], alone["false_incidents"]) == (0, 0), "no other role shows it anything"
    lines = (folder / "labels.jsonl").read_text().splitlines()
    # Trees split off nothing that was seen less than twenty times.
    for n in range(1, 41):
        row = SHELL if n % 2 else process(900, 401, "worker", "/usr/bin/worker", "worker")
        later = list(quiet_snapshots(4, seed=n, host=HostId(derived_id("bench", str(n)))))
        for at in range(2, 4):
            rows = [*quiet_tables()["processes"], row]
            later[at] = changed(later[at], tables={"processes": rows})
        write(folder / f"o{n}.test.jsonl.gz", later, "role1")
        if n % 2:
            one = label(f"o{n}.test.jsonl.gz", 3, 4, "abnormal", "T1059.004", "bash")
            lines.append(json.dumps(one))
    (folder / "labels.jsonl").write_text("\n".join(lines) + "\n")
    taught = run(folder, "--no-cost", "--baselines", kind, "--budgets", "none")["baselines"][kind]
    assert taught["found"] >= 1
    assert "the other roles" in taught["note"]


def test_what_is_missed_and_what_is_false_is_told(folder: Path, run: Bench) -> None:
    labels = [
        label("h0.test.jsonl.gz", 41, 44, "abnormal", "T1", "nothing at all happens"),
        label("gone.jsonl.gz", 1, 2, "abnormal", "T1", "x"),
    ]
    (folder / "labels.jsonl").write_text("\n".join(map(json.dumps, labels)))
    told = run(folder, "--no-cost", "--baselines", "none", "--budgets", "none")
    assert told["found"] == 0
    assert told["mean_delay"] is None
    assert told["missed"][0]["technique"] == "T1"
    assert told["false_incidents"] == 1
    assert told["false"][0]["kind"] == "unlabelled"
    assert told["segments"] == 1
    assert "labels.jsonl speaks of gone.jsonl.gz" in told["tables"]
    assert "missed: h0.test.jsonl.gz 41 T1" in told["tables"]
    assert "false incident: h0.test.jsonl.gz 61 (unlabelled)" in told["tables"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--baselines", "magic"), "no baseline 'magic'"),
        (("--leave-role-out", "--model", "."), "makes its own models"),
    ],
)
def test_wrong_options_are_told_in_a_line(
    folder: Path, run: Bench, options: tuple[str, ...], message: str
) -> None:
    assert message in run(folder, *options, code=2)["error"]


def test_a_folder_that_can_not_be_measured_is_told(tmp_path: Path, run: Bench) -> None:
    assert "has no recording" in run(tmp_path, code=2)["error"]
    path = tmp_path / "h0.baseline.jsonl.gz"
    write(path, list(quiet_snapshots(3, host=HOSTS[0])), "role")
    assert "no labels can be read" in run(tmp_path, code=2)["error"]
    (tmp_path / "labels.jsonl").write_text("")
    assert "baselines alone" in run(tmp_path, code=2)["error"]
    path.write_bytes(gzip.compress(b""))
    (tmp_path / "labels.jsonl").write_text("")
    assert "has no snapshot" in run(tmp_path, code=2)["error"]


def test_one_role_alone_can_not_be_left_out(folder: Path, run: Bench) -> None:
    (folder / "h1.baseline.jsonl.gz").unlink()
    assert "no other role to learn from" in run(folder, "--leave-role-out", code=2)["error"]


def test_cost_is_told_by_expert_for_many_different_hosts(folder: Path) -> None:
    recordings = read_recordings(folder)
    fleets: list[Fleet] = [
        RecordedFleet(recordings, hosts=5, snapshots=4, reduced=False),
        RecordedFleet(recordings, hosts=5, snapshots=4, reduced=True),
        BigFleet(hosts=2, snapshots=4, age=2),
    ]
    for fleet in fleets:
        told: list[int] = []
        cold = load_detector(None, warm=0)
        cost = measure_cost(
            load_detector(None), fleet, cold=cold, warm=1, steps=2, told=told.append
        )
        parts = {"vitals", "inventory", "behaviour", "frame", "all"}
        assert set(cost.cpu_us) == set(cost.state_bytes) == set(cost.most_bytes) == parts
        assert cost.snapshots == 2 * cost.hosts
        assert 0 < cost.state_bytes["vitals"] < cost.most_bytes["all"]
        assert cost.cpu_us["all"] > 0
        assert cost.cold_us > 0
        assert sum(told) > 3


def test_copies_of_a_host_are_different_hosts_with_pids_of_their_own(folder: Path) -> None:
    fleet = RecordedFleet(read_recordings(folder), hosts=6, snapshots=4, reduced=True)
    fleet.aged(load_detector(None), lambda _more: None)
    first, second = fleet.batch(), fleet.batch()
    assert len({snapshot.host.id for snapshot in first}) == 6
    pids = {row["pid"] for one in first for row in one.tables["listening_ports"]}
    assert len(pids) == 12
    assert not any(one.same for one in first)
    assert [b.seq - a.seq for a, b in zip(first, second, strict=True)] == [1] * 6


def test_a_twentieth_of_a_big_hosts_rows_changes() -> None:
    fleet = BigFleet(hosts=1, snapshots=3, age=0)
    [first], [second] = fleet.batch(), fleet.batch()
    for table, size in (("processes", 200), ("process_open_sockets", 60), ("deb_packages", 1500)):
        assert len(first.tables[table]) == len(second.tables[table]) == size
    before = {row["name"]: row["version"] for row in first.tables["deb_packages"]}
    after = {row["name"]: row["version"] for row in second.tables["deb_packages"]}
    assert sum(before[name] != version for name, version in after.items()) == 75
    starts = [{(r["pid"], r["start_time"]) for r in s.tables["processes"]} for s in (first, second)]
    assert 9 <= len(starts[1] - starts[0]) <= 10


def test_the_whole_bench_prints_cost(
    folder: Path, run: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"_BATCH": 4, "_WARM": 1, "_STEPS": 1, "_AGE": 1}.items():
        monkeypatch.setattr(bench, name, value)
    told = run(folder, "--baselines", "none", "--budgets", "none")
    assert set(told["cost"]) == {"recorded, tables in full", "recorded, as agents send", "big"}
    assert "CPU us" in told["tables"]
