"""What stands above every page while something holds actions back; error pages have the menu, too."""

from collections.abc import Callable

import pytest
from tests.console.conftest import Browser
from tests.console.test_guards import _trip
from tests.fixtures.deeds import LIFE, put
from tests.fixtures.history import TENANT, History

from vedette.store import Role

SignIn = Callable[[Role], Browser]
PAGES = ("/incidents", "/approvals", "/actions", "/hosts", "/silences", "/oncall", "/audit")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_who_stopped_everything_and_why(
    browser: SignIn, history: History, path: str
) -> None:
    viewer = browser(Role.VIEWER)
    assert "All disruptive actions are stopped" not in viewer.page(path)
    history.store.guards.throw(TENANT, actor="user:ben", reason="it went <mad>")
    page = viewer.page(path)
    assert "All disruptive actions are stopped" in page
    assert "ben threw the kill switch" in page
    assert "it went &lt;mad&gt;" in page
    live = viewer.client.get(path, headers={"vedette-fragment": "live"}).text
    assert "All disruptive actions are stopped" in live


def test_an_open_breaker_is_said_until_it_is_reset(browser: SignIn, history: History) -> None:
    _trip(history)
    admin = browser(Role.ADMIN)
    page = admin.page("/hosts")
    assert "A breaker is open: policies wait for people" in page
    assert "3 of 12 hosts of cohort web were acted on" in page
    admin.send("/guards/reset", scope="cohort", key="web", reason="a false alarm")
    assert "A breaker is open" not in admin.page("/hosts")


def test_the_inbox_says_that_the_switch_refuses_what_is_approved(
    browser: SignIn, history: History
) -> None:
    put(history, "held", LIFE[:1])
    words = "what is approved now is refused when it would begin"
    anna = browser(Role.RESPONDER)
    assert words not in anna.page("/approvals")
    history.store.guards.throw(TENANT, actor="user:ben", reason="a drill", everyone=True)
    page = anna.page("/approvals")
    assert words in page
    assert "stopped for every tenant" in page


def test_who_is_refused_still_has_the_menu_and_a_way_back(browser: SignIn) -> None:
    viewer = browser(Role.VIEWER)
    status, text = viewer.send("/guards/throw", reason="x")
    assert (status, 'aria-label="Main"' in text) == (403, True)
    assert 'href="/guards">Back to the guards</a>' in text
    lost = viewer.client.get("/no/such/page", headers={"accept": "text/html"})
    assert (lost.status_code, 'aria-label="Main"' in lost.text) == (404, True)
    viewer.client.cookies.clear()
    stranger = viewer.client.get("/no/such/page", headers={"accept": "text/html"})
    assert (stranger.status_code, 'aria-label="Main"' in stranger.text) == (404, False)
    assert 'href="/signin">Sign in</a>' in stranger.text
