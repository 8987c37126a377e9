"""From a behaviour on this machine to an approval in the browser: server, agent and Chromium are the real ones."""

import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, expect
from tests.fixtures.service import running_service

from vedette.app.demo.server import running
from vedette.app.demo.story import abnormal_behaviour

pytestmark = [pytest.mark.alone, pytest.mark.browser]
FAST = "[ingest]\ninterval = 0.5\n"


def test_a_responder_sees_the_reasons_approves_and_sees_the_simulated_plan_audited(
    tmp_path: Path, chromium: Browser
) -> None:
    state = str(tmp_path / "agent")
    with running_service(tmp_path, more=FAST) as service:
        enrol = [sys.executable, "-m", "vedette", "agent", "enroll", service.enrolment()]
        subprocess.run([*enrol, "--state-dir", state], check=True, timeout=60, capture_output=True)
        context = chromium.new_context(
            ignore_https_errors=True, viewport={"width": 1280, "height": 900}
        )
        context.set_default_timeout(30_000)
        page = context.new_page()
        complaints: list[str] = []

        def hear(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"}:
                complaints.append(message.text)

        page.on("console", hear)
        with running(tmp_path / "agent.log", "agent", "run", "--state-dir", state):
            service.wait_for_verdicts(36, 90)
            with abnormal_behaviour():
                page.goto(f"{service.url}/")
                page.get_by_label("API token").fill(service.token("responder"))
                page.get_by_role("button", name="Sign in").click()
                page.get_by_role("link", name="kernel thread").click()
                expect(page.get_by_text("T1036.004").first).to_be_visible()
                page.locator("summary", has_text="Approve…").click()
                page.get_by_label("Reason").first.fill("seen in the browser")
                page.get_by_role("button", name="Approve quarantine").click()
                ended = page.locator("article.action .badge", has_text="simulated")
                expect(ended).to_be_visible(timeout=30_000)
                page.locator("details.plan > summary").first.click()
                expect(page.get_by_text("table inet vedette_quarantine").first).to_be_visible()
        page.goto(f"{service.url}/audit")
        expect(page.get_by_text("seen in the browser").first).to_be_visible()
        expect(page.get_by_text("action.simulated").first).to_be_visible()
        context.close()
    assert not complaints
