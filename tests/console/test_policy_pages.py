"""The policies' page: what is in force, checking a text, trying it over history, and putting it in force."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar.testing import TestClient
from tests.console.conftest import COOKIE, ORIGIN, Browser
from tests.fixtures.console import console_of, kept_app_of, token_of
from tests.fixtures.history import TENANT, History

from vedette.app.policy_book import PolicyBook
from vedette.app.settings import RespondSettings, Settings
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
# The history here is of a few snapshots.
YOUNG = RespondSettings(backtest_verdicts=1)
ASKS, ACTS = TEXT.replace("MODE", "approve"), TEXT.replace("MODE", "auto")


@pytest.fixture
def sign_in(history: History) -> Iterator[SignIn]:
    """At a console over the policies that are really applied."""
    book = PolicyBook(Settings(respond=YOUNG), history.store, history.clock)
    with TestClient(kept_app_of(console_of(history, policies=book)), base_url=ORIGIN) as client:

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


def test_the_page_and_the_api_name_what_waits_until_it_was_tried(
    history: History, tmp_path: Path
) -> None:
    file = tmp_path / "policies.yaml"
    file.write_text(ACTS)
    settings = Settings(respond=msgspec.structs.replace(YOUNG, policies=str(file)))
    book = PolicyBook(settings, history.store, history.clock)
    headers = {"authorization": f"Bearer {token_of(history, Role.RESPONDER)}"}
    with TestClient(kept_app_of(console_of(history, policies=book)), base_url=ORIGIN) as client:
        client.headers.update(headers)
        client.post(
            "/signin",
            data={"token": headers["authorization"].split()[1]},
            headers={"sec-fetch-site": "same-origin"},
        )
        waits = "These ask people until they were tried over enough history</b> · cut-off would act"
        assert client.get("/v1/policies").json()["untried"] == ["cut-off"]
        assert waits in client.get("/policies").text
        body = {"text": ACTS, "days": 1}
        assert client.post("/v1/policies/backtest", json=body).json()["verdicts"] > 0
        assert client.get("/v1/policies").json()["untried"] == []
        assert waits not in client.get("/policies").text


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


def test_what_met_too_little_says_so_on_the_page_and_in_the_api(history: History) -> None:
    book = PolicyBook(Settings(), history.store, history.clock)
    token = token_of(history, Role.ADMIN)
    with TestClient(kept_app_of(console_of(history, policies=book)), base_url=ORIGIN) as client:
        client.headers["authorization"] = f"Bearer {token}"
        body: dict[str, Any] = {"text": ACTS, "days": 30}
        found = client.post("/v1/policies/backtest", json=body).json()
        assert "and 1000 verdicts are needed" in found["lacks"]
        refused = client.post("/v1/policies", json={"text": ACTS, "reason": "bold"}).json()
        assert (refused["type"], found["lacks"] in refused["detail"]) == (
            "/problems/needs-backtest",
            True,
        )
        client.post("/signin", data={"token": token}, headers={"sec-fetch-site": "same-origin"})
        browser = Browser(client=client, csrf=csrf_token(client.cookies[COOKIE]))
        page = browser.send("/policies/backtest", text=ACTS, days="30")[1]
        assert f"It lets nothing act by itself</b> · {found['lacks']}" in page
        assert "It must be tried over enough history first" in page
        assert 'formaction="/policies/apply"' not in page


def test_the_api_tries_a_text_as_the_page_does_and_then_takes_it(
    sign_in: SignIn, history: History
) -> None:
    client = sign_in(Role.VIEWER).client
    tokens = {role: token_of(history, role, name=f"api-{role.value}") for role in Role}

    def post(path: str, role: Role, **body: object) -> tuple[int, dict[str, Any]]:
        headers = {"authorization": f"Bearer {tokens[role]}"}
        answer = client.post(f"/v1/policies{path}", json=body, headers=headers)
        return answer.status_code, answer.json()

    assert post("/backtest", Role.VIEWER, text=ACTS)[0] == 403
    assert post("/backtest", Role.RESPONDER, text=ACTS, days=0)[0] == 400
    assert post("/backtest", Role.RESPONDER, text=ACTS, days=366)[0] == 400
    status, wrong = post("/backtest", Role.RESPONDER, text=TEXT)
    assert (status, wrong["type"]) == (400, "/problems/invalid-policy")
    assert (wrong["line"], wrong["column"]) == (8, 11)
    assert post("", Role.ADMIN, text=ACTS, reason="bold")[1]["type"] == "/problems/needs-backtest"
    status, found = post("/backtest", Role.RESPONDER, text=ACTS, days=1)
    assert status == 200
    (cut,) = found["kinds"]
    assert (cut["kind"], cut["hosts"], cut["false_positives"], cut["at_once"]) == (
        "quarantine",
        1,
        0,
        1,
    )
    assert {one["policy"] for one in cut["course"]} == {"cut-off"}
    assert sum(one["begun"] for one in cut["course"]) == cut["begun"] == 1
    entry = history.store.audit.find(TENANT, action="policy.backtested").items[0]
    assert (entry.actor, entry.subject) == ("user:api-responder", found["version"])
    status, done = post("", Role.ADMIN, text=ACTS, reason="tried")
    assert (status, done["version"]) == (200, found["version"])
    assert done["backtest"]["verdicts"] == found["verdicts"]


def test_a_back_test_of_before_that_has_no_course_says_so(
    sign_in: SignIn, history: History
) -> None:
    book = PolicyBook(Settings(), history.store, history.clock)
    now = history.clock.now()
    found = book.backtest(
        TENANT, ACTS, since=now - timedelta(days=1), until=now, actor="user:admin-anna"
    )
    bare = tuple(msgspec.structs.replace(one, course=()) for one in found.kinds)
    history.store.policies.add_backtest(msgspec.structs.replace(found, kinds=bare))
    page = sign_in(Role.RESPONDER).send("/policies/check", text=ACTS)[1]
    assert "quarantine would have begun on 1 hosts" in page
    assert "no policy would have done anything" not in page
    assert "When this was tried, its course over time was not kept" in page


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


def test_every_page_says_that_texts_cant_be_read_and_where(
    sign_in: SignIn, history: History
) -> None:
    viewer = sign_in(Role.VIEWER)
    assert "be read by this version" not in viewer.page("/hosts")
    history.store.policies.put(TENANT, "sha256:1", ASKS, "user:ada")
    history.store.policies.put(TENANT, "sha256:2", "version: 2\n", "user:ada")
    history.store.oncall.put(TENANT, "sha256:3", "version: 7\n", "user:ada")
    history.clock.advance(3)
    for path in ("/hosts", "/policies", "/oncall"):
        page = viewer.page(path)
        assert "The policies applied last can't be read by this version" in page
        assert "Policies, line 1, column 1: the document needs" in page
        assert "On-call, line 1, column 10" in page
    assert "name: cut-off" in viewer.page("/policies")
