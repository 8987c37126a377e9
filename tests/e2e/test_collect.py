"""Evidence from a real host to a real server and to the people who open it: through an agent that is killed on the way too."""

import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.agent.processes_host import child, named
from tests.fixtures.service import Service, running_service

from vedette.core import digest

FAST = "[ingest]\ninterval = 1.0\n"


class Field:
    """A server, an enrolled host with a folder of its own that may be collected, and two people."""

    def __init__(self, folder: Path, service: Service) -> None:
        self.folder, self.service = folder, service
        self.kept = folder / "kept"
        self.kept.mkdir()
        self.state = folder / "agent"
        self.config = folder / "agent.toml"
        self.config.write_text(
            f'state_dir = "{self.state}"\nactions = ["collect"]\ncommand_wait = 5\n'
            f'[evidence]\npaths = ["{self.kept}"]\n'
        )
        self.vedette("agent", "enroll", service.enrolment(), "--config", str(self.config))
        self.ann, self.ben = service.client("responder"), service.client("responder")

    def vedette(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "vedette", *words],
            timeout=120,
            capture_output=True,
            text=True,
            env={**os.environ, **environment},
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done

    @contextmanager
    def agent(self) -> Iterator["subprocess.Popen[bytes]"]:
        words = [sys.executable, "-m", "vedette", "agent", "run", "--config", str(self.config)]
        with (self.folder / "agent.log").open("ab") as log:
            running = subprocess.Popen(words, stdout=log, stderr=log)
        try:
            yield running
        finally:
            running.terminate()
            running.wait(30)

    def propose(self, **parameters: Any) -> str:
        host = until(lambda: [one for one in self.hosts() if "collect" in one["can_act"]])[0]
        body = {"kind": "collect", "host": host["id"], "parameters": parameters, "reason": "a look"}
        action = self.ann.post("/v1/actions", json=body).raise_for_status().json()["id"]
        until(lambda: self.action(action)["state"] == "awaiting_approval")
        answer = self.ben.post(f"/v1/actions/{action}/approve", json={"reason": "yes"})
        answer.raise_for_status()
        return str(action)

    def hosts(self) -> list[dict[str, Any]]:
        return list(self.ann.get("/v1/hosts").raise_for_status().json()["items"])

    def action(self, action: str) -> dict[str, Any]:
        return dict(self.ann.get(f"/v1/actions/{action}").raise_for_status().json())

    def ended(self, action: str, state: str) -> dict[str, Any]:
        ends = {"verified", "failed", "refused", "expired", "simulated"}
        found = until(lambda: (one := self.action(action))["state"] in ends and one, 90)
        assert found["state"] == state, found["detail"]
        return dict(found)

    def close(self) -> None:
        self.ann.close()
        self.ben.close()


def until(holds: Callable[[], Any], seconds: float = 60) -> Any:
    """What is found in the end."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)
    return found


@pytest.fixture
def field(tmp_path: Path) -> Iterator[Field]:
    with running_service(tmp_path, more=FAST) as service:
        made = Field(tmp_path, service)
        yield made
        made.close()


def test_evidence_is_collected_by_hand_kept_sealed_and_opened_where_the_key_is(
    field: Field, tmp_path: Path
) -> None:
    note = field.kept / "note.txt"
    note.write_text("left by an intruder\n")
    (field.kept / "link").symlink_to("/etc/passwd")
    with child("sleep", "600") as victim, field.agent():
        action = field.propose(
            pids=[victim.pid],
            files=[str(note), str(field.kept / "link"), "/etc/shadow"],
            tables=["process_open_sockets"],
        )
        field.ended(action, "verified")
        path = named(victim.pid)["path"]
    shown = field.ann.get(f"/v1/evidence/{action}").raise_for_status().json()
    bundle = field.ann.get(f"/v1/evidence/{action}/bundle")
    assert bundle.headers["content-type"] == "application/vedette-evidence"
    assert digest(bundle.content) == shown["digest"]
    assert b"left by an intruder" not in bundle.content
    for sqlite in field.service.settings.data.glob("*.sqlite*"):
        assert b"left by an intruder" not in sqlite.read_bytes()
    assert shown["requested_by"].startswith("user:responder")
    assert shown["requested_by"] != shown["approved_by"]
    viewer = field.service.client("viewer")
    assert viewer.get(f"/v1/evidence/{action}/bundle").status_code == 403
    viewer.close()

    to, tar = tmp_path / "fetched.sealed", tmp_path / "opened.tar"
    field.vedette("evidence", "fetch", action, "--to", str(to), **_environment(field, "responder"))
    said = field.vedette(
        "evidence",
        "open",
        str(to),
        "--to",
        str(tar),
        "--config",
        str(field.service.config),
        "--json",
    )
    manifest = json.loads(said.stdout)["manifest"]
    assert manifest["action"] == action
    with tarfile.open(tar) as archive:
        names = archive.getnames()
        file = archive.extractfile(f"files/{str(note).lstrip('/')}")
        assert file is not None
        assert file.read() == b"left by an intruder\n"
        about = archive.extractfile(f"processes/{victim.pid}/about.json")
        assert about is not None
        assert json.loads(about.read())["path"] == path
    assert "tables/process_open_sockets.jsonl" in names
    omitted = {one["what"]: one["why"] for one in manifest["omitted"]}
    assert "symbolic link" in omitted[str(field.kept / "link")]
    assert "evidence.paths" in omitted["/etc/shadow"]
    audited = _audited(field, action)
    assert audited.count("evidence.received") == 1
    assert audited.count("evidence.fetched") == 2


def test_an_agent_that_is_killed_before_it_delivered_delivers_that_very_bundle(
    field: Field,
) -> None:
    (field.kept / "note.txt").write_text("first\n")
    with field.agent() as agent:
        action = field.propose(files=[str(field.kept / "note.txt")])
        (sealed,) = until(lambda: list((field.state / "evidence").glob("[!.]*.sealed")))
        agent.send_signal(signal.SIGKILL)
        agent.wait()
    content = sealed.read_bytes()
    assert field.ann.get(f"/v1/evidence/{action}").status_code == 404
    assert field.action(action)["state"] not in {"verified", "failed"}
    (field.kept / "note.txt").write_text("second\n")
    with field.agent():
        field.ended(action, "verified")
    bundle = field.ann.get(f"/v1/evidence/{action}/bundle").content
    assert bundle == content
    assert not list((field.state / "evidence").iterdir())


def test_a_dry_run_tells_what_would_be_and_a_host_that_was_not_told_may_not_deliver(
    field: Field,
) -> None:
    (field.kept / "note.txt").write_text("x" * 100)
    with field.agent():
        host = until(lambda: [one for one in field.hosts() if "collect" in one["can_act"]])[0]
        body = {
            "kind": "collect",
            "host": host["id"],
            "parameters": {"files": [str(field.kept / "note.txt")]},
            "reason": "a look",
            "dry_run": True,
        }
        action = field.ann.post("/v1/actions", json=body).raise_for_status().json()["id"]
        until(lambda: field.action(action)["state"] == "awaiting_approval")
        field.ben.post(f"/v1/actions/{action}/approve", json={"reason": "yes"}).raise_for_status()
        found = field.ended(action, "simulated")
    assert f"file {field.kept / 'note.txt'}: 100 bytes" in found["plan"]["plan"]
    assert field.ann.get("/v1/evidence").json()["items"] == []


def _environment(field: Field, role: str) -> dict[str, str]:
    return {
        "VEDETTE_URL": field.service.url,
        "VEDETTE_CA": str(field.service.ca_file),
        "VEDETTE_TOKEN": field.service.token(role),
    }


def _audited(field: Field, subject: str) -> list[str]:
    admin = field.service.client("admin")
    try:
        found = admin.get("/v1/audit", params={"subject": subject}).raise_for_status().json()
    finally:
        admin.close()
    return [one["action"] for one in found["items"]]
