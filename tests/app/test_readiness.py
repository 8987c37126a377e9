"""Readiness: what was tried last, what failed in use, and nothing that was only read."""

import threading
import time
from collections.abc import Callable

import pytest
from tests.contracts.queue_case import message

from vedette.app import readiness as module
from vedette.app.readiness import Readiness, WatchedQueue
from vedette.core import Message, SystemClock, Unavailable
from vedette.queue import Appended, MemoryQueue


class _Part:
    """Counts, and fails as it is told."""

    def __init__(self) -> None:
        self.looks = self.probes = 0
        self.look_error: Exception | None = None
        self.probe_error: Exception | None = None
        self.probed = threading.Event()

    def look(self) -> None:
        self.looks += 1
        if self.look_error is not None:
            raise self.look_error

    def probe(self) -> None:
        self.probes += 1
        self.probed.set()
        if self.probe_error is not None:
            raise self.probe_error


@pytest.fixture
def part(monkeypatch: pytest.MonkeyPatch) -> _Part:
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.005)
    return _Part()


def _eventually(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_it_has_tried_before_it_says_anything(part: _Part) -> None:
    part.probe_error = Unavailable("no room", kind="disk-full")
    with Readiness({"queue": part}, SystemClock()) as readiness:
        assert readiness.states == {"queue": "disk-full"}
        part.probe_error = None
        _eventually(lambda: readiness.states == {"queue": "ok"})


def test_a_look_takes_it_away_and_only_a_write_gives_it_back(part: _Part) -> None:
    with Readiness({"queue": part}, SystemClock()) as readiness:
        assert readiness.states == {"queue": "ok"}
        _eventually(lambda: part.looks > 2)
        assert part.probes == 1
        part.probe_error = Unavailable("", kind="read-only")
        part.look_error = Unavailable("", kind="read-only")
        _eventually(lambda: readiness.states == {"queue": "read-only"})
        part.look_error = None
        _eventually(lambda: part.probes > 3)
        assert readiness.states == {"queue": "read-only"}
        part.probe_error = None
        _eventually(lambda: readiness.states == {"queue": "ok"})


def test_one_part_that_fails_makes_the_others_be_tried(part: _Part) -> None:
    other = _Part()
    with Readiness({"queue": part, "store": other}, SystemClock()) as readiness:
        part.probe_error = Unavailable("", kind="io-error")
        readiness.failed("queue", part.probe_error)
        _eventually(lambda: other.probes > 1)
        assert readiness.states == {"queue": "io-error", "store": "ok"}


def test_whatever_a_probe_raises_is_a_problem_and_ends_no_watch(part: _Part) -> None:
    part.probe_error = ValueError("a mistake")
    with Readiness({"queue": part}, SystemClock()) as readiness:
        assert readiness.states == {"queue": "unavailable"}
        part.probe_error = None
        _eventually(lambda: readiness.states == {"queue": "ok"})


class _Refusing(MemoryQueue):
    def append(self, messages: object) -> list[Appended]:
        raise Unavailable(f"no room for {messages}", kind="disk-full")


def test_a_failed_append_shows_at_once(part: _Part) -> None:
    part.probe_error = Unavailable("no room", kind="disk-full")
    with Readiness({"queue": part}, SystemClock()) as readiness:
        part.probe_error = None
        _eventually(lambda: readiness.states == {"queue": "ok"})
        part.probe_error = Unavailable("no room", kind="disk-full")
        watched = WatchedQueue(_Refusing(SystemClock()), readiness)
        with pytest.raises(Unavailable):
            watched.append([message()])
        assert readiness.states == {"queue": "disk-full"}
        whole = WatchedQueue(MemoryQueue(SystemClock()), readiness)
        one: list[Message] = [message()]
        assert whole.append(one) == [Appended.NEW]
