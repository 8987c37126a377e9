"""The policies' page: what is in force and was before, and a text that somebody checks, tries and puts in force."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from litestar import Response
from litestar.di import NamedDependency
from litestar.response import Redirect

from vedette.console.form import Form
from vedette.console.pages.compared import Line, compare, place
from vedette.console.pages.params import cursor
from vedette.console.pages.render import Here, PageRequest, Renderer
from vedette.console.pages.route import shows, takes
from vedette.console.pages.said import back_to, said
from vedette.console.pages.trial import TrialView, view_trial
from vedette.console.person import Person
from vedette.console.ports import PolicyText
from vedette.console.ruling import put_in_force, try_over_history
from vedette.console.settings import Console
from vedette.core import Backtest, InvalidInput, Record, VedetteError
from vedette.store import AppliedPolicy, Role

__all__ = ["apply_form", "backtest_form", "check_form", "policies_page"]

_PATH = "/policies"
_PAGE = 10
_DAYS = {"1": "day", "7": "7 days", "30": "30 days", "90": "90 days"}
_MOST_TEXT = 64 * 1024


class _Draft(Record, frozen=True, kw_only=True):
    """A text that is not in force (yet): what is wrong with it and where, or what it would be; `tried` is what is shown of it over history."""

    text: str
    days: str = "30"
    reason: str = ""
    wrong: str = ""
    around: tuple[Line, ...] = ()
    checked: PolicyText | None = None
    tried: Backtest | None = None
    changes: tuple[Line, ...] = ()


class _Applied(Record, frozen=True, kw_only=True):
    policy: AppliedPolicy
    reason: str
    changes: tuple[Line, ...]
    first: bool


@shows(_PATH)
def policies_page(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    renderer: NamedDependency[Renderer],
    request: PageRequest,
) -> Response[str]:
    """In force, and the history newest first."""
    return _page(console, person, renderer, request, None)


@takes("/policies/check", role=Role.VIEWER)
def check_form(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    renderer: NamedDependency[Renderer],
    form: NamedDependency[Form],
    request: PageRequest,
) -> Response[str]:
    """The Check button: changes nothing."""
    return _answer(console, person, renderer, request, form, lambda _: None)


@takes("/policies/backtest")
def backtest_form(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    renderer: NamedDependency[Renderer],
    form: NamedDependency[Form],
    request: PageRequest,
) -> Response[str]:
    """The Back-test button: what the text would have done is kept with its version."""
    days = form.text("days", bound=4)
    if days not in _DAYS:
        raise InvalidInput("choose how far back to try it")

    def attempt(text: str) -> Backtest:
        return try_over_history(console, person, text, int(days))

    return _answer(console, person, renderer, request, form, attempt)


@takes("/policies/apply", role=Role.ADMIN)
def apply_form(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    renderer: NamedDependency[Renderer],
    form: NamedDependency[Form],
    request: PageRequest,
) -> Response[str] | Redirect:
    """The Put in force button; it asks for a reason."""
    reason = form.text("reason", bound=1000)
    try:
        put_in_force(console, person, _text(form), reason)
    except VedetteError as error:
        return _refused(console, person, renderer, request, form, error)
    return back_to(_PATH, "applied")


def _text(form: Form) -> str:
    """As an editor would save it: with one newline at its end."""
    return form.text("text", bound=_MOST_TEXT) + "\n"


def _answer(
    console: Console,
    person: Person,
    renderer: Renderer,
    request: PageRequest,
    form: Form,
    attempt: Callable[[str], Backtest | None],
) -> Response[str]:
    """The page with the text as it was sent, after an attempt at it."""
    try:
        tried = attempt(_text(form))
        checked = console.policies.check(person.tenant, _text(form))
    except VedetteError as error:
        return _refused(console, person, renderer, request, form, error)
    draft = _Draft(
        text=_text(form),
        days=form.text("days", bound=4) or "30",
        reason=form.text("reason", bound=1000),
        checked=checked,
        tried=tried or checked.backtest,
        changes=compare(console.policies.current(person.tenant).text, checked.text),
    )
    return _page(console, person, renderer, request, draft)


def _refused(
    console: Console,
    person: Person,
    renderer: Renderer,
    request: PageRequest,
    form: Form,
    error: VedetteError,
) -> Response[str]:
    """The page with the text as it was sent, and what is wrong with it."""
    problem = error.problem()
    extensions = error.extensions
    line, column = (int(extensions.get(name, 0)) for name in ("line", "column"))
    draft = _Draft(
        text=_text(form),
        days=form.text("days", bound=4) or "30",
        reason=form.text("reason", bound=1000),
        wrong=problem.detail,
        around=tuple(place(_text(form), line, column)),
    )
    return _page(console, person, renderer, request, draft, code=problem.status)


def _page(
    console: Console,
    person: Person,
    renderer: Renderer,
    request: PageRequest,
    draft: _Draft | None,
    code: int = 200,
) -> Response[str]:
    current = console.policies.current(person.tenant)
    after = cursor(request)
    applied, following = _history(console, person, after)
    values: dict[str, Any] = {
        "current": current,
        "trial": _trial(current.backtest),
        "draft": draft or _Draft(text=current.text),
        "sent": draft is not None,
        "draft_trial": _trial(draft.tried) if draft else None,
        "days": _DAYS,
        "history": applied,
        "next": following,
        "first": after is None,
        "here": Here(_PATH),
        "said": said(request),
    }
    return renderer.page(request, "policies.html", title="Policies", code=code, **values)


def _trial(tried: Backtest | None) -> TrialView | None:
    return view_trial(tried) if tried else None


def _history(
    console: Console, person: Person, after: str | None
) -> tuple[tuple[_Applied, ...], str | None]:
    """Each application with what it changed, and why."""
    page = console.store.policies.list(person.tenant, limit=_PAGE + 1, after=after)
    shown = page.items[:_PAGE]
    reasons = _reasons(console, person, shown)
    before = (*page.items[1:], None)
    applied = tuple(
        _Applied(
            policy=one,
            reason=reasons.get((one.version, one.applied_at), ""),
            changes=compare(other.text, one.text) if other else (),
            first=other is None,
        )
        for one, other in zip(shown, before, strict=False)
    )
    if len(page.items) <= _PAGE:
        return applied, None
    return applied, console.store.policies.list(person.tenant, limit=_PAGE, after=after).next


def _reasons(
    console: Console, person: Person, shown: tuple[AppliedPolicy, ...]
) -> dict[tuple[str, datetime], str]:
    """By version and moment; the audit keeps them."""
    found: dict[tuple[str, datetime], str] = {}
    for version in {one.version for one in shown}:
        entries = console.store.audit.find(person.tenant, action="policy.applied", subject=version)
        found |= {(version, entry.at): entry.reason for entry in entries.items}
    return found
