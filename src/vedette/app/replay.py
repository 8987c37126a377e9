"""Replay: the pipeline's own step over recordings, without a queue or a database."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import IO, Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from vedette.app.detecting import load_detector
from vedette.app.judging import Judged, Opened, described_host, judge, unreadable_reason
from vedette.app.knowing import Memory, Remembered, cohort_of
from vedette.app.recording import count_lines, merged
from vedette.app.unread_line import UnreadLine
from vedette.app.wiring import policies_from
from vedette.core import (
    Action,
    ConfigError,
    Confirmation,
    Epoch,
    HostId,
    Incident,
    IncidentState,
    Label,
    Record,
    Saying,
    Severity,
    Snapshot,
    TenantId,
    canonical_json,
    derived_id,
)
from vedette.decide import Census, Situation
from vedette.detect import REFERENCE, visible_at
from vedette.seal import write_file

__all__ = ["Replay", "read_sayings"]

_TENANT = TenantId("default")
_STATE_FILE = "replay-state.msgpack"


class _Saved(Record, frozen=True, kw_only=True):
    model: str
    states: dict[HostId, bytes]
    incidents: dict[HostId, tuple[Incident, ...]]
    actions: dict[HostId, tuple[Action, ...]]
    knowledge: Remembered = Remembered()
    ill: tuple[HostId, ...] = ()
    closed: dict[HostId, tuple[Incident, ...]] = {}


class Replay:
    """Judges recordings with one model and one set of policies.

    Args:
        model: folder of a model bundle; None means the shipped one.
        policies: a policy file; None means the shipped one.
        state: a folder; hosts' states are read from it and written back, so that a later run goes on where this ended.
        batch: how many snapshots are judged at once; it changes the speed alone.
        budget: false incidents accepted of a host in a month of 30 days.
        sayings: what people said, as the store has it.
    """

    def __init__(
        self,
        *,
        model: Path | None = None,
        policies: Path | None = None,
        state: Path | None = None,
        batch: int = 256,
        budget: float = REFERENCE,
        sayings: Sequence[Saying] = (),
    ) -> None:
        self._detector = load_detector(model, budget=budget)
        self._policies = policies_from(policies)
        self._state_dir = state
        self._batch = batch
        self._sayings = tuple(sayings)
        self.unread: list[UnreadLine] = []
        self._states: dict[HostId, bytes | None] = {}
        self._situations: dict[HostId, Situation] = {}
        self._saved = self._load() if state is not None else None
        self._memory = Memory(self._saved.knowledge if self._saved else None)
        self._census = _census(self._saved)

    def write(self, files: Sequence[Path], out: Path) -> int:
        """Writes one JSON line a snapshot to `out`, with progress on standard error; says how many.

        A line of the files that is no snapshot gets the `unknown` verdict of an unreadable one, and is kept in `unread`.

        `out` is made, or replaced, when all is written; until then the lines gather beside it.

        Raises:
            ConfigError: `out` can't be written.
            InvalidInput: a file is no recording.
        """
        columns = (TextColumn("replay"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        count = 0
        with (
            _written(out) as lines,
            Progress(*columns, console=Console(stderr=True), transient=True) as progress,
        ):
            task = progress.add_task("replay", total=count_lines(files))
            for item in self._outcomes(merged(files)):
                if isinstance(item, UnreadLine):
                    self.unread.append(item)
                    lines.write(canonical_json(_unknown(item, self._detector.budget)) + b"\n")
                else:
                    _write_line(lines, *item)
                count += 1
                progress.advance(task)
        if self._state_dir is not None:
            self._save(self._state_dir)
        return count

    def _outcomes(
        self, lines: Iterable[Snapshot | UnreadLine]
    ) -> Iterator[tuple[Judged, str] | UnreadLine]:
        """What could be read is judged, and what could not keeps its place; no state is touched by it, as online."""
        for unread, some in groupby(lines, key=lambda line: isinstance(line, UnreadLine)):
            if unread:
                yield from (line for line in some if isinstance(line, UnreadLine))
            else:
                yield from self.run(line for line in some if isinstance(line, Snapshot))

    def run(self, snapshots: Iterable[Snapshot]) -> Iterator[tuple[Judged, str]]:
        """Each snapshot's outcome with its host's name, in order."""
        for chunk in _chunks(snapshots, self._batch):
            yield from self._step(chunk)

    def _step(self, chunk: list[Snapshot]) -> Iterator[tuple[Judged, str]]:
        opened = [_opened(snapshot) for snapshot in chunk]
        for item in opened:
            self._meet(item.snapshot)
        states = {item.snapshot.host.id: self._states[item.snapshot.host.id] for item in opened}
        cohorts = [
            cohort_of(item.snapshot, self._situations[item.snapshot.host.id].host)
            for item in opened
        ]
        outcome = judge(
            opened,
            states,
            self._situations,
            self._census,
            detector=self._detector,
            policies=self._policies,
            knowledge=[
                self._memory.at(cohort, item.snapshot.taken_at)
                for cohort, item in zip(cohorts, opened, strict=True)
            ],
            sayings=self._sayings,
            decided_at={item.identity: item.snapshot.taken_at for item in opened},
        )
        for item, cohort, judged in zip(opened, cohorts, outcome, strict=True):
            self._memory.tell(cohort, item.snapshot.taken_at, judged.scored.told)
            if judged.scored.state is not None:
                self._states[item.snapshot.host.id] = judged.scored.state
            yield judged, item.snapshot.host.hostname

    def _meet(self, snapshot: Snapshot) -> None:
        host = snapshot.host.id
        if host in self._situations:
            return
        known = self._saved
        self._states[host] = known.states.get(host) if known else None
        self._situations[host] = Situation(
            host=described_host(_TENANT, snapshot.host, snapshot.taken_at),
            incidents=known.incidents.get(host, ()) if known else (),
            actions=known.actions.get(host, ()) if known else (),
            closed=known.closed.get(host, ()) if known else (),
        )

    def _load(self) -> _Saved | None:
        assert self._state_dir is not None
        if self._state_dir.exists() and not self._state_dir.is_dir():
            raise ConfigError(f"--state must be a folder; {self._state_dir} is none")
        path = self._state_dir / _STATE_FILE
        if not path.is_file():
            return None
        try:
            saved = msgspec.msgpack.decode(path.read_bytes(), type=_Saved)
        except msgspec.MsgspecError as error:
            raise ConfigError(f"{path} is no replay state: {error}") from error
        if saved.model != self._detector.model:
            raise ConfigError(
                f"{path} was made with model {saved.model}, not {self._detector.model}; "
                "use another --state folder"
            )
        return saved

    def _save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        before = self._saved
        states = dict(before.states) if before else {}
        incidents = dict(before.incidents) if before else {}
        actions = dict(before.actions) if before else {}
        closed = dict(before.closed) if before else {}
        states.update((host, blob) for host, blob in self._states.items() if blob is not None)
        for host, situation in self._situations.items():
            incidents[host], actions[host] = situation.incidents, situation.actions
            closed[host] = situation.closed
        saved = _Saved(
            model=self._detector.model,
            states=states,
            incidents=incidents,
            actions=actions,
            knowledge=self._memory.remember(),
            ill=self._census.ill,
            closed=closed,
        )
        write_file(folder / _STATE_FILE, msgspec.msgpack.encode(saved))


def _census(saved: _Saved | None) -> Census:
    if saved is None:
        return Census()
    labels = dict.fromkeys(saved.incidents, Label.NORMAL) | dict.fromkeys(saved.ill, Label.ABNORMAL)
    return Census(hosts=len(labels), abnormal=len(saved.ill), labels=labels)


class _Said(Record, frozen=True, kw_only=True):
    items: tuple[Saying, ...]


def read_sayings(path: Path) -> tuple[Saying, ...]:
    """What people said, from the page of /v1/sayings in this file, in the order it was said.

    Raises:
        ConfigError: it can't be read.
    """
    try:
        said = msgspec.json.decode(path.read_bytes(), type=_Said)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} has no sayings as `vedette sayings --json` prints them: {error}"
        ) from error
    return tuple(sorted(said.items, key=lambda saying: saying.number))


def _chunks(snapshots: Iterable[Snapshot], most: int) -> Iterator[list[Snapshot]]:
    """Of so many at most, and none in which one snapshot may see what another of them tells."""
    chunk: list[Snapshot] = []
    sees = None
    for snapshot in snapshots:
        visible = visible_at(snapshot.taken_at)
        if chunk and (len(chunk) >= most or visible != sees):
            yield chunk
            chunk = []
        chunk.append(snapshot)
        sees = visible
    if chunk:
        yield chunk


@contextmanager
def _written(out: Path) -> Iterator[IO[bytes]]:
    """A file that is `out` once the block is done, and nothing if it fails. A pipe or device is written as it is."""
    target = out.with_name(f".{out.name}.part") if out.is_file() or not out.exists() else out
    try:
        with target.open("wb") as lines:
            yield lines
        if target != out:
            target.replace(out)
    except OSError as error:
        raise ConfigError(f"{out} can't be written: {error.strerror}") from error
    finally:
        if target != out:
            target.unlink(missing_ok=True)


def _opened(snapshot: Snapshot) -> Opened:
    epoch = Epoch(derived_id("recording", snapshot.host.id))
    return Opened(
        tenant=_TENANT,
        epoch=epoch,
        snapshot=snapshot,
        digest="",
    )


def _unknown(line: UnreadLine, budget: float) -> dict[str, Any]:
    return {
        "host": line.hostname,
        "seq": line.seq,
        "taken_at": line.taken_at,
        "label": Label.UNKNOWN,
        "score": 0.0,
        "severity": Severity.NONE,
        "experts": {},
        "reasons": (unreadable_reason(line.why),),
        "confirmation": Confirmation(),
        "budget": budget,
        "incident": None,
    }


def _write_line(lines: IO[bytes], judged: Judged, hostname: str) -> None:
    verdict = judged.verdict
    live = [
        incident.id
        for incident in judged.decision.incidents
        if incident.state is IncidentState.OPEN
    ]
    line: dict[str, Any] = {
        "host": hostname,
        "seq": verdict.seq,
        "taken_at": verdict.taken_at,
        "label": verdict.label,
        "score": verdict.score,
        "severity": verdict.severity,
        "experts": verdict.experts,
        "reasons": verdict.reasons,
        "confirmation": verdict.confirmation,
        "budget": verdict.budget,
        "incident": live[0] if live else None,
    }
    lines.write(canonical_json(line) + b"\n")
