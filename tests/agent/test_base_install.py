"""The agent runs on the base install: no server library comes in with it."""

import json
import subprocess
import sys
from importlib.resources import files

SERVER = {
    "alembic", "jinja2", "litestar", "numpy", "prometheus_client", "psycopg", "pydantic",
    "sqlalchemy", "starlette", "uvicorn", "yaml",
}  # fmt: skip


def test_importing_the_agent_brings_in_no_server_library() -> None:
    code = "import json, sys, vedette.agent; json.dump(sorted(sys.modules), sys.stdout)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    modules = {name.split(".")[0] for name in json.loads(done.stdout)}
    assert not modules & SERVER
    rooms = {name.split(".")[1] for name in json.loads(done.stdout) if name.startswith("vedette.")}
    assert rooms == {"agent", "core", "seal"}


def test_the_systemd_unit_is_in_the_package_and_hardened() -> None:
    unit = (files("vedette.agent") / "vedette-agent.service").read_text()
    for line in (
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_SYS_PTRACE CAP_NET_ADMIN",
        "StateDirectory=vedette-agent",
    ):
        assert line in unit.splitlines()
    # What is held is put back with the same rights, after other firewalls have loaded and before there is a network.
    hold = (files("vedette.agent") / "vedette-agent-hold.service").read_text().splitlines()
    assert {"Before=network-pre.target shutdown.target", "NoNewPrivileges=yes"} <= set(hold)
    assert any(line.startswith("After=") and "nftables.service" in line for line in hold)
    for line in unit.splitlines():
        if line.startswith(("CapabilityBoundingSet=", "SystemCallFilter=", "RestrictAddress")):
            assert line in hold
    # It would see a /tmp of its own, and no host's.
    assert "PrivateTmp=yes" not in unit
