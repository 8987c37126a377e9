"""What the responder's process is put together from."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vedette.app.keys import KeyFiles
from vedette.app.processes import responder as process
from vedette.app.settings import RespondSettings, Settings
from vedette.app.wiring import load_policies, open_store
from vedette.core import Host, HostId, Inhibition, SystemClock, TenantId
from vedette.respond import Responder, Witness

PROTECTING = """version: 1
policies:
  - name: cut
    then: [{action: quarantine, with: {lease: 30m}}]
    mode: approve
    within: {protected: {role: [db]}}
"""


def test_whom_the_rules_in_force_protect_gets_no_leave_to_quarantine_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "policies.yaml").write_text(PROTECTING)
    settings = Settings(
        data_dir=str(tmp_path / "var"),
        respond=RespondSettings(policies=str(tmp_path / "policies.yaml")),
    )
    stop = threading.Event()
    KeyFiles(settings).make_missing()
    clock = SystemClock()
    store = open_store(settings, clock)
    store.migrate()
    store.close()
    said: list[str] = []

    class Looked(Witness):
        """Asks once of whom it is told, and ends."""

        def __init__(self, *parts: Any, protects: Callable[[Host, str], str], **more: Any) -> None:
            super().__init__(*parts, protects=protects, **more)
            tenant = TenantId(settings.tenant)
            for role in ("db", "web"):
                enrolled = Host(
                    tenant=tenant,
                    id=HostId(role),
                    hostname=role,
                    labels={"role": role},
                    status_since=clock.now(),
                    enrolled_at=clock.now(),
                )
                said.append(protects(enrolled, "quarantine"))
            stop.set()

    monkeypatch.setattr(process, "Witness", Looked)
    process.run_responder(settings, stop)
    assert said == ["policy cut protects hosts with role: db from quarantine", ""]


def test_it_holds_by_the_rules_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, stop = Settings(data_dir=str(tmp_path / "var")), threading.Event()
    KeyFiles(settings).make_missing()
    store = open_store(settings, SystemClock())
    store.migrate()
    store.close()
    held: list[tuple[Inhibition, ...]] = []

    class Looked(Responder):
        """Looks at its rules once, and ends."""

        def __init__(self, *parts: Any, **more: Any) -> None:
            super().__init__(*parts, **more)
            self._rules = more["inhibits"]

        def tick(self) -> int:
            held.append(tuple(self._rules(TenantId(settings.tenant))))
            stop.set()
            return super().tick()

    monkeypatch.setattr(process, "Responder", Looked)
    process.run_responder(settings, stop)
    assert held == [load_policies(settings).inhibitions]
    assert held[0]
