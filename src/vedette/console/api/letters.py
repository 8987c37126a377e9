"""/v1/dead-letters: accepted snapshots that could not be read; looked at, replayed, purged."""

from typing import Annotated

from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from vedette.console.api.bodies import MovingLetters, PurgingLetters, Reasoned
from vedette.console.api.query import After, Id, IdFilter, Limit, Since, TextFilter, Until, moment
from vedette.console.api.replies import DeadLetters
from vedette.console.api.route import changes, reads, removes
from vedette.console.letters import (
    DeadLetterView,
    Moved,
    find_letters,
    one_letter,
    purge_letters,
    replay_letters,
)
from vedette.console.person import Person
from vedette.console.ports import LetterChoice
from vedette.console.settings import Console
from vedette.core import HostId
from vedette.store import Role

__all__ = [
    "get_dead_letter",
    "list_dead_letters",
    "purge_dead_letter",
    "purge_dead_letters",
    "replay_dead_letter",
    "replay_dead_letters",
]

_TAG = "dead letters"
Why = Annotated[
    str,
    QueryParameter(
        min_length=1,
        max_length=1000,
        pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$",
        description="Why; kept in the audit.",
    ),
]


@reads("/dead-letters", tag=_TAG, summary="Find dead letters, oldest first")
def list_dead_letters(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    host: IdFilter = None,
    since: Since = None,
    until: Until = None,
    text: TextFilter = None,
    limit: Limit = 100,
    after: After = None,
) -> DeadLetters:
    """By host, by when they were rejected, and by a text in the reason."""
    choice = LetterChoice(
        host=None if host is None else HostId(host),
        since=moment(since, "since"),
        until=moment(until, "until"),
        text=text,
    )
    page = find_letters(console, person, choice, limit=limit, after=after)
    return DeadLetters(items=page.items, next=page.next)


@reads("/dead-letters/{letter_id:str}", tag=_TAG, summary="One dead letter", one=True)
def get_dead_letter(
    console: NamedDependency[Console], person: NamedDependency[Person], letter_id: Id
) -> DeadLetterView:
    """What its clear header tells, and why it could not be read."""
    return one_letter(console, person, letter_id)


@changes(
    "/dead-letters/{letter_id:str}/replay",
    tag=_TAG,
    summary="Try a dead letter again",
    role=Role.ADMIN,
)
def replay_dead_letter(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    letter_id: Id,
    data: JSONBody[Reasoned],
) -> DeadLetterView:
    """Answers with the letter as it was. It returns under its id if it still can't be read."""
    letter = one_letter(console, person, letter_id)
    choice = LetterChoice(ids=(letter.id,))
    replay_letters(console, person, choice, limit=1, reason=data.reason)
    return letter


@changes("/dead-letters/replay", tag=_TAG, summary="Try dead letters again", role=Role.ADMIN)
def replay_dead_letters(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    data: JSONBody[MovingLetters],
) -> Moved:
    """Those that fit, oldest first, `limit` at most; without a filter all. Give `until` so that returned ones do not fit."""
    return replay_letters(console, person, data.choice, limit=data.limit, reason=data.reason)


@removes("/dead-letters/{letter_id:str}", tag=_TAG, summary="Delete a dead letter", role=Role.ADMIN)
def purge_dead_letter(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    letter_id: Id,
    reason: Why,
) -> None:
    """For good; its unknown verdict stays."""
    letter = one_letter(console, person, letter_id)
    purge_letters(console, person, LetterChoice(ids=(letter.id,)), limit=1, reason=reason)


@changes("/dead-letters/purge", tag=_TAG, summary="Delete dead letters", role=Role.ADMIN)
def purge_dead_letters(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    data: JSONBody[PurgingLetters],
) -> Moved:
    """Those that fit, oldest first, `limit` at most. A filter is needed."""
    return purge_letters(console, person, data.choice, limit=data.limit, reason=data.reason)
