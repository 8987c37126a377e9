"""The base wheel alone, in a clean environment: what a watched host gets."""

import json
import re
import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import jsonschema
import pytest
from tests.fixtures.wheel import ROOT, Install

SERVER = {
    "aiosmtpd", "alembic", "cel_expr_python", "httptools", "jinja2", "litestar", "multipart",
    "numpy", "prometheus_client", "psycopg", "sqlalchemy", "uvicorn", "uvloop", "yaml",
}  # fmt: skip
# The walk over a big machine's programs would be long; that it is cut is named, which is tested too.
QUICK = {"VEDETTE_AGENT_SUID_SLOW_ENTRIES": "2000"}
COST = re.compile(
    r"^cost: (?P<cpu>[\d.]+) ms CPU, (?P<wall>[\d.]+) ms wall, (?P<rss>[\d.]+) MiB resident$",
    re.MULTILINE,
)


@pytest.mark.parametrize(
    "pattern",
    [
        "vedette/agent/vedette-agent-hold.service",
        "vedette/agent/vedette-agent.service",
        "vedette/console/static/*.css",
        "vedette/console/static/*.js",
        "vedette/console/templates/*.html",
        "vedette/decide/default.yaml",
        "vedette/detect/shipped/*.msgpack",
        "vedette/detect/shipped/manifest.json",
        "vedette/py.typed",
        "vedette/respond/actions/mail/templates/incident.html.j2",
        "vedette/respond/actions/mail/templates/incident.txt.j2",
        "vedette/store/migrations/env.py",
        "vedette/store/migrations/versions/*.py",
    ],
)
def test_the_wheel_holds_the_data_that_the_server_reads(installed: Install, pattern: str) -> None:
    with zipfile.ZipFile(installed.wheel) as wheel:
        assert [name for name in wheel.namelist() if Path(name).match(pattern)]


def test_the_wheel_holds_every_file_of_the_source_and_nothing_else(installed: Install) -> None:
    source = ROOT / "src"
    ours = {
        path.relative_to(source).as_posix()
        for path in (source / "vedette").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(installed.wheel) as wheel:
        theirs = {name for name in wheel.namelist() if not name.startswith("vedette-")}
        about = {name.partition("/")[2] for name in wheel.namelist()} - {""}
    # Others may be at work in the checkout; what the wheel has is what counts.
    assert theirs == ours
    assert {"METADATA", "entry_points.txt", "licenses/LICENSE"} <= about


def test_the_base_install_has_no_server_library(installed: Install, tmp_path: Path) -> None:
    present = {path.name.partition(".")[0] for path in installed.packages.iterdir()}
    assert not SERVER & present
    assert "vedette" in present
    found = "import vedette; print(vedette.__file__)"
    where = subprocess.run(
        [installed.python, "-I", "-c", found],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(where.stdout.strip()).is_relative_to(installed.packages)


def test_a_snapshot_is_printed_as_the_schema_says_and_with_its_cost(
    installed: Install, tmp_path: Path
) -> None:
    done = installed.run("agent", "snapshot", "--settle", "0.2", cwd=tmp_path, environ=QUICK)
    assert done.returncode == 0, done.stderr
    schema = json.loads(installed.run("schema", cwd=tmp_path).stdout)
    assert schema == json.loads((ROOT / "tests/golden/snapshot-1.schema.json").read_text())
    snapshot = json.loads(done.stdout)
    jsonschema.Draft202012Validator(schema).validate(snapshot)
    assert {"processes", "users", "hash", "mounts", "suid_bin"} <= set(snapshot["tables"])
    assert "system.cpu.utilization" in snapshot["metrics"]
    for name, why in snapshot["unread"].items():
        assert f"not read in full: {name}: {why}" in done.stderr
    cost = COST.search(done.stderr)
    assert cost
    # Not this process's own: of the children that have ended. The largest of them bounds ours.
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert 0 < float(cost["cpu"]) <= (spent.ru_utime + spent.ru_stime) * 1000
    assert 0 < float(cost["rss"]) <= spent.ru_maxrss / 1024


def test_a_snapshot_writes_nothing_and_needs_no_folder(installed: Install, tmp_path: Path) -> None:
    state = tmp_path / "state"
    done = installed.run(
        "agent", "snapshot", "--settle", "0", "--state-dir", str(state), cwd=tmp_path, environ=QUICK
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_status_speaks_of_a_host_that_is_not_enrolled(installed: Install, tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    done = installed.run("agent", "status", "--state-dir", state, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["enrolled"], found["running"], found["state_dir"]) == (False, False, state)
    plain = installed.run("agent", "status", "--state-dir", state, cwd=tmp_path)
    assert re.search(r"^enrolled +False$", plain.stdout, re.MULTILINE)


def test_running_before_enrolling_says_what_to_do(installed: Install, tmp_path: Path) -> None:
    done = installed.run("agent", "run", "--state-dir", str(tmp_path / "state"), cwd=tmp_path)
    assert done.returncode == 2
    assert "vedette agent enroll TOKEN" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_is_there_for_all_commands(installed: Install, tmp_path: Path) -> None:
    whole = installed.run("--help", cwd=tmp_path)
    assert whole.returncode == 0
    for name in ("agent", "hosts", "incidents", "replay", "schema", "up"):
        assert re.search(rf"^\s*{name}\b", whole.stdout, re.MULTILINE)
        assert installed.run(name, "--help", cwd=tmp_path).returncode == 0
    version = installed.run("--version", cwd=tmp_path).stdout.split()
    assert version[0] == "vedette"
    assert f"vedette-{version[1]}-" in installed.wheel.name


@pytest.mark.parametrize("command", [("up",), ("tokens", "list"), ("demo", "--once")])
def test_the_servers_commands_say_what_to_install(
    installed: Install, tmp_path: Path, command: tuple[str, ...]
) -> None:
    done = installed.run(*command, cwd=tmp_path)
    assert done.returncode == 3
    assert re.search(r"needs \w+, which is not installed: install vedette\[server\]", done.stderr)
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_agents_commands_leave_server_libraries_alone_where_they_are_installed(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [
            sys.executable, "-X", "importtime", "-m", "vedette", "agent", "status",
            "--state-dir", str(tmp_path / "state"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )  # fmt: skip
    imported = {
        line.rpartition("|")[2].strip().partition(".")[0]
        for line in done.stderr.splitlines()
        if line.startswith("import time:")
    }
    assert "psutil" in imported
    assert not SERVER & imported
