"""Dead letters as people see and move them: what could not be read, replayed or purged, every change audited."""

from collections.abc import Iterable
from datetime import datetime

from vedette.console.person import Person
from vedette.console.ports import DeadLetter, LetterChoice
from vedette.console.settings import Console
from vedette.core import AuditEntry, Host, HostId, InvalidInput, NotFound, Record, VerdictId
from vedette.store import Page

__all__ = [
    "DeadLetterView",
    "Moved",
    "find_letters",
    "one_letter",
    "purge_letters",
    "replay_letters",
]


class DeadLetterView(Record, frozen=True, kw_only=True):
    """A snapshot that was accepted and could not be read: all that its clear header tells, never its body.

    `taken_at`, `key_id` and `content_type` are null where the header itself is damaged. `verdict` is the unknown verdict
    that the snapshot has. `attempts` counts over all replays. Sizes are in bytes.
    """

    id: str
    host: HostId
    hostname: str
    epoch: str
    seq: int
    taken_at: datetime | None
    key_id: str | None
    content_type: str | None
    size: int
    digest: str
    reason: str
    attempts: int
    replays: int
    received_at: datetime
    rejected_at: datetime
    verdict: VerdictId | None


class Moved(Record, frozen=True, kw_only=True):
    """How many were moved; `more` says that others fit and are still there: ask again."""

    count: int
    more: bool


def find_letters(
    console: Console, person: Person, choice: LetterChoice, *, limit: int, after: str | None
) -> Page[DeadLetterView]:
    """Those that fit, in the order of their first rejection.

    Raises:
        InvalidInput: (invalid-cursor) `after` is none of this list.
    """
    if after is not None and not _is_id(after):
        raise InvalidInput(
            "the cursor is not one that this list gave; start again without it",
            kind="invalid-cursor",
        )
    found = console.letters.find(person.tenant, choice, limit=limit + 1, after=after)
    views = _views(console, person, found[:limit])
    more = len(found) > limit
    return Page(items=views, next=views[-1].id if more else None)


def one_letter(console: Console, person: Person, letter: str) -> DeadLetterView:
    """One of them.

    Raises:
        NotFound: there is none; it may have been replayed or purged.
    """
    found = []
    if _is_id(letter):
        choice = LetterChoice(ids=(letter,))
        found = list(console.letters.find(person.tenant, choice, limit=1, after=None))
    if not found:
        raise NotFound(
            f"no dead letter {letter}; it may have been replayed (its host's verdicts tell) or purged"
        )
    return _views(console, person, found)[0]


def replay_letters(
    console: Console, person: Person, choice: LetterChoice, *, limit: int, reason: str
) -> Moved:
    """Puts those that fit back on their way; what can be read now gets a late verdict, the rest returns."""
    _order(console, person, "replay", choice, reason)
    moved = console.letters.replay(person.tenant, choice, limit=limit)
    return _moved(console, person, "replayed", choice, moved, reason)


def purge_letters(
    console: Console, person: Person, choice: LetterChoice, *, limit: int, reason: str
) -> Moved:
    """Deletes those that fit for good. Their unknown verdicts stay.

    Raises:
        InvalidInput: (filter-needed) nothing says which; (invalid-input) nothing says why.
    """
    if choice == LetterChoice():
        raise InvalidInput(
            "say which dead letters to purge: by host, until, since or text", kind="filter-needed"
        )
    if not reason.strip():
        raise InvalidInput("say why you purge; the reason is kept in the audit")
    _order(console, person, "purge", choice, reason)
    moved = console.letters.purge(person.tenant, choice, limit=limit)
    return _moved(console, person, "purged", choice, moved, reason)


def _moved(
    console: Console,
    person: Person,
    verb: str,
    choice: LetterChoice,
    moved: Iterable[DeadLetter],
    reason: str,
) -> Moved:
    letters = list(moved)
    now = console.clock.now()
    console.store.audit.add(
        AuditEntry(
            tenant=person.tenant,
            at=now,
            actor=person.actor,
            action=f"dead_letter.{verb}",
            subject=letter.id,
            reason=reason,
            data={
                "host": letter.host,
                "epoch": letter.epoch,
                "seq": letter.seq,
                "digest": letter.digest,
                "why": letter.reason,
            },
        )
        for letter in letters
    )
    rest = console.letters.find(person.tenant, choice, limit=1, after=None) if letters else ()
    return Moved(count=len(letters), more=bool(rest))


def _order(console: Console, person: Person, verb: str, choice: LetterChoice, reason: str) -> None:
    # Written before it is done: the queue is another database, and a crash in between must leave who wanted what.
    data = {
        name: str(value)
        for name in choice.__struct_fields__
        if (value := getattr(choice, name)) is not None
    }
    entry = AuditEntry(
        tenant=person.tenant,
        at=console.clock.now(),
        actor=person.actor,
        action=f"dead_letters.{verb}",
        subject=choice.ids[0] if choice.ids else "dead-letters",
        reason=reason,
        data=data,
    )
    console.store.audit.add([entry])


def _views(
    console: Console, person: Person, letters: Iterable[DeadLetter]
) -> tuple[DeadLetterView, ...]:
    letters = list(letters)
    hosts = console.store.hosts.many(person.tenant, [letter.host for letter in letters])
    known = console.store.verdicts.known([letter.identity(person.tenant) for letter in letters])
    return tuple(
        _view(letter, hosts.get(letter.host), _verdict(known.get(letter.identity(person.tenant))))
        for letter in letters
    )


def _verdict(known: object) -> VerdictId | None:
    return getattr(known, "id", None)


def _view(letter: DeadLetter, host: Host | None, verdict: VerdictId | None) -> DeadLetterView:
    return DeadLetterView(
        hostname=host.hostname if host else "",
        verdict=verdict,
        **{name: getattr(letter, name) for name in letter.__struct_fields__},
    )


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
