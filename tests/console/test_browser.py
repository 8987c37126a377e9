"""The pages in a real Chromium, over TLS on loopback."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect
from tests.fixtures.console import console_of, kept_app_of, served, token_of
from tests.fixtures.dead_letters import queue_of
from tests.fixtures.history import NOW, TENANT, History
from tests.fixtures.showcase import showcase

from vedette.app.policy_book import PolicyBook
from vedette.app.settings import RespondSettings, Settings
from vedette.core import ActionState
from vedette.queue import MemoryQueue, Selection
from vedette.store import Role

pytestmark = pytest.mark.browser
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
POLICIES = """# ours
version: 1
policies:
  - name: cut-off
    then: [{action: quarantine, with: {lease: 30m}}]
    mode: auto
"""
# What is pressed, not what is read over: lists lead on by their whole row, and links within text are as high as it.
_TINY = """() => [...document.querySelectorAll(
    ".button, input:not([type=hidden], [type=checkbox], [type=radio]), select, textarea, .nav a, .tabs a, summary, .crumb a, label.tick, label.choice"
  )].filter((one) => { const box = one.getBoundingClientRect(); return box.height > 0 && box.height < 40; })
  .map((one) => `${one.tagName} ${one.className} ${one.innerText}`)"""
_IN_SIGHT = """(one) => {
  const box = one.getBoundingClientRect();
  return box.left >= 0 && box.right <= window.innerWidth;
}"""
ON_BOTH = pytest.mark.parametrize("visit", ["desktop-light", "phone-dark"], indirect=True)


@dataclass
class Visit:
    """One page of a browser, and what its console complained of."""

    page: Page
    url: str
    history: History
    queue: MemoryQueue
    complaints: list[str] = field(default_factory=list)

    def hear(self, message: ConsoleMessage) -> None:
        """Keeps errors and warnings, such as what the content security policy blocked."""
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.text} ({message.location['url']})")

    def sign_in(self, role: Role) -> None:
        """By pasting a token, as people do."""
        self.page.goto(f"{self.url}/")
        self.page.get_by_label("API token").fill(token_of(self.history, role, name="anna"))
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url("**/incidents")


@pytest.fixture
def visit(
    request: pytest.FixtureRequest, chromium: Browser, history: History, tmp_path: Path
) -> Iterator[Visit]:
    """A fresh browser context at a server over a filled store; in the end, nothing was complained of."""
    size, scheme = str(getattr(request, "param", "desktop-light")).split("-")
    width, height = SIZES[size]
    # The history here is hours long.
    settings = Settings(respond=RespondSettings(backtest_verdicts=1))
    policies = PolicyBook(settings, history.store, history.clock)
    queue = queue_of(history)
    console = console_of(history, queue, policies=policies, refresh_seconds=0.3)
    with served(kept_app_of(console), tmp_path) as url:
        context = chromium.new_context(
            ignore_https_errors=True,
            viewport={"width": width, "height": height},
            color_scheme="light" if scheme == "light" else "dark",
            timezone_id="Asia/Kolkata",
        )
        context.set_default_timeout(20_000)
        visit = Visit(page=context.new_page(), url=url, history=history, queue=queue)
        visit.page.on("console", visit.hear)
        visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        yield visit
        context.close()
    assert visit.complaints == []


@ON_BOTH
def test_one_signs_in_sees_the_incident_and_approves(visit: Visit) -> None:
    page, history = visit.page, visit.history
    visit.sign_in(Role.RESPONDER)
    page.get_by_role("link", name="Unknown scheduled job and program on web-2").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Unknown scheduled job and program on web-2"
    )
    expect(
        page.get_by_text("runs /dev/shm/.x/kdevtmpfs every minute as root").first
    ).to_be_visible()
    page.get_by_text("Approve…").click()
    page.get_by_label("Reason").locator("visible=true").fill("seen on no other host")
    page.get_by_role("button", name="Approve quarantine").click()
    expect(page.get_by_role("status")).to_contain_text("Approved")
    action = history.store.actions.get(TENANT, history.quarantine)
    assert (action.state, action.decided_by) == (ActionState.APPROVED, "user:anna")
    entry = history.store.audit.find(TENANT, subject=history.quarantine).items[0]
    assert (entry.action, entry.reason) == ("action.approved", "seen on no other host")


@ON_BOTH
def test_one_decides_in_the_inbox_and_reads_the_time_on_ones_own_clock(visit: Visit) -> None:
    page, history = visit.page, visit.history
    visit.sign_in(Role.RESPONDER)
    page.get_by_role("link", name="Approvals").click()
    expires = page.locator("time[data-local]").first
    expect(expires).to_have_attribute("title", "2026-11-22 20:46:00 UTC")
    expect(expires).to_contain_text("GMT+5:30")
    page.get_by_text("Refuse…").click()
    page.get_by_label("Reason").locator("visible=true").fill("planned work")
    page.get_by_role("button", name="Refuse quarantine").click()
    expect(page.get_by_role("status")).to_contain_text("Refused")
    expect(page.get_by_role("heading", name="Nothing waits for you")).to_be_visible()
    expect(page.locator("#waiting")).to_be_empty()
    state = history.store.actions.get(TENANT, history.quarantine).state
    assert state is ActionState.REFUSED


@ON_BOTH
def test_one_says_that_an_incident_is_normal_here(visit: Visit) -> None:
    page, history = visit.page, visit.history
    visit.sign_in(Role.ADMIN)
    page.goto(f"{visit.url}/incidents/{history.incident}")
    page.get_by_text("Close…").click()
    page.get_by_label("What was it?").select_option("benign_change")
    page.get_by_label("Where is that so?").select_option("cohort")
    page.get_by_label("Comment").locator("visible=true").first.fill("our own roll-out")
    page.get_by_role("button", name="Close the incident").click()
    expect(page.get_by_role("status")).to_contain_text("The detector hears of it")
    host = history.store.incidents.get(TENANT, history.incident).host
    assert host is not None
    (said,) = history.store.sayings.of(TENANT, [host], since=NOW)
    assert (said.normal, said.cohort, said.reason) == (True, True, "our own roll-out")
    assert (said.author, said.incident) == ("user:anna", history.incident)


def test_an_open_page_follows_what_happens_but_not_under_ones_hands(visit: Visit) -> None:
    page, history = visit.page, visit.history
    visit.sign_in(Role.RESPONDER)
    page.goto(f"{visit.url}/incidents/{history.incident}")
    expect(page.locator(".live").first).to_have_text("Live")
    page.get_by_placeholder("What you found").fill("half a sen")
    history.simulate()
    card = page.locator(f"#action-{history.quarantine}")
    expect(card.locator(".badge").first).to_have_text("simulated")
    card.get_by_text("The exact plan and 3 checks").click()
    history.store.incidents.comment(TENANT, history.incident, "user:ben", "It is the backup.")
    expect(page.locator("#events")).to_contain_text("It is the backup.")
    expect(card.get_by_text("table inet vedette_quarantine")).to_be_visible()
    assert page.get_by_placeholder("What you found").input_value() == "half a sen"


@ON_BOTH
def test_no_page_scrolls_sideways_or_has_what_it_may_not(visit: Visit, tmp_path: Path) -> None:
    page, history = visit.page, visit.history
    page.goto(f"{visit.url}/signin")
    _fits(page)
    visit.sign_in(Role.ADMIN)
    history.simulate()
    paths = showcase(history) | {"none": "/incidents?host=nothing"}
    phone = page.viewport_size == {"width": 390, "height": 844}
    for name, path in paths.items():
        page.goto(visit.url + path)
        for summary in page.locator("details > summary").all():
            summary.click()
        _fits(page)
        if phone:
            assert page.evaluate(_TINY) == [], path
            here = page.locator(".nav [aria-current]")
            assert not here.count() or here.evaluate(_IN_SIGHT), path
        page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
    # What is not there is said by the browser, too.
    visit.complaints[:] = [one for one in visit.complaints if "404" not in one]


@ON_BOTH
def test_what_one_may_not_do_is_said_with_a_way_back(visit: Visit) -> None:
    page = visit.page
    visit.sign_in(Role.VIEWER)
    page.goto(f"{visit.url}/actions/propose?host={visit.history.hosts['web-2']}")
    expect(page.get_by_role("heading", name="Not allowed")).to_be_visible()
    _fits(page)
    page.get_by_role("link", name="Back to the actions").click()
    page.wait_for_url("**/actions")
    visit.complaints[:] = [one for one in visit.complaints if "403" not in one]


@ON_BOTH
def test_one_proposes_what_the_host_can_do_and_is_told_what_is_wrong_with_it(visit: Visit) -> None:
    page, history = visit.page, visit.history
    visit.sign_in(Role.RESPONDER)
    page.goto(f"{visit.url}/incidents/{history.incident}")
    page.get_by_role("link", name="Propose an action…").click()
    page.get_by_label("Quarantine").check()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_label("For how long")).to_have_value("30m")
    page.get_by_label("For how long").fill("2d")
    page.get_by_label("Reason").fill("seen on no other host")
    page.get_by_role("button", name="Propose quarantine").click()
    expect(page.get_by_label("For how long")).to_have_accessible_description(
        re.compile("Lease must be from 1 to 1440 minutes")
    )
    expect(page.get_by_label("Reason")).to_have_value("seen on no other host")
    _fits(page)
    page.get_by_label("For how long").fill("45m")
    page.get_by_role("button", name="Propose quarantine").click()
    expect(page.get_by_role("status")).to_contain_text("Somebody else must approve it")
    made = history.store.actions.find(TENANT, incident=history.incident).items[0]
    assert (made.lease_seconds, made.proposed_by) == (2_700.0, "user:anna")
    visit.complaints[:] = [one for one in visit.complaints if "400" not in one]


@ON_BOTH
def test_a_text_of_policies_is_checked_and_tried_from_the_page(visit: Visit) -> None:
    page = visit.page
    visit.sign_in(Role.ADMIN)
    page.goto(f"{visit.url}/policies")
    page.get_by_text("Change…").click()
    page.get_by_label("Policies (YAML").fill(POLICIES)
    page.get_by_role("button", name="Back-test").click()
    expect(page.get_by_role("heading", name="Your text")).to_be_visible()
    expect(page.get_by_text("+# ours")).to_be_visible()
    _fits(page)
    page.get_by_role("button", name="Put in force").click()
    assert page.evaluate("document.activeElement.name") == "reason", "it is asked for first"
    page.get_by_label("Reason").fill("ours")
    page.get_by_role("button", name="Put in force").click()
    expect(page.get_by_role("status")).to_contain_text("In force.")


def test_the_keyboard_is_enough_to_sign_in_and_reach_an_incident(visit: Visit) -> None:
    page = visit.page
    page.goto(f"{visit.url}/signin")
    page.keyboard.type(token_of(visit.history, Role.VIEWER, name="anna"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/incidents")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('lead')"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/incidents/{visit.history.incident}")
    assert visit.history.clock.now() == NOW


def test_pages_work_without_scripts(chromium: Browser, history: History, tmp_path: Path) -> None:
    with served(kept_app_of(console_of(history)), tmp_path) as url:
        context = chromium.new_context(ignore_https_errors=True, java_script_enabled=False)
        page = context.new_page()
        page.goto(url)
        page.get_by_label("API token").fill(token_of(history, Role.RESPONDER, name="anna"))
        page.get_by_role("button", name="Sign in").click()
        page.goto(f"{url}/incidents/{history.incident}")
        page.get_by_text("Refuse…").click()
        page.get_by_label("Reason").locator("visible=true").fill("planned work")
        page.get_by_role("button", name="Refuse quarantine").click()
        expect(page.get_by_role("status")).to_contain_text("Refused")
        context.close()


def _fits(page: Page) -> None:
    width, room = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width <= room, page.url


@ON_BOTH
def test_an_administrator_replays_one_dead_letter_and_purges_the_rest(visit: Visit) -> None:
    page = visit.page
    visit.sign_in(Role.ADMIN)
    page.get_by_role("link", name="Dead letters").click()
    page.get_by_role("link", name="bad-envelope: not a version 1 envelope").click()
    expect(page.get_by_text("the header is damaged").first).to_be_visible()
    page.get_by_role("button", name="Replay").click()
    expect(page.get_by_role("status")).to_contain_text("Back on its way")
    page.get_by_text("Purge…").click()
    page.get_by_label("I mean all of them").check()
    page.get_by_label("Reason (kept in the audit)").fill("a test agent's")
    page.get_by_role("button", name="Purge all").click()
    expect(page.get_by_role("heading", name="No dead letters")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_page_does_not_look_anew_while_its_form_is_on_its_way(visit: Visit) -> None:
    page = visit.page
    asked: list[str] = []

    def slow(route: Route) -> None:
        asked.clear()
        page.wait_for_timeout(1_500)
        route.continue_()

    visit.sign_in(Role.ADMIN)
    page.goto(f"{visit.url}/dead-letters")
    page.get_by_role("link", name="bad-envelope: not a version 1 envelope").click()
    page.on("request", lambda request: asked.append(f"{request.method} {request.resource_type}"))
    page.wait_for_timeout(1_000)
    assert "GET fetch" in asked
    page.route("**/replay", slow)
    page.get_by_role("button", name="Replay").click()
    expect(page.get_by_role("status")).to_contain_text("Back on its way")
    assert "GET fetch" not in asked[: asked.index("GET document")]


def test_a_page_about_what_is_gone_meanwhile_says_so(visit: Visit) -> None:
    page = visit.page
    visit.sign_in(Role.ADMIN)
    page.goto(f"{visit.url}/dead-letters")
    page.get_by_role("link", name="bad-envelope: not a version 1 envelope").click()
    expect(page.get_by_role("button", name="Replay")).to_be_visible()
    assert len(visit.queue.purge(Selection(tenant=TENANT), limit=9)) == 3
    expect(page.get_by_text("it may have been replayed")).to_be_visible()
    assert {text.split(" (")[0] for text in visit.complaints} == {
        "Failed to load resource: the server responded with a status of 404"
    }
    visit.complaints.clear()
