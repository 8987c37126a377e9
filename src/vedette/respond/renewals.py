"""What renewals may have made of a lease at its host, by what the host answered to each, or did not."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from vedette.core import ActionState, Command, CommandResult

__all__ = ["may_last", "moment", "told_end"]

S = ActionState
Asked = tuple[Command, Mapping[ActionState, CommandResult], bool]


def may_last(known: datetime, renewals: Iterable[Asked]) -> datetime:
    """How long a lease may be in force at the most, by renewals, the newest first, beside the end that is `known`.

    A host that fails to renew may have been stopped after it had the longer lease: without an end that it tells, that counts as
    one that was never answered. It carries them out in order, so the newest of which it told an end settles all before it. What
    it refused it had not begun. With each goes whether what was said of it is written down: then a told end is in `known`.
    """
    until = known
    for asked, said, written in renewals:
        if said.keys() & {S.REFUSED, S.RELEASED}:
            continue
        ended = said.get(S.FAILED) or said.get(S.VERIFIED)
        end = told_end(asked, ended) if ended else None
        if end is None or not written:
            until = max(until, end or _longest(asked))
        if end is not None:
            break
    return until


def told_end(asked: Command, said: CommandResult) -> datetime | None:
    """The end of what is in force by a host's word on a renewal; None where that is no end, one before it was asked, or unseen.

    Never later than the renewal can have made it.
    """
    until = moment(said)
    unseen = said.state is S.VERIFIED and not said.data.get("probe")
    if unseen or until is None or until < asked.issued_at:
        return None
    return min(until, _longest(asked))


def moment(said: CommandResult) -> datetime | None:
    """When a lease ends by the host's word; None where that is no moment at all."""
    try:
        until = datetime.fromisoformat(str(said.data.get("until")))
        return until.astimezone(UTC) if until.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _longest(asked: Command) -> datetime:
    """The end of the lease, had the host heard of it at the last moment."""
    return asked.expires_at + timedelta(seconds=float(asked.parameters["lease_seconds"]))
