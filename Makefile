# Every target makes what it needs by itself. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Many tests wait for something; with one worker more than there are cores, no core does.
JOBS ?= $(shell echo $$(( $$(nproc 2>/dev/null || echo 1) + 1 )))
SECONDS ?= 60
# Where the tests are that run apart from the others, so that no other is loaded for them.
ALONE := tests/e2e/test_approval.py tests/e2e/test_demo.py tests/e2e/test_real_response.py tests/e2e/test_real_self_quarantine.py
FAULTS := tests/faults tests/agent/test_spool.py tests/queue/test_killed.py
# A file's tests stay in one process, so that what they share is made once.
SPREAD := -n $(JOBS) --dist loadfile --no-loadscope-reorder
# Tests start hundreds of processes, each of which would compile all code anew.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
.PHONY: bench help setup demo up test test-nightly test-faults fuzz check format docs lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/.ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Vedette needs Python 3.11 or later; set PYTHON=..." >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
	$(BIN)/python -m pip check --disable-pip-version-check
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: $(VENV)/.ready ## .venv with every extra, from hashed requirements

demo: setup ## a real agent, a benign change, an abnormal one, an incident, mail, approval (ONCE=1 ends by itself)
	$(BIN)/vedette demo $(if $(ONCE),--once)

up: setup ## the server on this machine, with embedded defaults, in ./var
	$(BIN)/vedette up

test: setup ## every test but the fault rounds
	$(BIN)/python -m pytest $(SPREAD) -m "not faults and not alone" --cov --cov-report= $(ARGS)
	$(BIN)/python -m pytest $(ALONE) -m "alone and not faults" --cov --cov-append --cov-report= $(ARGS)
	$(BIN)/python -m coverage json -q -o coverage.json
	$(BIN)/python tools/coverage_gate.py coverage.json

test-nightly: setup ## the state machines of actions with ten times as many runs, every fault that they must find, and more histories for back-tests and made-up requests
	$(BIN)/python -m pytest tests/respond/test_host_life.py tests/respond/test_broken_host_life.py tests/app/test_backtest.py tests/e2e/test_schemathesis.py --hypothesis-profile=nightly $(ARGS)

test-faults: setup ## kill -9 rounds, full and failing disks, damage, and proof by strace
	$(BIN)/python -m pytest $(FAULTS) -n auto --dist worksteal -m faults $(ARGS)

$(VENV)/.fuzz: requirements-fuzz.txt $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-fuzz.txt
	@touch $@

fuzz: $(VENV)/.fuzz ## every parser under a coverage-guided fuzzer (SECONDS=60 for each target; x86-64 Linux only)
	$(BIN)/python tools/fuzz.py --seconds $(SECONDS) $(ARGS)

check: setup ## lint, types, import contracts, the house's plan
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/room_imports.py

format: setup ## put the code in shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## what a snapshot costs the server, beside the same work called bare
	$(BIN)/vedette bench ingest $(ARGS)

docs: setup ## write what is generated: the snapshot's schema, the reference pages, what of ATT&CK is seen
	$(BIN)/python tools/reference.py
	$(BIN)/python -m tests.detect.coverage.page

lock: ## refresh requirements.txt from pyproject.toml (hashes, no index address)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --all-extras --generate-hashes --universal --no-header --no-annotate -o requirements.txt
	$(BIN)/uv pip compile --group fuzz --generate-hashes --universal --no-header --no-annotate -o requirements-fuzz.txt

clean: ## remove what the targets made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache coverage.json .coverage* .fuzz
