"""The approvals inbox: what waits, why, for whom, and what comes of deciding there."""

from collections.abc import Callable
from datetime import timedelta

from tests.console.conftest import Browser
from tests.fixtures.deeds import LIFE, put
from tests.fixtures.history import NOW, TENANT, History

from vedette.console.pages.deeds import DEEDS
from vedette.core import ActionId, ActionState
from vedette.respond import schemas
from vedette.store import Role

SignIn = Callable[[Role], Browser]
WAITS = LIFE[:1]


def test_what_waits_is_said_in_plain_words_with_its_reasons(
    browser: SignIn, history: History
) -> None:
    page = browser(Role.RESPONDER).page("/approvals")
    assert "Quarantine of web-2" in page
    assert "Cuts web-2 off from the network." in page
    assert "This is a dry run: web-2 is asked to plan it" in page
    assert "runs /dev/shm/.x/kdevtmpfs every minute as root" in page
    assert f'href="/incidents/{history.incident}"' in page
    assert "0 of 1 approval given" in page
    assert "data-local>in 46 min" in page
    assert "2026-11-22 20:46:00 UTC" in page
    assert f'action="/actions/{history.quarantine}/approve"' in page


def test_one_decides_there_and_is_back_with_what_happened(
    browser: SignIn, history: History
) -> None:
    anna = browser(Role.RESPONDER)
    path = f"/actions/{history.quarantine}"
    assert anna.send(f"{path}/approve", back="approvals")[0] == 400
    done = anna.send(f"{path}/refuse", back="approvals", reason="planned")
    assert done == (303, f"/approvals?done=refused&of={history.quarantine}")
    page = anna.page(done[1])
    assert "Refused. The action is not carried out." in page
    assert f'<a href="{path}">Quarantine</a>' in page
    assert "Nothing waits for you" in page
    assert '<span class="count">' not in page
    assert "Refused." in anna.page("/approvals?done=refused&of=nothing")
    late = anna.send(f"{path}/approve", back="approvals", reason="but no")
    assert (late[0], "Back to the actions" in late[1]) == (409, True)


def test_two_must_approve_and_one_counts_once(browser: SignIn, history: History) -> None:
    put(history, "big", WAITS, kind="shutdown", lease_seconds=0.0, most_seconds=0.0, approvals=2)
    anna = browser(Role.RESPONDER)
    assert "After you, 1 more must approve it." in anna.page("/approvals")
    status, where = anna.send("/actions/big/approve", back="approvals", reason="it must stop")
    assert (status, where) == (303, "/approvals?done=counted&of=big")
    page = anna.page(where)
    assert "Your approval counts." in page
    assert "You approved it. 1 more person must." in page
    assert "1 of 2 approvals given (responder-anna)" in page
    assert 'action="/actions/big/approve"' not in page
    assert 'action="/actions/big/refuse"' in page
    history.store.actions.approve(TENANT, ActionId("big"), actor="user:ben", reason="so do I")
    assert "You approved it" not in anna.page("/approvals")


def test_what_is_fleet_wide_says_that_it_needs_two(browser: SignIn, history: History) -> None:
    *few, last = sorted(history.hosts.values())[:4]
    for host in few:
        put(history, host, WAITS, host=host, kind="reboot", lease_seconds=0.0)
        history.store.actions.approve(TENANT, ActionId(host), actor="user:ben", reason="x")
    put(history, "wide", WAITS, host=last, incident=history.incident)
    anna = browser(Role.RESPONDER)
    page = anna.page("/approvals")
    assert "2 different people must approve it" in page
    assert "3 is the most by one person" in page
    assert "0 of 2 approvals given" in page
    anna.send("/actions/wide/approve", back="approvals", reason="it must stop")
    assert "1 of 2 approvals given (responder-anna)" in anna.page("/approvals")


def test_who_may_not_decide_sees_it_with_why(browser: SignIn, history: History) -> None:
    put(history, "own", WAITS, proposed_by="user:responder-anna", policy="", detail="It is odd.")
    viewer = browser(Role.VIEWER).page("/approvals")
    assert "Your role is viewer: you can look, and responders and admins decide." in viewer
    assert "/approve" not in viewer
    anna = browser(Role.RESPONDER).page("/approvals")
    assert "You proposed it, so somebody else must approve it." in anna
    assert "It is odd." in anna
    assert 'action="/actions/own/approve"' not in anna
    assert f'action="/actions/{history.quarantine}/approve"' in anna


def test_what_is_over_can_not_be_decided_on(browser: SignIn, history: History) -> None:
    put(history, "late", WAITS, expires_at=NOW + timedelta(seconds=30))
    history.clock.advance(60)
    page = browser(Role.RESPONDER).page("/approvals")
    assert "Its time is over; it is being ended." in page
    assert 'action="/actions/late/approve"' not in page


def test_the_inbox_is_filtered_and_turned_over(browser: SignIn, history: History) -> None:
    for i in range(21):
        put(history, f"many-{i:02d}", WAITS, host=history.hosts["db-1"], kind="reboot")
    anna = browser(Role.RESPONDER)
    first = anna.page("/approvals?host=db")
    assert first.count("Reboot of db-1</a>") == 20
    assert "many-20" in first
    assert "many-00" not in first
    following = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    rest = anna.page(following.replace("&amp;", "&"))
    assert rest.count("Reboot of db-1</a>") == 1
    assert "Newest" in rest
    assert "Quarantine of web-2" not in first
    assert "Quarantine of web-2" in anna.page(f"/approvals?incident={history.incident}")
    nothing = anna.page("/approvals?kind=shutdown")
    assert "Nothing that waits fits these filters" in nothing
    assert "Nothing that waits fits" in anna.page("/approvals?host=nowhere")
    wrong = anna.client.get("/approvals?after=x")
    assert (wrong.status_code, "start again without it" in wrong.text) == (400, True)


def test_every_page_counts_what_waits(browser: SignIn, history: History) -> None:
    viewer = browser(Role.VIEWER)
    count = '<span class="count">{}<span class="visually-hidden"> waiting</span></span>'
    assert count.format(1) in viewer.page("/hosts")
    put(history, "more", WAITS)
    assert count.format(2) in viewer.page("/audit")
    live = viewer.client.get("/audit", headers={"vedette-fragment": "live"}).text
    assert '<span id="waiting" data-live>' + count.format(2) in live


def test_every_kind_of_action_is_said_in_plain_words() -> None:
    assert set(schemas()) <= set(DEEDS)


def test_a_form_of_another_session_decides_nothing(browser: SignIn, history: History) -> None:
    anna = browser(Role.RESPONDER)
    path = f"/actions/{history.quarantine}/approve"
    sent = anna.client.post(
        path,
        data={"csrf": "other", "reason": "x", "back": "approvals"},
        headers={"sec-fetch-site": "same-origin"},
        follow_redirects=False,
    )
    assert sent.status_code == 403
    waits = history.store.actions.get(TENANT, history.quarantine).state
    assert waits is ActionState.AWAITING_APPROVAL
