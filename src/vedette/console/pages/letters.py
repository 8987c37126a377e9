"""Dead letters: the list, one of them closely, and what administrators do with them."""

from datetime import timedelta

from litestar import Response
from litestar.di import NamedDependency
from litestar.response import Redirect

from vedette.console.api.query import Id
from vedette.console.form import Form
from vedette.console.letters import find_letters, one_letter, purge_letters, replay_letters
from vedette.console.pages.params import cursor, words
from vedette.console.pages.render import Here, PageRequest, Renderer
from vedette.console.pages.route import shows, takes
from vedette.console.pages.said import back_to, said
from vedette.console.person import Person
from vedette.console.ports import LetterChoice
from vedette.console.settings import Console
from vedette.core import HostId, InvalidInput
from vedette.store import Role

__all__ = [
    "letter_page",
    "letters_page",
    "purge_letter_form",
    "purge_letters_form",
    "replay_letter_form",
    "replay_letters_form",
]

PAGE_SIZE = 50
_AT_ONCE = 500


@shows("/dead-letters")
def letters_page(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    renderer: NamedDependency[Renderer],
    request: PageRequest,
) -> Response[str]:
    """Filters by reason and host."""
    filters = {name: words(request, name) for name in ("text", "host")}
    after = cursor(request)
    choice = LetterChoice(
        text=filters["text"] or None, host=HostId(filters["host"]) if filters["host"] else None
    )
    page = find_letters(console, person, choice, limit=PAGE_SIZE, after=after)
    return renderer.page(
        request,
        "letters.html",
        title="Dead letters",
        items=page.items,
        next=page.next,
        first=after is None,
        here=Here("/dead-letters", **filters),
        said=said(request),
        text=filters["text"],
        host=filters["host"],
    )


@shows("/dead-letters/{letter_id:str}")
def letter_page(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    renderer: NamedDependency[Renderer],
    request: PageRequest,
    letter_id: Id,
) -> Response[str]:
    """What its clear header tells, and why it could not be read."""
    letter = one_letter(console, person, letter_id)
    title = f"Dead letter {letter.id}"
    return renderer.page(request, "letter.html", title=title, letter=letter)


@takes("/dead-letters/{letter_id:str}/replay", role=Role.ADMIN)
def replay_letter_form(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    form: NamedDependency[Form],
    letter_id: Id,
) -> Redirect:
    """The Replay button of one."""
    choice = LetterChoice(ids=(one_letter(console, person, letter_id).id,))
    moved = replay_letters(console, person, choice, limit=1, reason=_words(form))
    return _back("replayed", moved.count)


@takes("/dead-letters/{letter_id:str}/purge", role=Role.ADMIN)
def purge_letter_form(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    form: NamedDependency[Form],
    letter_id: Id,
) -> Redirect:
    """The Purge form of one; it asks for a reason."""
    choice = LetterChoice(ids=(one_letter(console, person, letter_id).id,))
    moved = purge_letters(console, person, choice, limit=1, reason=_words(form))
    return _back("purged", moved.count)


@takes("/dead-letters/replay", role=Role.ADMIN)
def replay_letters_form(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    form: NamedDependency[Form],
) -> Redirect:
    """The Replay form of the list: those that fit its filters."""
    moved = replay_letters(console, person, _choice(form), limit=_AT_ONCE, reason=_words(form))
    return _back("replayed", moved.count)


@takes("/dead-letters/purge", role=Role.ADMIN)
def purge_letters_form(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    form: NamedDependency[Form],
) -> Redirect:
    """The Purge form of the list: those that fit its filters, or all when that is said in words."""
    choice = _choice(form)
    if choice == LetterChoice():
        if form.text("all") != "yes":
            raise InvalidInput("filter the list first, or tick that all of it is meant")
        choice = LetterChoice(until=console.clock.now() + timedelta(microseconds=1))
    moved = purge_letters(console, person, choice, limit=_AT_ONCE, reason=_words(form))
    return _back("purged", moved.count)


def _choice(form: Form) -> LetterChoice:
    text, host = form.text("text", bound=200), form.text("host", bound=80)
    return LetterChoice(text=text or None, host=HostId(host) if host else None)


def _words(form: Form) -> str:
    return form.text("reason", bound=1000)


def _back(done: str, count: int) -> Redirect:
    return back_to("/dead-letters", done if count else "nothing")
