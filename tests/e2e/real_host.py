"""A real agent in a network namespace of its own, and what of its host is looked at."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.fixtures.network import Network
from tests.fixtures.service import Service

__all__ = ["real_agent", "rules", "wait_for"]

CLI = (sys.executable, "-m", "vedette", "agent")


def wait_for(found: Callable[[], dict[str, Any] | None], seconds: float) -> dict[str, Any]:
    """What it gives at last."""
    deadline = time.monotonic() + seconds
    while (it := found()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.3)
    return it


def rules(network: Network) -> str:
    """All of the host's."""
    words = network.inside("nft", "--stateless", "list", "ruleset")
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


@contextmanager
def real_agent(
    folder: Path, network: Network, service: Service, settings: str = ""
) -> Iterator[None]:
    """Enrolled and at work, once the detector knows its host; `settings` are lines of its file."""
    environment = {name: v for name, v in os.environ.items() if not name.startswith("VEDETTE_")}
    state = folder / "agent"
    config = folder / "agent.toml"
    config.write_text(f'state_dir = "{state}"\ncpu_percent = 100\n{settings}')
    words = network.inside(*CLI, "enroll", service.enrolment(), "--state-dir", str(state))
    subprocess.run(words, check=True, timeout=60, capture_output=True, env=environment)
    with (folder / "agent.log").open("ab") as log:
        process = subprocess.Popen(
            network.inside(*CLI, "run", "--config", str(config)),
            stdout=log,
            stderr=log,
            env=environment,
        )
    try:
        service.wait_for_verdicts(36, 120)
        yield
    finally:
        process.terminate()
        process.wait(30)
