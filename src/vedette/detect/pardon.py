"""What people said is normal on a host: its cases are no longer weighed, and the experts learn them at once.

Most subjects are learned with the first snapshot that hears of them and never come up again. What an expert learns only
slowly (a metric at a new height) stays pardoned while it goes on without a break, for a day at most.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from vedette.core import HostId, Saying
from vedette.detect.case import Case
from vedette.detect.short import SUBJECT_LETTERS, short

__all__ = ["Heard", "Pardons"]

_MOST = 64
_BREAK = 3  # snapshots without it after which it counts as over
_LONGEST = 1_440


class Pardon(msgspec.Struct, array_like=True, gc=False):
    """How many snapshots ago it was said, and for how many the thing has not been there."""

    age: int = 0
    missing: int = 0


class Heard(msgspec.Struct, frozen=True):
    """Subjects, as reasons bear them, that people called normal, and those they called really abnormal just now.

    `vouched` are those called normal just now for the whole cohort, with when that was said.
    """

    pardoned: frozenset[str] = frozenset()
    condemned: frozenset[str] = frozenset()
    vouched: Mapping[str, datetime] = {}

    def pardons(self, subject: str) -> bool:
        """Whether a case's subject is among the pardoned."""
        return bool(self.pardoned) and short(subject, SUBJECT_LETTERS) in self.pardoned

    def condemns(self, subject: str) -> bool:
        """Whether a case's subject is among the condemned."""
        return bool(self.condemned) and short(subject, SUBJECT_LETTERS) in self.condemned

    def vouches(self, case: Case) -> bool:
        """Whether it is the very thing that people spoke of: there before they did."""
        at = self.vouched.get(short(case.subject, SUBJECT_LETTERS)) if self.vouched else None
        return at is not None and case.print != 0 and case.since is not None and case.since < at


class Pardons(msgspec.Struct, array_like=True, gc=False):
    """A host's part of its state. `last` is the number of the last saying about this host that was heard."""

    last: int = 0
    live: dict[str, Pardon] = {}

    def hear(self, sayings: Iterable[Saying], host: HostId, taken_at: datetime) -> Heard:
        """Takes in what was said before this snapshot was taken; what is heard, with what was heard before and goes on."""
        condemned: set[str] = set()
        vouched: dict[str, datetime] = {}
        ours = [one for one in sayings if one.host == host and one.number > self.last]
        for saying in sorted(ours, key=lambda one: one.number):
            if not saying.at < taken_at <= saying.until:
                continue
            self.last = saying.number
            for subject in saying.subjects:
                condemned.discard(subject)
                vouched.pop(subject, None)
                self.live.pop(subject, None)
                if not saying.normal:
                    condemned.add(subject)
                    continue
                self.live[subject] = Pardon()
                if saying.cohort:
                    vouched[subject] = saying.at
        while len(self.live) > _MOST:
            del self.live[next(iter(self.live))]
        return Heard(frozenset(self.live), frozenset(condemned), vouched)

    def keep(self, cases: Iterable[Case]) -> None:
        """Lets go of pardons whose thing is over. `cases` are all that the experts said, pardoned or not."""
        if not self.live:
            return
        there = {short(case.subject, SUBJECT_LETTERS) for case in cases}
        for subject, pardon in list(self.live.items()):
            pardon.age += 1
            pardon.missing = 0 if subject in there else pardon.missing + 1
            if pardon.missing >= _BREAK or pardon.age >= _LONGEST:
                del self.live[subject]
