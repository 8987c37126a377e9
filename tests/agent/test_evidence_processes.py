"""Evidence of processes and tables: the very ones, as far as this host allows, whatever happens to them meanwhile."""

import json
import os
import shutil
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest
from tests.agent.gathered import Hurried, Opened, gathered
from tests.agent.processes_host import SOURCE, child, named
from tests.agent.tree import Tree

from vedette.agent.collect.source import Source
from vedette.agent.evidence.mounts import without_options
from vedette.agent.evidence.settings import EvidenceSettings
from vedette.agent.permission import Permission, read_untouchables
from vedette.core import ManualClock, digest


def test_tables_come_as_rows_and_those_that_are_missing_are_named(tree: Tree) -> None:
    source = Source(str(tree.root))
    found = gathered(source, tables=["users", "processes", "nonsense"])
    rows = found.members["tables/users.jsonl"].splitlines()
    assert json.loads(rows[49]) == {"username": "u49"}
    assert found.omitted == {
        "table processes": "hidden",
        "table nonsense": "this agent has no such table",
    }
    cut = gathered(source, tables=["users"], most_bytes=100)
    assert cut.entry("tables/users.jsonl")["note"].endswith("of 50 rows")
    none = gathered(source, clock=Hurried(), tables=["users"], most_seconds=1)
    assert "time for collecting" in none.omitted["table users"]


def test_a_process_is_known_by_pid_start_and_path_and_all_of_it_is_told() -> None:
    with child("sleep", "600") as victim:
        one = named(victim.pid)
        found = gathered(SOURCE, processes=[one], executable=True, most_file_bytes=10**7)
    folder = f"processes/{victim.pid}"
    about = json.loads(found.members[f"{folder}/about.json"])
    assert about["path"] == one["path"]
    assert about["open"]["1"].startswith("pipe:")
    program = found.members[f"{folder}/exe/{Path(one['path']).name}"]
    assert about["sha256"] == digest(program).removeprefix("sha256:")
    assert found.members[f"{folder}/cmdline"] == b"sleep\x00600\x00"
    assert b"Name:\tsleep" in found.members[f"{folder}/status"]
    assert f"{folder}/maps" in found.members
    assert f"{folder}/environ" not in found.members


def test_an_environment_needs_both_words_and_a_program_its_own() -> None:
    with child("sleep", "600") as victim:
        wanted: dict[str, Any] = {
            "processes": [named(victim.pid)],
            "environ": True,
            "executable": True,
        }
        closed = Permission(evidence=EvidenceSettings(executables=False))
        refused = gathered(SOURCE, closed, **wanted)
        open_ = Permission(evidence=EvidenceSettings(environ=True))
        given_ = gathered(SOURCE, open_, **wanted, most_file_bytes=100)
    assert "evidence.environ" in refused.omitted[f"process {victim.pid}, environ"]
    assert any("evidence.executables" in why for why in refused.omitted.values())
    assert len(given_.members[f"processes/{victim.pid}/environ"]) == 100
    assert any("its digest is here" in why for why in given_.omitted.values())


def test_who_is_gone_another_or_kept_back_is_named() -> None:
    with child("sleep", "600") as victim:
        one = named(victim.pid)
        never = Permission(never_touch=read_untouchables([f"process:{one['path']}"]))
        what = f"process {victim.pid}"
        assert (
            "pid was used again"
            in gathered(SOURCE, processes=[one | {"start_time": 5}]).omitted[what]
        )
        assert "not /bin/x" in gathered(SOURCE, processes=[one | {"path": "/bin/x"}]).omitted[what]
        assert "never_touch" in gathered(SOURCE, never, processes=[one]).omitted[what]
    assert "no such process" in gathered(SOURCE, processes=[one]).omitted[what]
    own = gathered(SOURCE, processes=[{"pid": os.getpid()}])
    assert own.omitted == {f"process {os.getpid()}": "it is the agent itself"}


def test_what_never_touch_names_by_a_link_is_kept_back_by_its_very_file(tmp_path: Path) -> None:
    (tmp_path / "bin").symlink_to(tmp_path / "usr")
    program = _copied(tmp_path / "usr")
    named_ = f"process:{tmp_path / 'bin' / program.name}"
    never = Permission(never_touch=read_untouchables([named_]))
    with child(str(program), "600") as victim:
        found = gathered(SOURCE, never, processes=[named(victim.pid)])
    assert "never_touch" in found.omitted[f"process {victim.pid}"]
    assert f"processes/{victim.pid}/about.json" not in found.members


def test_a_process_that_ends_while_it_is_looked_at_is_told() -> None:
    class Killing(ManualClock):
        def __init__(self, victim: Popen[bytes]) -> None:
            super().__init__()
            self.left, self.victim = 2, victim

        def now(self) -> Any:
            self.left -= 1
            if not self.left:
                self.victim.kill()
                self.victim.wait()
            return super().now()

    with child("sleep", "600") as victim:
        found = gathered(SOURCE, clock=Killing(victim), processes=[named(victim.pid)])
    assert f"processes/{victim.pid}/about.json" in found.members
    assert "ended while" in found.omitted[f"process {victim.pid}, the rest"]


def _copied(folder: Path, name: str = "program") -> Path:
    folder.mkdir(exist_ok=True)
    program = folder / name
    shutil.copy(shutil.which("sleep") or "", program)
    return program


def _asked(victim: Popen[bytes], permission: Permission) -> Opened:
    one = {"pid": victim.pid}
    return gathered(SOURCE, permission, processes=[one], executable=True, most_file_bytes=10**7)


@pytest.mark.parametrize("removed", [False, True])
def test_a_copy_of_a_program_is_a_file_like_any_other(tmp_path: Path, removed: bool) -> None:
    program = _copied(tmp_path / "never")
    here = EvidenceSettings(paths=(str(tmp_path),))
    plain = Permission(evidence=here)
    never = Permission(evidence=here, never_touch=read_untouchables([f"file:{tmp_path / 'never'}"]))
    elsewhere = Permission(evidence=EvidenceSettings(paths=("/var/log",)))
    own = Permission(evidence=here, own=str(tmp_path / "never"))
    with child(str(program), "600") as victim:
        if removed:
            program.unlink()
        given_ = _asked(victim, plain)
        refused = [_asked(victim, one) for one in (never, elsewhere, own)]
    member = f"processes/{victim.pid}/exe/program"
    assert member in given_.members
    for found, why in zip(refused, ("never_touch", "evidence.paths", "agent's own"), strict=True):
        assert member not in found.members
        assert why in found.omitted[f"process {victim.pid}, its program {program}"]
        assert "sha256" in json.loads(found.members[f"processes/{victim.pid}/about.json"])


def test_a_program_of_another_name_or_with_a_secret_in_it_is_kept_back(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    here = EvidenceSettings(paths=(str(tmp_path),))
    never = Permission(evidence=here, never_touch=read_untouchables([f"file:{tmp_path / 'link'}"]))
    by_folder, secret = _copied(tmp_path / "real"), _copied(tmp_path, "other")
    with secret.open("ab") as file:
        file.write(b"\n-----BEGIN PRIVATE KEY-----\n" + b"QUJD" * 8)
    named_ = _copied(tmp_path, "id_program")
    whys = {
        by_folder: "never_touch names",
        secret: "private key",
        named_: "files of that name",
    }
    for program, why in whys.items():
        with child(str(program), "600") as victim:
            found = _asked(victim, never)
        assert f"processes/{victim.pid}/exe/{program.name}" not in found.members
        assert why in found.omitted[f"process {victim.pid}, its program {program}"]


def test_a_program_that_runs_from_memory_is_collected() -> None:
    fd = os.memfd_create("evil", 0)
    os.write(fd, Path(shutil.which("sleep") or "").read_bytes())
    with child(f"/proc/{os.getpid()}/fd/{fd}", "600") as victim:
        os.close(fd)
        found = _asked(victim, Permission())
    assert any("/exe/" in name for name in found.members), found.omitted


def test_no_key_leaves_on_a_command_line() -> None:
    key = "-----BEGIN PRIVATE KEY-----\n" + "QUJD" * 8
    with child("python3", "-c", "import time; time.sleep(600)", key) as victim:
        found = gathered(SOURCE, processes=[{"pid": victim.pid}])
    assert f"processes/{victim.pid}/cmdline" not in found.members
    assert found.omitted[f"/proc/{victim.pid}/cmdline"] == "it has a private key in it"


def test_of_mounts_no_password_is_given() -> None:
    with child("sleep", "600") as victim:
        found = gathered(SOURCE, processes=[{"pid": victim.pid}])
    member = f"processes/{victim.pid}/mountinfo"
    root = [line for line in found.members[member].splitlines() if line.split()[4] == b"/"]
    assert root
    assert "passwords" in found.entry(member)["note"]
    raw = (
        b"36 35 0:9 / /mnt rw,noatime master:1 - cifs //ann:pw@srv/x rw,username=ann,password=pw\n"
        b"37 35 0:9 / /srv relatime - fuse x user_id=0\nbroken password=pw\n"
    )
    assert without_options(raw) == (
        b"36 35 0:9 / /mnt rw master:1 - cifs srv/x rw\n"
        b"37 35 0:9 / /srv none - fuse x none\n(a line that can't be read)\n"
    )
