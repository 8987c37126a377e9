"""The list of actions, and the page of one."""

from collections.abc import Callable

import pytest
from tests.console.conftest import Browser
from tests.fixtures.deeds import LIFE, command, put
from tests.fixtures.history import TENANT, History

from vedette.core import ActionId, ActionState, Mode, Verb
from vedette.store import Role

SignIn = Callable[[Role], Browser]
S = ActionState
DONE = LIFE[1:]


def _digest(history: History) -> None:
    put(
        history,
        "digest",
        DONE,
        kind="mail",
        mode=Mode.AUTO,
        disruptive=False,
        host=None,
        trigger="digest",
        lease_seconds=0.0,
        most_seconds=0.0,
        parameters={
            "to": ["ops@example.org"],
            "incidents": [history.quiet, history.incident, "gone"],
            "more": 2,
        },
        says="250 accepted",
    )


def test_the_list_shows_what_became_of_each(browser: SignIn, history: History) -> None:
    put(history, "failed", (*LIFE[:4], S.FAILED), says="pid 4711 is another by now")
    put(history, "asked", LIFE[:1], proposed_by="user:ben", policy="")
    _digest(history)
    page = browser(Role.VIEWER).page("/actions")
    assert "pid 4711 is another by now" in page
    assert 'href="/actions/failed"' in page
    assert ">ben</td>" in page
    assert "3 incidents together" in page
    assert f'href="/hosts/{history.hosts["web-1"]}">web-1</a>' in page
    assert f'href="/incidents/{history.incident}"' in page


@pytest.mark.parametrize(
    ("query", "there", "absent"),
    [
        ("state=failed", "one-failed", "one-mail"),
        ("kind=mail", "one-mail", "one-failed"),
        ("host=db", "one-db", "one-failed"),
        ("since=2026-11-22T20:00", "one-failed", "{mail}"),
        ("until=2026-11-22T20:00:00", "{mail}", "one-failed"),
    ],
)
def test_the_list_is_filtered(
    browser: SignIn, history: History, query: str, there: str, absent: str
) -> None:
    put(history, "one-failed", (*LIFE[:4], S.FAILED))
    put(history, "one-mail", kind="mail", disruptive=False, lease_seconds=0.0)
    put(history, "one-db", host=history.hosts["db-1"])
    page = browser(Role.VIEWER).page(f"/actions?{query}")
    assert f"/actions/{there.format(mail=history.mail)}" in page
    assert f"/actions/{absent.format(mail=history.mail)}" not in page
    assert 'href="/actions">Clear</a>' in page


def test_the_list_is_turned_over_and_says_when_nothing_fits(
    browser: SignIn, history: History
) -> None:
    for i in range(51):
        put(history, f"many-{i:02d}", kind="reboot")
    viewer = browser(Role.VIEWER)
    first = viewer.page("/actions?kind=reboot")
    assert "many-50" in first
    assert "many-00" not in first
    following = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    assert "many-00" in viewer.page(following.replace("&amp;", "&"))
    assert "Nothing fits these filters" in viewer.page("/actions?kind=shutdown")
    for wrong in ("state=odd", "since=yesterday", "host=" + "x" * 201, "after=!"):
        assert viewer.client.get(f"/actions?{wrong}").status_code == 400, wrong


def test_the_page_of_one_tells_every_step_and_command(browser: SignIn, history: History) -> None:
    action = put(history, "force", LIFE, incident=history.incident, says="4 of 4 checks passed")
    command(history, action, Verb.APPLY, (S.APPLIED, "the table is loaded"))
    command(history, action, Verb.RENEW)
    page = browser(Role.RESPONDER).page("/actions/force")
    assert '<h1 class="break">Quarantine of web-1</h1>' in page
    assert "4 of 4 checks passed" in page
    assert "the table is loaded" in page
    assert "nothing yet" in page
    assert "It ends by itself <time" in page
    assert 'action="/actions/force/release"' in page
    assert f'href="/incidents/{history.incident}"' in page
    assert "ben" in page
    assert 'href="/audit?subject=force"' in page


def test_one_releases_and_cancels_there_and_stays_there(browser: SignIn, history: History) -> None:
    put(history, "force", LIFE)
    put(history, "early", LIFE[:2])
    viewer = browser(Role.VIEWER)
    assert "/release" not in viewer.page("/actions/force")
    assert viewer.send("/actions/force/release", reason="x")[0] == 403
    anna = browser(Role.RESPONDER)
    assert anna.send("/actions/force/release", back="action")[0] == 400
    done = anna.send("/actions/force/release", back="action", reason="clean again")
    assert done == (303, "/actions/force?done=recalled")
    page = anna.page(done[1])
    assert "asked for its end: clean again" in page
    assert "It is not renewed any more, and ends by itself" in page
    done = anna.send("/actions/early/cancel", back="action", reason="not now")
    assert done == (303, "/actions/early?done=cancelled")


def test_what_a_host_has_begun_is_called_off_there_and_not_written_off(
    browser: SignIn, history: History
) -> None:
    put(history, "begun", LIFE[:5], kind="kill_process", lease_seconds=0.0, grace_seconds=10.0)
    put(history, "lease", LIFE[:5])
    anna = browser(Role.RESPONDER)
    for name in ("begun", "lease"):
        sent = anna.send(f"/actions/{name}/cancel", back="action", reason="the wrong one")
        assert sent == (303, f"/actions/{name}?done=recalled")
        action = history.store.actions.get(TENANT, ActionId(name))
        assert (action.state, action.recalled_by) == (S.APPLIED, "user:responder-anna")


def test_a_digest_has_a_page_that_lists_what_it_tells_of(browser: SignIn, history: History) -> None:
    _digest(history)
    page = browser(Role.VIEWER).page("/actions/digest")
    worst = page.index(f'href="/incidents/{history.incident}"')
    assert worst < page.index(f'href="/incidents/{history.quiet}"')
    assert "and 2 more" in page
    assert "Writes a mail to ops@example.org." in page


def test_an_action_that_is_not_there_is_said_so_within_the_menu(browser: SignIn) -> None:
    answer = browser(Role.VIEWER).client.get("/actions/nothing")
    assert answer.status_code == 404
    assert 'href="/actions">Back to the actions</a>' in answer.text
    assert 'aria-label="Main"' in answer.text
