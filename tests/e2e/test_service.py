"""The service as a whole, over the real wire."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.fixtures.quiet_host import process, quiet_snapshots, quiet_tables
from tests.fixtures.service import Service, running_service

from vedette.app.replay import Replay
from vedette.core import Snapshot
from vedette.seal import KeyRing, SigningKey


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("service")) as running:
        yield running


def _session() -> list[Snapshot]:
    """A whole session: quiet, then a deleted program in a hidden folder, then quiet again."""
    import msgspec

    evil = process(4711, 1, "kworker", "/dev/shm/.x/kworker", "[kworker/0:1]", on_disk=0)
    snapshots = list(quiet_snapshots(80))
    for index in range(50, 55):
        tables = quiet_tables()
        tables["processes"].append(evil)
        snapshots[index] = msgspec.structs.replace(snapshots[index], tables=tables)
    return snapshots


def test_a_whole_session_online_gives_what_replay_gives(service: Service) -> None:
    snapshots = _session()
    sender = service.sender("quiet-6a4a")
    for snapshot in snapshots:
        assert sender.push(sender.envelope(snapshot)).status_code == 202
    online = [v for v in service.wait_for_verdicts(80) if v["host"] == sender.host]
    assert len(online) == 80
    for verdict, (judged, _host) in zip(online, Replay().run(snapshots), strict=True):
        replayed = judged.verdict
        assert (verdict["seq"], verdict["label"]) == (replayed.seq, replayed.label.value)
        assert verdict["score"] == pytest.approx(replayed.score, abs=1e-9)
        assert [r["subject"] for r in verdict["reasons"]] == [r.subject for r in replayed.reasons]
    with service.client("viewer") as client:
        incidents = client.get("/v1/incidents", params={"host": sender.host}).json()["items"]
        assert len(incidents) == 1
        assert incidents[0]["verdicts"] == 5


def test_the_same_snapshot_again_is_acknowledged_and_other_content_is_a_conflict(
    service: Service,
) -> None:
    sender = service.sender("twice")
    first, second = quiet_snapshots(2)
    envelope = sender.envelope(first)
    assert sender.push(envelope).json()["duplicate"] is False
    assert sender.push(envelope).json()["duplicate"] is True
    import msgspec

    other = sender.push(sender.envelope(msgspec.structs.replace(second, seq=1)))
    assert other.status_code == 409
    assert other.headers["content-type"] == "application/problem+json"
    with service.client("viewer") as client:
        entries = client.get("/v1/audit", params={"action": "snapshot.conflict"}).json()["items"]
    assert any(sender.host in json.dumps(entry) for entry in entries)


def test_neither_memory_nor_settings_of_the_api_hold_a_private_key(service: Service) -> None:
    data = service.settings.data
    ring = KeyRing.load(data / "keys" / "opening.ring")
    raw = ring.current.private_bytes()
    command_pem = (data / "keys" / "command.key").read_bytes()
    assert isinstance(SigningKey.load(data / "keys" / "command.key"), SigningKey)
    command_text = b"".join(command_pem.splitlines()[1:-1])
    import base64

    secrets = {
        "ML-KEM seed": raw[:64],
        "X25519 key": raw[64:],
        "opening ring's text": base64.b64encode(raw)[:64],
        "command key": base64.b64decode(command_text)[-32:],
        "command key's text": command_text[-40:],
    }
    api, detector = service.pid("api"), service.pid("detector")
    assert api is not None
    assert detector is not None
    assert _found(api, secrets) == set()
    # The test can see: the detector's memory holds what the API's must not.
    assert {"X25519 key", "ML-KEM seed"} & _found(detector, secrets)


def _found(pid: int, secrets: dict[str, bytes]) -> set[str]:
    """Which of the secrets stand in the readable memory or the environment of a process."""
    found = set()
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:  # noqa: PTH123 - no buffer must be read past a mapping
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            match = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
            if match is None or "[v" in line:
                continue
            start, end = (int(part, 16) for part in match.groups())
            memory.seek(start)
            try:
                content = memory.read(end - start)
            except OSError:
                continue
            found |= {name for name, secret in secrets.items() if secret in content}
    environment = Path(f"/proc/{pid}/environ").read_bytes()
    return found | {name for name, secret in secrets.items() if secret in environment}


def test_health_metrics_and_openapi_are_served(service: Service) -> None:
    with service.client() as client:
        assert client.get("/health/live").json() == {"status": "ok"}
        assert client.get("/health/ready").json() == {
            "status": "ok",
            "parts": {"queue": "ok", "store": "ok"},
        }
        for path in ("/health/live", "/health/ready", "/nowhere"):
            assert client.get(path).headers["cache-control"] == "no-store"
        assert client.delete("/v1/snapshots").headers["cache-control"] == "no-store"
        schema = client.get("/openapi/openapi.json").json()
    assert schema["openapi"].startswith("3.1")
    assert {"/v1/snapshots", "/v1/enroll", "/v1/incidents", "/v1/audit"} <= set(schema["paths"])
    port = service.settings.server.metrics_port
    sender = service.sender("measured-1")
    assert sender.push(sender.envelope(next(iter(quiet_snapshots(1))))).status_code == 202
    service.wait_for_verdicts(1)
    metrics = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    assert "vedette_queue_depth" in metrics
    assert "vedette_verdicts_total" in metrics


def test_a_second_server_on_the_same_folder_is_refused(service: Service) -> None:
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "vedette", "up", "--config", str(service.config)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "another server uses" in done.stderr


def test_plain_http_and_old_tls_are_not_spoken(service: Service) -> None:
    import ssl

    context = ssl.create_default_context(cafile=str(service.ca_file))
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with httpx.Client(verify=context) as client, pytest.raises(httpx.ConnectError):
        client.get(f"{service.url}/health/live")
    with pytest.raises(httpx.TransportError):
        httpx.get(service.url.replace("https", "http") + "/health/live")
