"""Snapshots on their way to the server: numbered, sealed and spooled in one order, and numbered anew after a conflict."""

import threading
from collections.abc import Iterable

import msgspec
import structlog
import zstandard

from vedette.agent.collect.fitting import fitting
from vedette.agent.enrolment import Enrolment
from vedette.agent.journal import Journal
from vedette.agent.sameness import Sameness
from vedette.agent.spool import Spool, Spooled
from vedette.core import Epoch, Record, Snapshot, encode_snapshot
from vedette.seal import Header, seal_envelope

__all__ = ["MAX_ENVELOPE", "Outgoing"]

_log = structlog.get_logger()
_CONTENT_TYPE = "application/msgpack"
MAX_ENVELOPE = 8 * 1024 * 1024 - 64 * 1024
"""Bytes of an envelope, under the server's bound unless that was set lower."""
_LEAST_ENVELOPE = 64 * 1024
_ROUNDS = 12
_HELD_BYTES = 4 * 1024 * 1024
_Key = tuple[Epoch, int]


class _Held(Record, frozen=True, kw_only=True):
    """A spooled snapshot's body, compressed but not sealed; `anew` once it bears its second number."""

    body: bytes
    anew: bool = False


class Outgoing:
    """The one way into the spool and out of it. Safe for use by several threads.

    What is sealed can be opened by the server alone, so the bodies of this run's waiting snapshots are held in memory too
    (compressed, the newest 4 MiB): should the journal turn out to be a copy, they are sealed again under a new epoch.
    """

    def __init__(
        self, enrolment: Enrolment, journal: Journal, spool: Spool, *, full_every: int
    ) -> None:
        self._enrolment = enrolment
        self._key = enrolment.sealing_key
        self._journal = journal
        self._spool = spool
        self._sameness = Sameness(full_every)
        self._lock = threading.Lock()
        self._held: dict[_Key, _Held] = {}
        self._held_bytes = 0
        self._most = MAX_ENVELOPE
        self._lost = spool.dropped + spool.torn

    @property
    def held(self) -> int:
        """Snapshots whose bodies are in memory."""
        return len(self._held)

    def add(self, epoch: Epoch, taken: Snapshot) -> Snapshot:
        """Spools a snapshot that was numbered in this epoch; gives it as it goes, with the seq that it bears in the end.

        Raises:
            OSError, sqlite3.Error: it can't be spooled; it is lost.
        """
        with self._lock:
            if epoch != self._journal.epoch:
                # A conflict began another epoch while the host was being looked at.
                epoch, seq = self._journal.take_seq()
                taken = msgspec.structs.replace(taken, seq=seq)
            lost = self._spool.dropped + self._spool.torn
            if lost != self._lost:
                self._lost = lost
                self._sameness.forget()
            try:
                return self._put(epoch, self._sameness.reduce(epoch, taken))
            except BaseException:
                self._sameness.forget()
                raise

    def head(self) -> tuple[Spooled, bytes] | None:
        """The snapshot to send next, and its envelope."""
        return self._spool.head()

    @property
    def last(self) -> bool:
        """Whether nothing waits behind that one."""
        return self._spool.depth <= 1

    def arrived(self, item: Spooled) -> None:
        """The server has it."""
        with self._lock:
            self._release(item)
            self._spool.remove(item)

    def refused(self, item: Spooled) -> None:
        """The server will never take it: it is gone, and what it bore of unchanged tables with it."""
        self.arrived(item)
        self._sameness.forget()

    def too_large(self, item: Spooled, size: int, bound: int | None) -> bool:
        """The server takes no envelope of `size` bytes, but of `bound` where it says so: later ones are made to fit.

        Gives whether this one goes again, cut; one that only exists sealed is refused.

        Raises:
            OSError: it can't be written; it stays as it is.
        """
        with self._lock:
            self._most = min(self._most, max(_fair(size, bound), _LEAST_ENVELOPE))
            held = self._held.get((item.epoch, item.seq))
            if held is None:
                return False
            _, body, envelope = self._sealed(item.epoch, _taken(held))
            if len(envelope) >= size:
                return False
            self._spool.replace(item, envelope)
            self._release(item)
            self._hold((item.epoch, item.seq), _Held(body=_compressed(body), anew=held.anew))
            return True

    def need(self, tables: Iterable[str]) -> None:
        """The server asks for these tables in full."""
        self._sameness.need(tables)

    def conflict(self, item: Spooled) -> bool:
        """The server has other content under this identity: another journal counts in this epoch, so it is left.

        What waits of this run gets numbers of a new epoch, in its order. Gives whether the snapshot itself is among that;
        one that only exists sealed is gone, and so is one that was numbered anew before.

        Raises:
            OSError, sqlite3.Error: not all could be sealed again; the rest is, at the next conflict.
        """
        with self._lock:
            if item.epoch == self._journal.epoch:
                self._journal.renew_epoch("conflict")
            held = self._held.get((item.epoch, item.seq))
            saved = held is not None and not held.anew
            if not saved:
                self._release(item)
                self._spool.remove(item)
                self._sameness.forget()
            epoch = self._journal.epoch
            for waiting in self._spool.waiting():
                if waiting.epoch != epoch and (waiting.epoch, waiting.seq) in self._held:
                    self._number_anew(waiting)
            return saved

    def _number_anew(self, item: Spooled) -> None:
        held = self._held[item.epoch, item.seq]
        epoch, seq = self._journal.take_seq()
        taken = msgspec.structs.replace(_taken(held), seq=seq)
        # First the new one is safe, then the old one goes: a crash in between sends it twice, which is a conflict again.
        self._put(epoch, taken, anew=True)
        self._release(item)
        self._spool.remove(item)
        _log.info("outgoing.numbered_anew", was=item.seq, epoch=epoch, seq=seq)

    def _put(self, epoch: Epoch, taken: Snapshot, *, anew: bool = False) -> Snapshot:
        taken, body, envelope = self._sealed(epoch, taken)
        pushed_out = self._spool.put(epoch, taken.seq, envelope)
        self._hold((epoch, taken.seq), _Held(body=_compressed(body), anew=anew))
        for item in pushed_out:
            self._release(item)
        return taken

    def _sealed(self, epoch: Epoch, taken: Snapshot) -> tuple[Snapshot, bytes, bytes]:
        """It, its body and its envelope, cut until the server takes it: only sealing tells how well it is compressed."""
        header = Header(
            tenant=self._enrolment.tenant,
            host=self._enrolment.host,
            epoch=epoch,
            seq=taken.seq,
            taken_at=taken.taken_at,
            kid=self._key.kid,
            content_type=_CONTENT_TYPE,
        )
        whole = taken
        body = encode_snapshot(taken, _CONTENT_TYPE)
        envelope = seal_envelope(header, body, self._key)
        for _ in range(_ROUNDS):
            if len(envelope) <= self._most:
                break
            taken = fitting(taken, int(0.9 * len(body) * self._most / len(envelope)))
            body = encode_snapshot(taken, _CONTENT_TYPE)
            envelope = seal_envelope(header, body, self._key)
        cut = [name for name, why in taken.unread.items() if why != whole.unread.get(name)]
        if cut:
            # The server has not the rows that a digest of the whole table would stand for.
            self._sameness.need(cut)
            _log.warning("outgoing.cut", seq=taken.seq, tables=cut, size=len(envelope))
        return taken, body, envelope

    def _hold(self, key: _Key, held: _Held) -> None:
        self._held[key] = held
        self._held_bytes += len(held.body)
        while self._held_bytes > _HELD_BYTES:
            oldest = next(iter(self._held))
            self._held_bytes -= len(self._held.pop(oldest).body)

    def _release(self, item: Spooled) -> None:
        held = self._held.pop((item.epoch, item.seq), None)
        if held is not None:
            self._held_bytes -= len(held.body)


def _fair(size: int, bound: int | None) -> int:
    """What to keep to, by the server's word where that can be true."""
    return bound if bound is not None and bound < size else size // 2


def _taken(held: _Held) -> Snapshot:
    body = zstandard.ZstdDecompressor().decompress(held.body)
    return msgspec.msgpack.decode(body, type=Snapshot)


def _compressed(body: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=1, write_content_size=True).compress(body)
