"""Bad input gets a clear error, and nothing is stored or half stored: every case, over the real wire."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from tests.e2e.bad_input import CASES, Bench, Case
from tests.fixtures.service import running_service
from tests.fixtures.strange import Kept

from vedette.core import HostId, TenantId, Verdict

# The server's processes are counted, which the fixture starts.
pytestmark = pytest.mark.no_cover
BACKENDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
MORE = "[ingest]\ninterval = 3600.0\n"


class Running(NamedTuple):
    """The server, what it keeps, and hosts that misbehave."""

    bench: Bench
    kept: Kept

    def settle(self) -> None:
        """Returns when every snapshot has come to its end."""
        deadline = time.monotonic() + 240
        while self.kept.waiting():
            assert time.monotonic() < deadline, "the detector comes to no end"
            time.sleep(0.01)

    def peak_mib(self, name: str) -> int:
        """The most that a process of the server ever held."""
        status = Path(f"/proc/{self.bench.service.pid(name)}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) // 1024

    def verdicts(self, host: str) -> list[Verdict]:
        """Of one host, the highest seq first."""
        store = self.bench.service.store()
        try:
            tenants = (TenantId("default"), TenantId("other"))
            pages = [store.verdicts.find(tenant, host=HostId(host), limit=10) for tenant in tenants]
            found = [verdict for page in pages for verdict in page.items]
            return sorted(found, key=lambda verdict: verdict.seq, reverse=True)
        finally:
            store.close()


@pytest.fixture(params=BACKENDS)
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    with running_service(tmp_path, store_url=url, queue_url=url, more=MORE) as service:
        bench, kept = Bench(service), Kept(service)
        yield Running(bench, kept)
        kept.close()
        bench.close()


def test_each_has_its_answer_and_leaves_what_it_should(
    running: Running, subtests: pytest.Subtests
) -> None:
    for case in CASES:
        with subtests.test(case.what):
            _walk(running, case)
    # Measured: 150 MiB of the detector's are the 100,000 packages.
    assert running.peak_mib("api") < 512
    assert running.peak_mib("detector") < 768


def _walk(running: Running, case: Case) -> None:
    host = running.bench.host()
    case.also(host, running.bench)
    running.settle()
    before = running.kept.counts()
    answer = case.give(host, running.bench)
    running.settle()
    now = running.kept.counts()
    left = {name: count - before[name] for name, count in now.items() if count != before[name]}
    assert answer.status_code == case.status, answer.text
    if case.where == "door":
        _check_refusal(case, answer, left)
    elif case.where == "detector":
        _check_unreadable(case, left, running)
        _check_blind(case, running.verdicts(host.host))
    else:
        _check_taken(case, left, running.verdicts(host.host))


def _check_refusal(case: Case, answer: httpx.Response, left: dict[str, int]) -> None:
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"/problems/{case.kind}"
    assert problem["status"] == case.status
    assert case.says in problem["detail"]
    assert left == ({"audit": 1} if case.kind == "identity-conflict" else {})


def _check_unreadable(case: Case, left: dict[str, int], running: Running) -> None:
    assert left == {"verdicts": 1, "queue_accepted": 1, "queue_dead_letters": 1}
    assert running.kept.dead_letter().startswith(f"{case.kind}: ")


def _check_blind(case: Case, verdicts: list[Verdict]) -> None:
    (verdict,) = verdicts
    (reason,) = verdict.reasons
    assert (verdict.label.value, reason.subject) == ("unknown", "unreadable")
    assert case.says in reason.text
    assert len(reason.text) < 1200


def _check_taken(case: Case, left: dict[str, int], verdicts: list[Verdict]) -> None:
    assert (left["verdicts"], left["queue_accepted"], left["states"]) == (
        case.pushed,
        case.pushed,
        1,
    )
    assert case.facts <= left.get("facts", 0) < case.facts + 100
    assert not left.keys() & {"queue_dead_letters", "queue_messages", "incidents", "actions"}
    reasons = verdicts[0].reasons
    assert any(case.says in reason.text for reason in reasons)
    assert "unreadable" not in {reason.subject for reason in reasons}


def test_the_page_has_every_case_and_no_other() -> None:
    text = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    section = text.split("\n## Bad input\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (.+) \| (.*) \| (\d+) \| (.*) \| .+ \|$", section, re.MULTILINE)
    cells = [(what, where, int(status), kind.strip("`")) for what, where, status, kind in rows]
    assert cells == [
        (case.what, case.where or "-", case.status, case.kind or "-") for case in CASES
    ]
