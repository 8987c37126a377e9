"""What each process loads: without the libraries that only others need it starts in about half the time."""

import json
import subprocess
import sys

import pytest

CONSOLE = {"litestar", "uvicorn"}
DETECTOR = {"numpy", "onnxruntime"}
FIRST_USE = {"alembic", "apprise", "boto3", "httpx", "jinja2", "kubernetes"}


@pytest.mark.parametrize(
    ("module", "without"),
    [
        ("app.processes.child", {"sqlalchemy", *CONSOLE, *DETECTOR, *FIRST_USE}),
        ("app.prepare", CONSOLE | DETECTOR | FIRST_USE),
        ("app.processes.api", {"onnxruntime", *FIRST_USE} - {"jinja2"}),
        ("app.processes.detector", CONSOLE | FIRST_USE),
        ("app.processes.responder", CONSOLE | DETECTOR | FIRST_USE),
        ("app.cli.main", {"sqlalchemy", "vedette.agent", *CONSOLE, *DETECTOR, *FIRST_USE}),
    ],
)
def test_a_process_loads_nothing_that_only_others_need(module: str, without: set[str]) -> None:
    code = f"import json, sys, vedette.{module}; json.dump(sorted(sys.modules), sys.stdout)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert not set(json.loads(done.stdout)) & without
