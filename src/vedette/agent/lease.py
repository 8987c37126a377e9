"""A lease on this host: what was done, for which action, and how long it may yet last.

While the machine runs, time is the boot clock's: it goes on through suspension, and no step of the wall clock moves it.
Across a reboot, the wall clock says how long the machine was off, but it can only shorten: what was left when it was
last noted is the most that there is.
"""

from datetime import datetime
from typing import Any

import msgspec

from vedette.core import ActionId, Clock, Command, CommandId, Record

__all__ = ["Lease", "Moment"]


class Moment(Record, frozen=True, kw_only=True):
    """Now, by all clocks: which boot, its seconds, and the wall's time."""

    boot: str
    seconds: float
    wall: datetime

    @classmethod
    def of(cls, clock: Clock, boot: str) -> "Moment":
        """As the clocks stand."""
        return cls(boot=boot, seconds=clock.boottime(), wall=clock.now())


class Lease(Record, frozen=True, kw_only=True):
    """`command` is the one that began it. `plan` is all that it takes to put it in force again, `mark` how it looks then.

    `before` is the digest of what stood before, `former` its text (empty where that is too long to keep).
    `ends` is in seconds of the boot `boot`; `left` were left at `noted_at`. `closing` is the command that ends it, once one came.
    `put_back` is when it was found gone and put in force again, `left_out` what it did hold and is another by now, for people.
    `renewed` is the command that moved its end last, once one did.
    """

    kind: str
    action: ActionId
    command: CommandId
    plan: dict[str, Any]
    began_at: datetime
    boot: str
    ends: float
    left: float
    noted_at: datetime
    mark: str = ""
    before: str = ""
    former: str = ""
    closing: CommandId | None = None
    put_back: tuple[datetime, ...] = ()
    left_out: tuple[str, ...] = ()
    renewed: CommandId | None = None

    @classmethod
    def begun(cls, command: Command, plan: dict[str, Any], seconds: float, at: Moment) -> "Lease":
        """What a command begins at a moment, for so many seconds."""
        return cls(
            kind=command.kind,
            action=command.action,
            command=command.id,
            plan=plan,
            began_at=at.wall,
            boot=at.boot,
            ends=at.seconds + seconds,
            left=seconds,
            noted_at=at.wall,
        )

    def left_at(self, at: Moment) -> float:
        """Seconds that it may yet last; 0 or less when it is over."""
        if at.boot == self.boot:
            return self.ends - at.seconds
        return self.left - max(0.0, (at.wall - self.noted_at).total_seconds())

    def noted(self, at: Moment) -> "Lease":
        """The same lease, as it stands at a moment."""
        return self.lasting(self.left_at(at), at)

    def lasting(self, seconds: float, at: Moment) -> "Lease":
        """The same lease, with so many seconds from a moment on."""
        return msgspec.structs.replace(
            self, boot=at.boot, ends=at.seconds + seconds, left=seconds, noted_at=at.wall
        )
