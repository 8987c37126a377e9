"""The pages over a filled store, as a browser without scripts sees them."""

import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from tests.console.conftest import Browser
from tests.fixtures.console import console_of, kept_app_of, token_of
from tests.fixtures.history import NOW, TENANT, History, filled

from vedette.console import CSP
from vedette.core import HostDescription, HostId, ManualClock
from vedette.store import Role, Store

SignIn = Callable[[Role], Browser]
PATHS = (
    "/incidents",
    "/incidents?state=waiting",
    "/incidents?state=closed&severity=medium&host=web",
    "/incidents?host=nothing",
    "/hosts",
    "/hosts?status=unknown",
    "/hosts?text=nothing",
    "/audit",
    "/audit?actor=user:anna",
    "/audit?actor=nobody",
)


class _Ids(HTMLParser):
    """Collects ids and inline styles and scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            if name == "style" or name.startswith("on"):
                self.inline.append(f"{tag} {name}")
        if tag == "style" or (tag == "script" and not dict(attrs).get("src")):
            self.inline.append(tag)


def _pages(history: History) -> tuple[str, ...]:
    hosts = tuple(f"/hosts/{host}" for host in history.hosts.values())
    incidents = (history.incident, history.quiet, history.closed)
    return PATHS + hosts + tuple(f"/incidents/{incident}" for incident in incidents)


def test_every_page_has_the_strict_headers_and_nothing_inline(
    browser: SignIn, client: TestClient[Litestar], history: History
) -> None:
    browser(Role.ADMIN)
    for path in (*_pages(history), "/signin", "/incidents/unknown", "/nowhere"):
        answer = client.get(path, headers={"accept": "text/html"})
        assert answer.headers["content-security-policy"] == CSP, path
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        seen = _Ids(answer.text)
        assert seen.inline == [], path
        assert len(seen.ids) == len(set(seen.ids)), path


def test_the_api_has_the_strict_headers_too(client: TestClient[Litestar]) -> None:
    answer = client.get("/v1/me")
    assert (answer.status_code, answer.headers["cache-control"]) == (401, "no-store")
    assert answer.headers["content-security-policy"] == CSP


def test_an_incident_says_why_and_what_is_done_about_it(browser: SignIn, history: History) -> None:
    text = browser(Role.RESPONDER).page(f"/incidents/{history.incident}")
    for words in (
        "Unknown scheduled job and program on web-2",
        "no host of the role web has runs /dev/shm/.x/kdevtmpfs",
        "children of cron here are run-parts and logrotate",
        "ATT&amp;CK T1053.003",
        "55 % of score",
        "13 abnormal, 1 unknown and 30 normal verdicts",
        "Approve quarantine",
        "This is a dry run: web-2 is asked to plan it",
        "250 accepted by mail.example.org",
        "Asked the web team in the channel.",
        "awaiting approval",
        '<time datetime="2026-11-22T19:46:00.000Z"',
    ):
        assert words in text, words


def test_a_viewer_sees_everything_and_is_offered_nothing(browser: SignIn, history: History) -> None:
    text = browser(Role.VIEWER).page(f"/incidents/{history.incident}")
    assert "waits for a decision" in text
    for words in ("Approve…", "Acknowledge</button>", "Close…", "/comments"):
        assert words not in text


def test_the_list_is_filtered_and_searched(browser: SignIn) -> None:
    viewer = browser(Role.VIEWER)
    assert "Unknown scheduled job" in viewer.page("/incidents")
    assert "New listening port" not in viewer.page("/incidents")
    assert "New listening port on db-1" in viewer.page("/incidents?state=quiet")
    closed = viewer.page("/incidents?state=all&host=WEB-1")
    assert "New listening port on web-1" in closed
    assert "Unknown scheduled job" not in closed
    assert "Unknown scheduled job" in viewer.page("/incidents?state=waiting")
    assert "Nothing fits these filters" in viewer.page("/incidents?severity=low")


@pytest.mark.parametrize(
    "query", ["state=odd", "severity=odd", "after=odd", "host=" + "x" * 201, "host=%00"]
)
def test_a_filter_that_cannot_be_used_is_explained(
    browser: SignIn, client: TestClient[Litestar], query: str
) -> None:
    browser(Role.VIEWER)
    answer = client.get(f"/incidents?{query}")
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/html")
    assert "That can&#39;t be used" in answer.text


def test_long_lists_have_pages(browser: SignIn, history: History) -> None:
    for i in range(60):
        description = HostDescription(
            id=HostId(f"{i:08d}-0000-4000-8000-000000000000"), hostname=f"many-{i:02d}"
        )
        history.store.hosts.enrol(
            TENANT,
            description=description,
            kid=f"k{i}",
            public_key=f"p{i}",
            actor="user:anna",
            host=description.id,
        )
    viewer, path, seen = browser(Role.VIEWER), "/hosts?text=many", set[str]()
    text = ""
    for _ in range(2):
        text = viewer.page(path)
        seen |= set(re.findall(r"many-\d\d", text))
        older = re.search(r'href="([^"]+)" rel="next"', text)
        path = older[1].replace("&amp;", "&") if older else ""
    assert len(seen) == 60
    assert path == ""
    assert "← Newest" in text


def test_a_host_whose_snapshots_wait_to_be_judged_says_so(
    browser: SignIn, history: History
) -> None:
    hosts = history.store.hosts
    assert history.store.door.beat("", 9_999)
    hosts.expire_silent(NOW, waiting=lambda _tenant, some: some)
    waits = next(one for one in hosts.find(TENANT).items if one.status_reason == "waiting")
    viewer = browser(Role.VIEWER)
    for path in ("/hosts", f"/hosts/{waits.id}"):
        assert "its snapshots wait to be judged" in viewer.page(path)


def test_what_a_host_says_is_shown_as_text_and_never_run(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    clock, path = ManualClock(NOW), tmp_path_factory.mktemp("evil") / "store.sqlite"
    store = Store(f"sqlite:///{path}", clock)
    store.migrate()
    evil = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
    history = filled(store, path, clock, name=f"web-2{evil}")
    with TestClient(kept_app_of(console_of(history)), base_url="https://vedette.test") as client:
        client.post(
            "/signin",
            data={"token": token_of(history, Role.ADMIN, name="anna")},
            headers={"sec-fetch-site": "same-origin"},
        )
        history.store.incidents.comment(TENANT, history.incident, "user:anna", evil)
        for page in (*_pages(history), "/audit?subject=" + history.incident):
            text = client.get(page).text
            assert "<script>alert" not in text, page
            assert "<img" not in text, page
        assert "&lt;script&gt;alert(1)" in client.get(f"/incidents/{history.incident}").text
    store.close()


def test_approving_on_the_page_moves_the_action_and_says_so(
    browser: SignIn, history: History, client: TestClient[Litestar]
) -> None:
    responder = browser(Role.RESPONDER)
    status, where = responder.send(f"/actions/{history.quarantine}/approve", reason="agreed")
    assert (status, where) == (303, f"/incidents/{history.incident}?done=approved")
    text = responder.page(where)
    assert "Approved. The steps follow" in text
    assert "Quarantine approved</b> · agreed" in text
    assert "Approve…" not in text
    again, words = responder.send(f"/actions/{history.quarantine}/approve", reason="twice")
    assert again == 409
    assert "Too late for that" in words
    assert client.get(f"/v1/actions/{history.quarantine}").json()["state"] == "approved"


def test_refusing_and_cancelling_need_a_reason(browser: SignIn, history: History) -> None:
    responder = browser(Role.RESPONDER)
    path = f"/actions/{history.quarantine}"
    assert responder.send(f"{path}/refuse")[0] == 400
    assert responder.send(f"{path}/approve")[0] == 400
    assert responder.send(f"{path}/approve", reason="agreed")[0] == 303
    assert responder.send(f"{path}/cancel", reason=" ")[0] == 400
    assert responder.send(f"{path}/cancel", reason="not needed")[0] == 303
    assert "Quarantine cancelled</b> · not needed" in responder.page(
        f"/incidents/{history.incident}"
    )


def test_refusing_on_the_page_ends_the_action(browser: SignIn, history: History) -> None:
    responder = browser(Role.RESPONDER)
    status, where = responder.send(f"/actions/{history.quarantine}/refuse", reason="planned work")
    assert status == 303
    assert "planned work" in responder.page(where)


def test_an_incident_is_taken_commented_and_closed_on_its_page(
    browser: SignIn, history: History
) -> None:
    responder, path = browser(Role.RESPONDER), f"/incidents/{history.incident}"
    assert responder.send(f"{path}/acknowledge")[0] == 303
    assert responder.send(f"{path}/acknowledge")[0] == 409
    assert responder.send(f"{path}/comments", text="seen\r\nand noted")[0] == 303
    assert responder.send(f"{path}/comments", text="")[0] == 400
    assert responder.send(f"{path}/close")[0] == 400
    assert responder.send(f"{path}/close", resolution="expired")[0] == 400
    assert responder.send(f"{path}/close", resolution="true_positive", comment="cleaned")[0] == 303
    text = responder.page(path)
    assert "true positive" in text
    assert "seen\nand noted" in text
    assert "Close…" not in text


def test_only_words_of_ours_are_shown_after_a_form(browser: SignIn, history: History) -> None:
    text = browser(Role.VIEWER).page(f"/incidents/{history.incident}?done=You+are+hacked")
    assert "hacked" not in text


def test_a_plan_is_shown_with_its_checks(browser: SignIn, history: History) -> None:
    history.simulate()
    text = browser(Role.VIEWER).page(f"/incidents/{history.incident}")
    assert "table inet vedette_quarantine" in text
    assert "3 checks" in text
    assert "CAP_NET_ADMIN is missing" in text
    assert "Quarantine simulated" in text


def test_a_token_to_enrol_is_made_on_the_page_by_an_admin(
    browser: SignIn, history: History
) -> None:
    admin = browser(Role.ADMIN)
    status, text = admin.send("/hosts/enrol", role="web", uses="10", minutes="60")
    assert status == 200
    assert "vedette agent enroll vde1.default." in text
    enrolment = history.store.enrolments.list(TENANT).items[0]
    assert (enrolment.uses, enrolment.labels) == (10, {"role": "web"})
    for uses in ("0", "101", "x", "", "\uff11"):
        assert admin.send("/hosts/enrol", role="", uses=uses, minutes="60")[0] == 400


def test_a_fragment_has_only_the_changing_regions(
    browser: SignIn, client: TestClient[Litestar], history: History
) -> None:
    browser(Role.VIEWER)
    answer = client.get(f"/incidents/{history.incident}", headers={"vedette-fragment": "live"})
    assert "<header" not in answer.text
    assert 'id="action-list"' in answer.text
    assert "vedette-fragment" in answer.headers["vary"]


def test_an_empty_console_says_how_to_begin(
    tmp_path_factory: pytest.TempPathFactory, history: History
) -> None:
    path = tmp_path_factory.mktemp("empty") / "store.sqlite"
    store = Store(f"sqlite:///{path}", history.clock)
    store.migrate()
    empty = history.over(store)
    with TestClient(kept_app_of(console_of(empty)), base_url="https://vedette.test") as client:
        token = token_of(empty, Role.VIEWER)
        client.post("/signin", data={"token": token}, headers={"sec-fetch-site": "same-origin"})
        assert "enrol the first one" in client.get("/incidents").text
        hosts = client.get("/hosts").text
        assert "Ask an administrator for an enrolment token" in hosts
        assert "vedette agent enroll TOKEN" in hosts
    store.close()


def test_the_root_leads_to_the_incidents(browser: SignIn, client: TestClient[Litestar]) -> None:
    browser(Role.VIEWER)
    assert client.get("/", follow_redirects=False).headers["location"] == "/incidents"


def test_an_unknown_address_is_a_page_for_browsers_and_a_problem_for_programs(
    client: TestClient[Litestar],
) -> None:
    page = client.get("/nowhere", headers={"accept": "text/html"})
    assert (page.status_code, "There is no such page" in page.text) == (404, True)
    for path, accept in (("/nowhere", "application/json"), ("/v1/nowhere", "text/html")):
        answer = client.get(path, headers={"accept": accept})
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


def test_an_unexpected_error_is_a_page_that_tells_no_secrets(
    browser: SignIn, client: TestClient[Litestar], history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser(Role.VIEWER)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(history.store.audit, "find", broken)
    answer = client.get("/audit")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert "Nothing was changed" in answer.text


def test_static_files_are_cached_for_ever_under_names_that_change_with_them(
    client: TestClient[Litestar],
) -> None:
    text = client.get("/signin").text
    paths = re.findall(r'(?:href|src)="(/static/[^"]+)"', text)
    assert len(paths) == 3
    for path in paths:
        assert re.fullmatch(r"/static/\w+\.[0-9a-f]{16}\.(css|js|svg)", path)
        first = client.get(path)
        assert first.headers["cache-control"] == "public, max-age=31536000, immutable"
        again = client.get(path, headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert client.get("/static/vedette.css").status_code == 404
