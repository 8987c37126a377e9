"""How long the two ways to a quarantine take: `python -m tests.e2e.latency [ROUNDS]`, as root on a machine with nft.

Everything is real: `vedette up` over TLS, the agent and the kernel's rules in a network namespace. The verdicts are of a quiet host; what
policies and incidents add is one transaction's work within the verdict's own. Prints a table: the middle, the 99th percentile (with few rounds: the
worst) and how many were measured.
"""

import base64
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from tests.e2e.test_self_quarantine import OWN, Judged
from tests.fixtures.network import Network
from tests.fixtures.service import Service, running_service

from vedette.app.demo.port import free_port
from vedette.core import (
    ActionId,
    ActionState,
    CommandId,
    HostDescription,
    Snapshot,
    SystemClock,
    Verb,
)
from vedette.seal import VerifyKey, verify_ruling

CLI = (sys.executable, "-m", "vedette", "agent")
ENVELOPE = "application/vedette-envelope"
S = ActionState


def pushes(service: Service, rounds: int) -> Iterator[tuple[str, float]]:
    """Seconds to a plain 202, and to one that brings the signed verdict."""
    sender = service.sender()
    key = VerifyKey.from_text((service.settings.data / "keys/command.pub").read_text().strip())
    for seq in range(1, 2 * rounds + 1):
        envelope = sender.envelope(
            Snapshot(
                schema="vedette.snapshot/1",
                host=HostDescription(id=sender.host, hostname="host-1"),
                seq=seq,
                taken_at=SystemClock().now(),
                metrics={"system.cpu.utilization": 0.1},
            )
        )
        waits = seq % 2 == 0
        sender._client.headers["Prefer"] = "wait=10" if waits else ""
        began = time.monotonic()
        answer = sender.push(envelope)
        took = time.monotonic() - began
        verdict = answer.json()["verdict"]
        if not waits:
            yield "push to 202, plain", took
        elif verdict:
            assert verify_ruling(base64.b64decode(verdict), key).seq == seq
            yield "push to 202 with the signed verdict", took
        time.sleep(0.2)


def leave(rounds: int) -> Iterator[tuple[str, float]]:
    """Seconds from the answer that bears leave to rules in force and to the self test passed, by what the agent tells."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        settings = OWN + "actions_per_day = 100\n"
        judged = Judged(Path(folder), stack, f"actions_per_hour = 1000\n{settings}")
        given: dict[str, float] = {}
        with judged.agent():
            for number in range(rounds):
                name = f"c{number}"
                judged.give_leave(name, ActionId(f"a{number}"), given)
                verified = judged.told(name, S.VERIFIED).at.timestamp()
                applied = judged.told(name, S.APPLIED).at.timestamp()
                judged.box.verdict = lambda _: ""
                yield "signed verdict at the host to rules in force", applied - given[name]
                yield "signed verdict at the host to self test passed", verified - given[name]
                judged.give(f"r{number}", Verb.RELEASE, action=ActionId(f"a{number}"))
                judged.told(CommandId(f"r{number}"), S.RELEASED)


def by_command(service: Service, host: str, rounds: int) -> Iterator[tuple[str, float]]:
    """Seconds from an approval to what the host says, by responder, signed command and long poll."""
    with service.client("responder") as ann, service.client("responder") as ben:
        for _ in range(rounds):
            asked: dict[str, Any] = {
                "host": host,
                "kind": "quarantine",
                "parameters": {"lease": "60s"},
            }
            asked |= {"dry_run": False, "reason": "a drill"}
            action = ann.post("/v1/actions", json=asked).raise_for_status().json()["id"]
            at = f"/v1/actions/{action}"
            _until(ben, at, "awaiting_approval")
            ben.post(f"{at}/approve", json={"reason": "a drill"}).raise_for_status()
            _until(ben, at, "verified")
            moments = {
                one["state"]: datetime.fromisoformat(one["at"]).timestamp()
                for one in ben.get(f"{at}/events").json()["items"]
            }
            for state in ("dispatched", "acknowledged", "applied", "verified"):
                yield f"approved to {state}", moments[state] - moments["approved"]
            ben.post(f"{at}/release", json={"reason": "a drill"}).raise_for_status()
            _until(ben, at, "released")


def _until(client: httpx.Client, address: str, state: str) -> None:
    clock = SystemClock()
    deadline = clock.monotonic() + 60
    while (found := client.get(address).raise_for_status().json())["state"] != state:
        if clock.monotonic() > deadline:
            raise AssertionError(f"it is {found['state']} after a minute: {found['detail']}")
        clock.sleep(0.05)


@contextmanager
def _agent(folder: Path, network: Network, service: Service) -> Iterator[str]:
    environment = {name: v for name, v in os.environ.items() if not name.startswith("VEDETTE_")}
    config = folder / "agent.toml"
    config.write_text(
        f'state_dir = "{folder / "agent"}"\ncpu_percent = 100\nactions_per_hour = 1000\n'
    )
    words = [*CLI, "enroll", service.enrolment(), "--config", str(config)]
    subprocess.run(network.inside(*words), check=True, capture_output=True, env=environment)
    with (folder / "agent.log").open("ab") as log:
        process = subprocess.Popen(
            network.inside(*CLI, "run", "--config", str(config)),
            stdout=log,
            stderr=log,
            env=environment,
        )
    try:
        with service.client("viewer") as client:
            found: list[Any] = client.get("/v1/hosts").raise_for_status().json()["items"]
        yield next(one["id"] for one in found if one["hostname"] != "host-1")
    finally:
        process.terminate()
        process.wait(30)


def main(rounds: int) -> None:
    """Runs all of it and prints the table."""
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name, Network() as network:
        port = free_port()
        server = f'port = {port}\nhost = "0.0.0.0"\npublic_url = "https://{network.here}:{port}"\n'
        names = f'names = ["localhost", "127.0.0.1", "{network.here}"]'
        with running_service(Path(name), server=server + names) as service:
            for what, took in pushes(service, 5 * rounds):
                found.setdefault(what, []).append(took)
            with _agent(Path(name), network, service) as host:
                for what, took in by_command(service, host, rounds):
                    found.setdefault(what, []).append(took)
    for what, took in leave(rounds):
        found.setdefault(what, []).append(took)
    sys.stdout.write(
        f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors\n"
    )
    for what, times in found.items():
        times.sort()
        middle, worst = times[len(times) // 2], times[min(len(times) - 1, int(len(times) * 0.99))]
        sys.stdout.write(f"{what:<50} p50 {middle:6.3f} s  p99 {worst:6.3f} s  n {len(times)}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
