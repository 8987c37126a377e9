"""Operational faults that show in processes and sockets: leaks, pile-ups, and services that crash again and again."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from math import log, nan
from typing import TYPE_CHECKING, NamedTuple

from vedette.detect.behaviour.burning import Burn, Burning, burn
from vedette.detect.behaviour.deaf import Deaf, listen
from vedette.detect.behaviour.growth import Asked as Sampled
from vedette.detect.behaviour.growth import Growing, Growth, Sample, grow, is_due
from vedette.detect.behaviour.hostile import PILES
from vedette.detect.behaviour.logins import coming_in, fresh, is_begun, knocks
from vedette.detect.behaviour.scope import Forms, Scope
from vedette.detect.behaviour.services import service_of
from vedette.detect.behaviour.shape import Process, context, processes, program_of
from vedette.detect.behaviour.state import BehaviourState
from vedette.detect.fingerprint import known_print
from vedette.detect.inventory.fact import WORD, number
from vedette.detect.odds import nats
from vedette.detect.view import View

if TYPE_CHECKING:
    from vedette.core import Row

__all__ = ["Asked", "Faults", "Loop", "Pile", "faults"]

_SOCKETS = "process_open_sockets"
_MIB = 1 << 20
_LEAST = {"zombies": 8, "stuck": 6, "logins": 6, "half": 25, "unanswered": 10}
_TIMES = {"logins": 3}  # more than ever, and four times of others
_LESSON = 5  # by so much at most is a pile learned that has gone
_SLOWLY = 30  # snapshots in which one that stays teaches one more
_LASTS = 50.0  # seconds that a pile must be there
_STAYS = 86_400.0  # seconds after which it is the host's way, so that incidents end
_LOOP, _LOOP_WATCHED = (
    2.3,
    3.3,
)  # restarts, each a tenth lighter a minute; with people at work it takes one more
_KEPT = 4.0  # nats
_MOST_RESTARTS = 50
_UNREAD: Sample = (nan, nan, nan, nan)
_SETTLED = 30  # snapshots in which a service was seen before its restarts count
_KEEPERS = re.compile(
    r"redis|valkey|memcached|varnish|mysqld|mariadbd|postgres|java|mongod|elastic|opensearch|clickhouse|beam|etcd|influx"
    r"|prometheus|victoria|qemu|squid|rabbit|cassandra|browser|chrom|firefox|node"
)

# Their own upkeep takes the processors at times: vacuum, compaction, merges.
_TIDIES = re.compile(
    r"postgres|mysqld|mariadbd|java|mongod|elastic|opensearch|clickhouse|influx|prometheus|victoria|cassandra|etcd"
)


class Pile(NamedTuple):
    """So many of a kind, of which most are of one name; `most` is how many there ever were before."""

    kind: str
    name: str
    now: int
    most: int
    nats: float


class Loop(NamedTuple):
    """A service that was started anew in one look after another."""

    service: str
    nats: float


class Faults(NamedTuple):
    """What was found, and the states after: of growth, of piles (most ever, since when), of restarts and of what takes the processors."""

    growing: tuple[tuple[Growing, str], ...]
    piles: tuple[Pile, ...]
    loops: tuple[Loop, ...]
    growth: Growth
    heights: dict[str, tuple[int, float]]
    restarts: dict[str, float]
    burning: tuple[Burning, ...]
    burn: Burn
    deaf: dict[str, int]


class Asked(NamedTuple):
    """One host: its view, its state, and what of its processes was read."""

    view: View
    state: BehaviourState
    read: list[Process]
    within: Scope

    @property
    def now(self) -> float:
        """When it was looked at, in Unix seconds."""
        return self.view.snapshot.taken_at.timestamp()


def faults(hosts: Sequence[Asked]) -> list[Faults]:
    """Compares each host with its past. Changes nothing."""
    owners = [_owners(one.read, one.within) for one in hosts]
    grown = grow([_asked(one, owned) for one, owned in zip(hosts, owners, strict=True)])
    return [
        _faults(one, owned, *more) for one, owned, more in zip(hosts, owners, grown, strict=True)
    ]


def _asked(one: Asked, owners: Mapping[str, int]) -> Sampled:
    metrics, past = one.view.metrics, one.state.growth
    packets = metrics.get("system.network.packets.receive.rate", nan)
    share, usage = (metrics.get(f"system.memory.{name}", 0.0) for name in ("utilization", "usage"))
    memory = usage / share / _MIB if 0.0 < share <= 1.0 and 0.0 < usage < 1e15 else 0.0
    samples = (
        _samples(one.view, owners)
        if is_due(past, one.now)
        else dict.fromkeys(owners.values(), _UNREAD)
    )
    return Sampled(past, samples, one.now, packets, memory)


def _faults(
    one: Asked, owners: Mapping[str, int], grown: tuple[Growing, ...], after: Growth
) -> Faults:
    growing = tuple(_placed(each, one.view, owners) for each in grown)
    piles, heights = _piles(one.view, one.state, one.now)
    silent, deaf = listen(one.view, one.state.deaf, first=one.view.count == 0)
    piles += tuple(_unanswered(each) for each in silent)
    loops, restarts = _loops(one.view, one.state, one.read, one.within)
    metrics = one.view.metrics
    burning, burnt = burn(
        one.state.burn,
        one.view.by_pid,
        owners,
        now=one.now,
        full=metrics.get("system.cpu.utilization", nan),
        traffic=metrics.get("system.network.packets.receive.rate", nan),
    )
    burning = tuple(each for each in burning if not _is_excused(each.pid, one.view))
    return Faults(growing, piles, loops, after, heights, restarts, burning, burnt, deaf)


def _unanswered(one: Deaf) -> Pile:
    evidence = PILES["unanswered"]
    score = nats(evidence.seen, evidence.rate) + log(one.times)
    return Pile("unanswered", one.name, one.now, 0, score)


def _is_excused(pid: str, view: View) -> bool:
    """Whether taking the processors at times is its work: what keeps data in memory, and what people and jobs started."""
    rows = view.by_pid
    forms = Forms(rows)
    if _TIDIES.search(str(rows[pid].get("name"))):
        return True
    started = processes(rows, forms, (pid,))
    return any(context(one, rows, forms) in {"work", "cron"} for one in started)


def _placed(one: Growing, view: View, owners: Mapping[str, int]) -> tuple[Growing, str]:
    """With its largest process; what keeps data in memory by design is mostly excused."""
    pids = (pid for pid, program in owners.items() if program == one.program)
    pid = max(pids, key=lambda pid: (number(view.by_pid[pid], "resident_size", 0), pid))
    name = str(view.by_pid[pid].get("name"))
    keeps = one.measure == "memory" and _KEEPERS.search(name) is not None
    return (one._replace(nats=one.nats - _KEPT) if keeps else one), pid


def _owners(read: list[Process], within: Scope) -> dict[str, int]:
    """The fingerprint of each process's program: shells and builders, which come and go, left out."""
    kinds = dict(within.kept)
    owners = {}
    for pid, key in within.ids.items():
        kind = kinds.get(key)
        if kind is not None and kind.program:
            owners[pid] = kind.program
    for process in read:
        if process.form.role not in {"shell", "builder", "sudo"}:
            owners[process.pid] = known_print(program_of(process))
    return owners


def _samples(view: View, owners: Mapping[str, int]) -> dict[int, Sample]:
    memory: dict[int, int] = {}
    threads: dict[int, int] = {}
    copies = Counter(owners.values())
    rows = view.by_pid
    for pid, program in owners.items():
        row = rows[pid]
        size, many = row.get("resident_size"), row.get("threads")
        size = size if type(size) is int and size < WORD else number(row, "resident_size", 0)
        many = many if type(many) is int and many < WORD else number(row, "threads", 0)
        if size > memory.get(program, 0):
            memory[program] = size
        if many > threads.get(program, 0):
            threads[program] = many
    sockets: Counter[int] = Counter()
    seen = _SOCKETS in view.seen
    for row in view.rows(_SOCKETS):
        owner = owners.get(str(row.get("pid")))
        if owner is not None:
            sockets[owner] += 1
    return {
        program: (
            memory.get(program, 0) / _MIB,
            float(threads.get(program, 0)),
            float(sockets[program]) if seen else nan,
            float(many),
        )
        for program, many in copies.items()
    }


def _counts(view: View) -> dict[str, Counter[str]]:
    """How many of each kind there are, by name, as far as there are any."""
    counts: dict[str, Counter[str]] = {}
    begun: list[Row] = []
    for row in view.by_pid.values():
        state, command = row.get("state"), row.get("cmdline")
        if state == "Z" or state == "D":  # noqa: PLR1714 - twice as fast, and asked of each row
            kind = "zombies" if state == "Z" else "stuck"
            counts.setdefault(kind, Counter())[str(row.get("name"))[:64]] += 1
        if isinstance(command, str) and is_begun(command):
            begun.append(row)
    if begun:
        coming = coming_in(begun, view.by_pid)
        counts["logins"] = Counter(sshd=len(coming))
        counts["knocks"] = Counter(sshd=fresh(coming, view))
    ends: Counter[tuple[str, str, str]] = Counter()
    for row in view.rows(_SOCKETS):
        how = row.get("state")
        if how in {"CLOSE_WAIT", "SYN_SENT"}:
            owner = str(view.by_pid.get(str(row.get("pid")), {}).get("name"))[:64]
            far = (
                ""
                if how == "CLOSE_WAIT"
                else f"{row.get('remote_address')}:{row.get('remote_port')}"
            )
            ends["half" if how == "CLOSE_WAIT" else "unanswered", owner, far[:64]] += 1
    for (kind, owner, _), many in ends.items():
        # Of attempts only those at one place count together: many places are a sweep.
        names = counts.setdefault(kind, Counter())
        names[owner] = max(names[owner], many)
    return counts


def _piles(
    view: View, state: BehaviourState, now: float
) -> tuple[tuple[Pile, ...], dict[str, tuple[int, float]]]:
    # What piles up already where a host begins to be watched is its way.
    first = view.count == 0
    found, heights = [], dict(state.heights)
    counts = _counts(view)
    for kind, least in _LEAST.items():
        names = counts.get(kind, Counter())
        many = sum(names.values())
        most, since = heights.get(kind, (0, 0.0))
        limit = max(least, _TIMES.get(kind, 4) * most)
        if many < limit or first:
            if many or most:
                heights |= _taught(kind, many, most, heights, first=first, count=view.count)
            continue
        since = since or now
        if now - since >= _STAYS:
            heights |= {kind: (many, 0.0), f"{kind}.peak": (many, 0.0)}
            continue
        heights[kind] = (most, since)
        if kind == "logins" or now - since >= _LASTS:
            evidence = PILES[kind]
            name = min(names, key=lambda one: (-names[one], one))
            score = nats(evidence.seen, evidence.rate) + log(many / limit)
            found.append(Pile(kind, name, many, most, score))
    again = _knocks(counts.get("knocks", Counter())["sshd"], view, heights)
    # Very many at once are told as that.
    found += [] if any(pile.kind == "logins" for pile in found) else again
    return tuple(found), heights


def _knocks(now: int, view: View, heights: dict[str, tuple[int, float]]) -> list[Pile]:
    """Logins that are tried again and again, a few at once. Brings the heights up to date."""
    before = heights.get("knocks", (0, 0.0))
    said = knocks(now, before, view.count)
    if said.run or said.usual or before[1]:
        heights["knocks"] = (said.usual, float(said.run))
    if not said.told:
        return []
    evidence = PILES["knocks"]
    score = nats(evidence.seen, evidence.rate) + log(said.told)
    return [Pile("knocks", "sshd", said.run, said.usual, score)]


def _taught(
    kind: str,
    many: int,
    most: int,
    heights: Mapping[str, tuple[int, float]],
    *,
    first: bool,
    count: int,
) -> dict[str, tuple[int, float]]:
    """What a pile below the limit teaches: its size when it is gone, or else one that grows gently teaches its own size."""
    name = f"{kind}.peak"
    peak = max(heights.get(name, (0, 0.0))[0], many)
    if first:
        most = many
    elif 2 * many <= peak:
        most, peak = max(most, min(peak, most + _LESSON)), many
    elif count % _SLOWLY == 0:
        most = max(most, min(many, most + 1))
    return {kind: (most, 0.0), name: (peak, 0.0)}


def _loops(
    view: View, state: BehaviourState, read: list[Process], within: Scope
) -> tuple[tuple[Loop, ...], dict[str, float]]:
    if not read and not state.restarts:
        return (), {}
    minutes = min(max((view.elapsed or 60.0) / 60.0, 0.0), 60.0)
    restarts = {
        name: left for name, was in state.restarts.items() if (left := was * 0.9**minutes) > 0.1
    }
    before = view.snapshot.taken_at.timestamp() - (view.elapsed or 60.0) - 5.0
    services = [service_of(one) for one in read]
    begun = Counter(
        name
        for name, one in zip(services, read, strict=True)
        if name and number(one.row, "start_time", 0) > before
    )
    running = Counter(services)
    kept = {kind.service for _, kind in within.kept} if begun else set()
    for name, many in begun.items():
        resident = state.residents.get(name)
        if resident is None or resident.seen < _SETTLED or running[name] > many:
            continue
        if known_print(name) not in kept:
            restarts[name] = restarts.get(name, 0.0) + 1.0
    evidence = PILES["loop"]
    limit = _LOOP_WATCHED if view.rows("logged_in_users") else _LOOP
    score = nats(evidence.seen, evidence.rate)
    found = tuple(
        Loop(name, score + log(count / limit))
        for name, count in sorted(restarts.items())
        if count >= limit
    )
    return found, dict(sorted(restarts.items())[:_MOST_RESTARTS])
