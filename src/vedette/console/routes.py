"""All routes of people, put together: the API, the pages, and what both share."""

from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Router
from litestar.di import Provide
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from vedette.console.api import (
    about,
    actions,
    audit,
    enrolments,
    evidence,
    guards,
    hosts,
    incidents,
    letters,
    oncall,
    policies,
    sayings,
    silences,
    tokens,
    triage,
    verdicts,
)
from vedette.console.form import Form, check_origin
from vedette.console.guard import api_guard, page_guard, read_form
from vedette.console.headers import SecureHeaders, secure_headers
from vedette.console.pages import actions as action_pages
from vedette.console.pages import approvals as approval_pages
from vedette.console.pages import audit as audit_pages
from vedette.console.pages import guards as guard_pages
from vedette.console.pages import hosts as host_pages
from vedette.console.pages import incident as incident_pages
from vedette.console.pages import incidents as incidents_pages
from vedette.console.pages import letters as letter_pages
from vedette.console.pages import moves, proposing, signin
from vedette.console.pages import oncall as oncall_pages
from vedette.console.pages import policies as policy_pages
from vedette.console.pages import silences as silence_pages
from vedette.console.pages import triage as triage_pages
from vedette.console.pages.assets import Assets, asset
from vedette.console.pages.errors import ErrorPages, Handler
from vedette.console.pages.render import PageRequest, Renderer
from vedette.console.pages.route import shows
from vedette.console.person import Person
from vedette.console.settings import Console
from vedette.console.throttle import Throttle

__all__ = ["API_HANDLERS", "people_problem_handlers", "people_routes"]

_MAX_BODY = 256 * 1024
API_HANDLERS: Sequence[ControllerRouterHandler] = (
    about.get_me,
    about.list_models,
    actions.list_actions,
    actions.get_action,
    actions.list_action_events,
    actions.propose_action,
    actions.approve_action,
    actions.refuse_action,
    actions.cancel_action,
    actions.release_action,
    audit.list_audit,
    enrolments.list_enrolments,
    enrolments.create_enrolment,
    enrolments.revoke_enrolment,
    evidence.list_evidence,
    evidence.get_evidence,
    evidence.download_evidence,
    letters.list_dead_letters,
    letters.get_dead_letter,
    letters.replay_dead_letter,
    letters.replay_dead_letters,
    letters.purge_dead_letter,
    letters.purge_dead_letters,
    guards.get_guards,
    guards.throw_switch,
    guards.lift_switch,
    guards.reset_breaker,
    hosts.list_hosts,
    hosts.get_host,
    hosts.list_facts,
    hosts.revoke_host,
    incidents.list_incidents,
    incidents.get_incident,
    incidents.list_incident_events,
    incidents.acknowledge_incident,
    incidents.close_incident,
    incidents.false_positive_incident,
    incidents.comment_incident,
    triage.assign_incident,
    triage.reopen_incident,
    triage.merge_incident,
    triage.split_incident,
    oncall.get_oncall,
    oncall.list_oncall_history,
    oncall.who_is_on_call,
    oncall.check_oncall,
    oncall.apply_oncall,
    oncall.list_escalations,
    policies.get_policies,
    policies.list_policy_history,
    policies.apply_policies,
    policies.check_policies,
    policies.backtest_policies,
    tokens.list_tokens,
    tokens.create_token,
    tokens.revoke_token,
    verdicts.list_verdicts,
    verdicts.get_verdict,
    sayings.list_sayings,
    silences.list_silences,
    silences.get_silence,
    silences.create_silence,
    silences.end_silence_now,
)


@shows("/")
def home() -> Redirect:
    """To what matters first."""
    return Redirect("/incidents", status_code=303)


_PAGES: Sequence[ControllerRouterHandler] = (
    home,
    action_pages.actions_page,
    action_pages.action_page,
    approval_pages.approvals_page,
    audit_pages.audit_page,
    guard_pages.guards_page,
    guard_pages.throw_form,
    guard_pages.lift_form,
    guard_pages.reset_form,
    host_pages.enrol_page,
    host_pages.host_page,
    host_pages.hosts_page,
    incident_pages.incident_page,
    letter_pages.letter_page,
    letter_pages.letters_page,
    letter_pages.purge_letters_form,
    letter_pages.purge_letter_form,
    letter_pages.replay_letters_form,
    letter_pages.replay_letter_form,
    incidents_pages.incidents_page,
    oncall_pages.oncall_page,
    policy_pages.policies_page,
    policy_pages.check_form,
    policy_pages.backtest_form,
    policy_pages.apply_form,
    silence_pages.silences_page,
    silence_pages.silence_form,
    silence_pages.end_silence_form,
    moves.false_positive_move,
    moves.acknowledge_move,
    proposing.propose_page,
    proposing.propose_move,
    moves.approve_move,
    moves.cancel_move,
    moves.release_move,
    moves.close_move,
    moves.comment_move,
    moves.refuse_move,
    triage_pages.assign_move,
    triage_pages.reopen_move,
    triage_pages.merge_move,
    triage_pages.split_move,
    signin.signout_form,
)
_OPEN: Sequence[ControllerRouterHandler] = (asset, signin.signin_page, signin.signin_form)


def people_routes(console: Console) -> Sequence[ControllerRouterHandler]:
    """The REST API under /v1, the pages, the sign-in page and the static files.

    Errors of the API are raised as `vedette.core` errors and Litestar's own; the app turns them into problem details.
    Errors of pages are answered as pages here.
    """
    assets = Assets()
    renderer = Renderer(console, assets)
    errors = ErrorPages(renderer, secure_headers(console.settings.hsts_seconds))
    throttle = Throttle(
        console.clock,
        attempts=console.settings.signin_attempts,
        window_seconds=console.settings.signin_window_seconds,
    )
    shared: dict[str, Any] = {
        "console": _just(console),
        "renderer": _just(renderer),
        "assets": _just(assets),
        "throttle": _just(throttle),
        "person": Provide(_person, sync_to_thread=False),
        "form": Provide(read_form_of),
        "own_form": Provide(read_own_form),
    }
    settings: dict[str, Any] = {
        "dependencies": shared,
        "middleware": [SecureHeaders(console.settings.hsts_seconds)],
        "request_max_body_size": _MAX_BODY,
    }
    return (
        Router("/v1", route_handlers=API_HANDLERS, guards=[api_guard(console)], **settings),
        Router(
            "/",
            route_handlers=_PAGES,
            guards=[page_guard(console)],
            exception_handlers=errors.handlers(),
            **settings,
        ),
        Router("/", route_handlers=_OPEN, exception_handlers=errors.handlers(), **settings),
    )


def people_problem_handlers(
    console: Console, otherwise: Mapping[int | type[Exception], Handler]
) -> dict[int | type[Exception], Handler]:
    """The app's own exception handlers, except that a browser outside /v1 is answered with a page."""
    errors = ErrorPages(Renderer(console, Assets()), secure_headers(console.settings.hsts_seconds))
    return errors.around(otherwise)


def _just(value: object) -> Provide:
    return Provide(lambda: value, sync_to_thread=False)


def _person(request: PageRequest) -> Person:
    """Whom the guard let in."""
    person = request.scope["user"]
    assert isinstance(person, Person)
    return person


async def read_form_of(request: PageRequest) -> Form:
    """The form that the guard has checked."""
    return await read_form(request)


async def read_own_form(request: PageRequest) -> Form:
    """A form where there is no session yet: it must at least come from our own origin."""
    check_origin(request.headers, str(request.base_url))
    return await read_form(request)
