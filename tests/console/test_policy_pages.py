"""The policies' page: what is in force, checking a text, trying it over history, and putting it in force."""

from collections.abc import Callable, Iterator

import pytest
from litestar.testing import TestClient
from tests.console.conftest import COOKIE, ORIGIN, Browser
from tests.fixtures.console import app_of, console_of, token_of
from tests.fixtures.history import TENANT, History

from vedette.app.policy_book import PolicyBook
from vedette.app.settings import Settings
from vedette.console.credential import csrf_token
from vedette.store import Role

SignIn = Callable[[Role], Browser]
TEXT = """version: 1
policies:
  - name: cut-off
    on: [opened, raised]
    then:
      - action: quarantine
        with: {lease: 30m}
    mode: MODE
"""
ASKS, ACTS = TEXT.replace("MODE", "approve"), TEXT.replace("MODE", "auto")


@pytest.fixture
def sign_in(history: History) -> Iterator[SignIn]:
    """At a console over the policies that are really applied."""
    book = PolicyBook(Settings(), history.store, history.clock)
    with TestClient(app_of(console_of(history, policies=book)), base_url=ORIGIN) as client:

        def signed_in(role: Role) -> Browser:
            answer = client.post(
                "/signin",
                data={"token": token_of(history, role, name=f"{role.value}-anna")},
                headers={"sec-fetch-site": "same-origin"},
                follow_redirects=False,
            )
            assert answer.status_code == 303, answer.text
            return Browser(client=client, csrf=csrf_token(client.cookies[COOKIE]))

        yield signed_in


def test_the_page_shows_what_is_in_force_before_anything_was_applied(sign_in: SignIn) -> None:
    page = sign_in(Role.VIEWER).page("/policies")
    assert "tell-the-owner" in page
    assert "as shipped or set at installation" in page
    assert "Nothing was applied yet" in page
    assert "An admin can put a text in force." in page
    assert 'formaction="/policies/backtest"' not in page


def test_a_wrong_text_is_shown_with_its_place_and_kept(sign_in: SignIn, history: History) -> None:
    viewer = sign_in(Role.VIEWER)
    status, page = viewer.send("/policies/check", text=TEXT.replace("MODE", "maybe"))
    assert status == 400
    assert "Policies, line 8, column 11: mode must be one of observe, approve, auto" in page
    assert '<span class="d-gone"><i>8</i>    mode: maybe</span>' in page
    assert f'<span class="d-mark">{" " * 10}^</span>' in page
    assert "    mode: maybe\n</textarea>" in page
    assert viewer.send("/policies/check", text=" ")[0] == 400
    assert viewer.send("/policies/check", text="x" * 65_537)[0] == 400
    assert history.store.policies.current(TENANT) is None


def test_a_text_that_only_asks_is_checked_compared_and_put_in_force(
    sign_in: SignIn, history: History
) -> None:
    admin = sign_in(Role.ADMIN)
    status, page = admin.send("/policies/check", text=ASKS)
    assert status == 200
    assert "It is understood" in page
    assert "It need not be tried first" in page
    assert '<span class="d-added">+  - name: cut-off</span>' in page
    assert 'formaction="/policies/apply"' in page
    assert 'data-refresh="0"' in page
    status, page = admin.send("/policies/apply", text=ASKS, reason=" ")
    assert (status, "say why you change the policies" in page.lower()) == (400, True)
    done = admin.send("/policies/apply", text=ASKS, reason="we decide")
    assert done == (303, "/policies?done=applied")
    applied = history.store.policies.current(TENANT)
    assert applied is not None
    assert (applied.text, applied.applied_by) == (ASKS, "user:admin-anna")
    page = admin.page(done[1])
    assert "In force. All processes follow within seconds." in page
    assert "we decide" in page
    assert "the first that was applied" in page


def test_what_would_act_by_itself_is_tried_first(sign_in: SignIn, history: History) -> None:
    admin = sign_in(Role.ADMIN)
    page = admin.send("/policies/check", text=ACTS)[1]
    assert "cut-off would act on hosts without anybody's word" in page
    assert 'formaction="/policies/apply"' not in page
    status, page = admin.send("/policies/apply", text=ACTS, reason="bold")
    assert (status, "try this text over history first" in page) == (409, True)
    assert history.store.policies.current(TENANT) is None
    status, page = admin.send("/policies/backtest", text=ACTS, days="1")
    assert status == 200
    assert "quarantine would have begun on 1 hosts" in page
    assert "It was tried over history" in page
    assert '<rect class="t-begun"' in page
    assert "cut-off, quarantine: begun 1" in page
    assert 'formaction="/policies/apply"' in page
    assert admin.send("/policies/apply", text=ACTS, reason="tried")[0] == 303
    page = admin.page("/policies")
    assert "What they would have done" in page
    (entry,) = history.store.audit.find(TENANT, action="policy.backtested").items
    assert entry.actor == "user:admin-anna"


def test_a_history_without_anything_is_said_so(sign_in: SignIn, history: History) -> None:
    history.clock.advance(20 * 86_400)
    page = sign_in(Role.RESPONDER).send("/policies/backtest", text=ACTS, days="7")[1]
    assert "In that time no policy would have done anything." in page
    assert "Over 0 verdicts and 0 incidents" in page


def test_roles_and_sessions_are_kept(sign_in: SignIn, history: History) -> None:
    viewer = sign_in(Role.VIEWER)
    assert viewer.send("/policies/backtest", text=ASKS, days="1")[0] == 403
    responder = sign_in(Role.RESPONDER)
    assert responder.send("/policies/backtest", text=ASKS, days="3")[0] == 400
    assert responder.send("/policies/backtest", text=ASKS, days="1")[0] == 200
    assert responder.send("/policies/apply", text=ASKS, reason="x")[0] == 403
    forged = responder.client.post(
        "/policies/check",
        data={"csrf": "other", "text": ASKS},
        headers={"sec-fetch-site": "same-origin"},
    )
    assert forged.status_code == 403
    assert history.store.policies.current(TENANT) is None


def test_the_history_is_compared_and_turned_over(sign_in: SignIn, history: History) -> None:
    for number in range(12):
        history.clock.advance(60)
        text = f"# number {number}\n{ASKS}"
        history.store.policies.put(
            TENANT, f"sha256:{number:064d}", text, "user:ben", f"why {number}"
        )
    viewer = sign_in(Role.VIEWER)
    first = viewer.page("/policies")
    assert first.count("</b> put <span") == 10
    assert '<span class="d-gone">-# number 10</span>' in first
    assert '<span class="d-gone">-# number 1</span>' in first
    assert "why 11" in first
    following = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    rest = viewer.page(following.replace("&amp;", "&"))
    assert rest.count("</b> put <span") == 2
    assert "the first that was applied" in rest
    assert viewer.client.get("/policies?after=x").status_code == 400
