"""What the command line says when something is wrong: one clear line, the right exit code, no traceback."""

import gzip
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from tests.fixtures.console import console_of, kept_app_of, served, token_of
from tests.fixtures.dead_letters import queue_of
from tests.fixtures.history import History, history, history_template

from vedette.app.cli.main import main
from vedette.app.demo.port import free_port
from vedette.queue import MemoryQueue
from vedette.store import Role

__all__ = ["history", "history_template"]

SHIPPED = Path(__file__).parents[2] / "src" / "vedette" / "detect" / "shipped"
POLICY = """version: 1
policies:
  - name: mail
    when: {when}
    then: [{{action: mail, with: {{to: ["@owner"]}}}}]
    mode: auto
"""


@dataclass(frozen=True)
class Said:
    """How a run of the program ended."""

    code: int
    out: str
    error: str


Run = Callable[..., Said]


@pytest.fixture
def vedette(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs the program in an empty folder; its errors must be short."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path) -> Said:
        monkeypatch.setattr(sys, "argv", ["vedette", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        told = [line for line in said.err.splitlines() if line.lower().startswith("error: ")]
        assert len(told) == (1 if code else 0), said.err
        return Said(code, said.out, said.err)

    return run


@pytest.fixture
def server(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[pytest.MonkeyPatch]:
    """A people's API that the environment names, with a viewer's token."""
    with served(kept_app_of(console_of(history)), tmp_path) as url:
        monkeypatch.setenv("VEDETTE_URL", url)
        monkeypatch.setenv("VEDETTE_CA", str(tmp_path / "server.pem"))
        monkeypatch.setenv("VEDETTE_TOKEN", token_of(history, Role.VIEWER, name="cli"))
        yield monkeypatch


@pytest.fixture
def letters(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MemoryQueue]:
    """An administrator at a server with some hundred dead letters."""
    queue = queue_of(history, more=600)
    with served(kept_app_of(console_of(history, queue)), tmp_path) as url:
        monkeypatch.setenv("VEDETTE_URL", url)
        monkeypatch.setenv("VEDETTE_CA", str(tmp_path / "server.pem"))
        monkeypatch.setenv("VEDETTE_TOKEN", token_of(history, Role.ADMIN, name="root"))
        yield queue


def _apart(folder: Path, *arguments: str) -> Said:
    """As `vedette`, in a process of its own: for what takes over signals and logs."""
    done = subprocess.run(
        [sys.executable, "-m", "vedette", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return Said(done.returncode, done.stdout, done.stderr)


def test_without_a_token_it_says_how_to_get_one(vedette: Run) -> None:
    said = vedette("hosts")
    assert said.code == 2
    assert "set VEDETTE_TOKEN" in said.error
    assert "vedette tokens create" in said.error


@pytest.mark.parametrize("token", ["vdt_wrong", "no token at all"])
def test_a_wrong_token_is_told_as_the_servers_refusal(
    vedette: Run, server: pytest.MonkeyPatch, token: str
) -> None:
    server.setenv("VEDETTE_TOKEN", token)
    said = vedette("hosts")
    assert said.code == 1
    assert "set VEDETTE_TOKEN to one that" in said.error


@pytest.mark.parametrize("token", ["vdt_\nx", "vdt_\u00fc"])
def test_a_token_that_no_header_can_bear_is_not_sent(
    vedette: Run, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("VEDETTE_TOKEN", token)
    said = vedette("hosts")
    assert said.code == 2
    assert "no API token" in said.error


def test_a_server_that_is_down_is_named_with_what_to_do(
    vedette: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VEDETTE_TOKEN", "vdt_x")
    monkeypatch.setenv("VEDETTE_URL", url := f"https://localhost:{free_port()}")
    said = vedette("incidents")
    assert said.code == 1
    assert f"{url} can't be reached" in said.error
    assert "vedette up" in said.error


@pytest.mark.parametrize(
    "url", ["localhost", "http://localhost:8443", "https://", "https://h:99999"]
)
def test_an_address_without_tls_is_refused_before_the_token_is_sent(
    vedette: Run, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("VEDETTE_TOKEN", "vdt_x")
    monkeypatch.setenv("VEDETTE_URL", url)
    said = vedette("hosts")
    assert said.code == 2
    assert "VEDETTE_URL must be https://" in said.error


def test_a_certificate_of_another_authority_is_named_with_what_to_do(
    vedette: Run, server: pytest.MonkeyPatch
) -> None:
    server.delenv("VEDETTE_CA")
    said = vedette("hosts")
    assert said.code == 2
    assert "can't be trusted" in said.error
    assert "set VEDETTE_CA" in said.error


def test_a_ca_file_that_is_none_is_named(
    vedette: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VEDETTE_TOKEN", "vdt_x")
    for name, reason in (("absent.pem", "No such file"), ("junk.pem", "no certificate in PEM")):
        (tmp_path / "junk.pem").write_text("junk")
        monkeypatch.setenv("VEDETTE_CA", str(tmp_path / name))
        said = vedette("hosts")
        assert said.code == 2
        assert name in said.error
        assert reason in said.error


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("hosts", "show", "nothing"), 1, "nothing"),
        (("hosts", "show", "../tokens"), 1, ""),
        (("hosts", "show", "a b"), 2, "host_id"),
        (("verdicts", "--since", "yesterday"), 2, "RFC 3339"),
        (("verdicts", "--after", "junk"), 2, "cursor"),
        (("verdicts", "--host", "a b"), 2, "host"),
        (("actions", "approve", "nothing", "-m", "seen"), 1, "responder"),
    ],
)
def test_what_the_server_refuses_is_told_in_its_words(
    vedette: Run, server: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, text: str
) -> None:
    del server
    said = vedette(*arguments)
    assert (said.code, said.out) == (code, "")
    assert text in said.error


def test_what_is_asked_rightly_is_answered(vedette: Run, server: pytest.MonkeyPatch) -> None:
    del server
    assert "web-2" in vedette("hosts", "--status", "abnormal").out
    assert '"items":' in vedette("incidents", "--json").out


@pytest.mark.parametrize(
    ("arguments", "known"),
    [
        (("hosts", "--status", "fine"), "'abnormal'"),
        (("verdicts", "--label", "fine"), "'abnormal'"),
        (("incidents", "--state", "fine"), "'quiet'"),
        (("incidents", "--severity", "fine"), "'critical'"),
        (("actions", "--state", "fine"), "'awaiting_approval'"),
        (("incidents", "close", "x", "--resolution", "fine"), "'benign_change'"),
        (("hosts", "--limit", "0"), "greater than or equal to 1"),
    ],
)
def test_a_bad_filter_value_is_refused_with_the_values_there_are(
    vedette: Run, arguments: tuple[str, ...], known: str
) -> None:
    said = vedette(*arguments)
    assert said.code == 2
    assert known in said.error


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"version: 1\npolicies: [", "line 2"),
        (POLICY.format(when="incident.severity === 'high'").encode(), "line 4"),
        (POLICY.format(when="host.colour == 'red'").encode(), "line 4"),
        (b"\xff\xfe", "utf-8"),
    ],
)
def test_a_broken_policy_is_told_with_its_place(
    vedette: Run, tmp_path: Path, content: bytes, place: str
) -> None:
    file = tmp_path / "broken.yaml"
    file.write_bytes(content)
    said = vedette("policy", "check", file)
    assert said.code == 2
    assert "broken.yaml" in said.error
    assert place in said.error


def test_a_good_policy_is_ok(vedette: Run, tmp_path: Path) -> None:
    file = tmp_path / "good.yaml"
    file.write_text(POLICY.format(when="'true'"))
    said = vedette("policy", "check", file)
    assert said.out.startswith("ok: 1 policies")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[server\n", "is not TOML"),
        ("[server]\nprot = 1\n", "unknown field `prot`"),
        ("[server]\nport = 'x'\n", "server.port"),
        ("[mail]\nport = 0\n[queue]\nmax_depth = 0\n", "mail.port is 0"),
        ("[queue]\nmax_depth = 0\n", "queue.max_depth is 0; it must be above 0"),
        ("[respond]\npolicies = 'absent.yaml'\n", "absent.yaml"),
        ("[detector]\nmodel = 'absent'\n", "no model bundle can be read from absent"),
        ("[mail]\nca_file = 'absent.pem'\n", "mail.ca_file absent.pem"),
    ],
)
def test_settings_that_can_not_be_used_are_named(
    vedette: Run, tmp_path: Path, text: str, reason: str
) -> None:
    file = tmp_path / "vedette.toml"
    file.write_text(text)
    said = vedette("config", "check")
    assert (said.code, said.out) == (2, "")
    assert reason in said.error


def test_settings_are_ok_without_a_file(vedette: Run) -> None:
    assert vedette("config", "check").out == "ok\n"


def test_a_recording_that_is_none_leaves_nothing_behind(vedette: Run, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("of an earlier run")
    (tmp_path / "plain").write_text("no gzip")
    (tmp_path / "other.gz").write_bytes(gzip.compress(b'{"a":1}\n'))
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"x" * 1000)[:-12])
    cases = {
        "absent": "does not exist",
        "plain": "Not a gzipped file",
        "other.gz": "other.gz, line 1: not a vedette.snapshot",
        "cut.gz": "cut.gz",
    }
    before = sorted(path.name for path in tmp_path.iterdir())
    for name, reason in cases.items():
        said = vedette("replay", name, "--verdicts", "out")
        assert said.code == 2
        assert name in said.error
        assert reason in said.error
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert (tmp_path / "out").read_text() == "of an earlier run"


def test_verdicts_that_can_not_be_written_are_named(vedette: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.gz").write_bytes(gzip.compress(b""))
    said = vedette("replay", "empty.gz", "--verdicts", "nowhere/out")
    assert said.code == 2
    assert "nowhere/out can't be written" in said.error


def test_a_tampered_bundle_is_refused_by_the_name_of_its_part(vedette: Run, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(SHIPPED, folder)
    assert vedette("model", "show", folder).code == 0
    with (folder / "vitals.msgpack").open("ab") as part:
        part.write(b"\0")
    said = vedette("model", "show", folder)
    assert said.code == 2
    assert "part vitals of the model bundle" in said.error


def test_tokens_need_a_role_there_is_and_a_server(vedette: Run, tmp_path: Path) -> None:
    said = vedette("tokens", "create", "bob", "--role", "king")
    assert said.code == 2
    assert "'king'" in said.error
    assert "responder" in said.error
    for arguments in (("tokens", "create", "bob"), ("tokens", "list"), ("enrolments", "list")):
        said = vedette(*arguments)
        assert said.code == 2
        assert "vedette up" in said.error
    # A store made in passing, in the wrong folder, would hold tokens that no server knows.
    assert list(tmp_path.iterdir()) == []


def test_a_host_that_is_not_enrolled_is_told_how_to(tmp_path: Path) -> None:
    said = _apart(tmp_path, "agent", "run", "--state-dir", "agent")
    assert said.code == 2
    assert "vedette agent enroll TOKEN" in said.error


def test_a_damaged_enrolment_token_is_refused(vedette: Run, tmp_path: Path) -> None:
    for token, reason in (("junk", "starts with vde1."), ("vde1.xxxx", "damaged")):
        said = vedette("agent", "enroll", token, "--state-dir", tmp_path / "agent")
        assert said.code == 2
        assert reason in said.error


def test_a_data_folder_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "vedette.toml").write_text('data_dir = "file/data"\n')
    said = _apart(tmp_path, "up")
    assert said.code == 2
    assert "file/data can't be used" in said.error


def test_dead_letters_are_listed_shown_and_replayed(vedette: Run, letters: MemoryQueue) -> None:
    listed = vedette("dead-letters", "list", "--text", "envelope")
    assert listed.code == 0
    assert "not a version 1 envelope" in listed.out
    shown = msgspec.json.decode(vedette("dead-letters", "show", "1", "--json").out)
    assert (shown["hostname"], shown["seq"]) == ("web-2", 501)
    assert vedette("dead-letters", "replay", "1").out == "1 replayed\n"
    again = vedette("dead-letters", "replay", "1")
    assert (again.code, again.out) == (1, "")
    assert "no dead letter 1" in again.error
    every = vedette("dead-letters", "replay", "--all", "--json", "-m", "the key is back")
    assert msgspec.json.decode(every.out) == {"count": 602}
    assert letters.stats().dead_letters == 0
    assert letters.depth() == 603


def test_dead_letters_are_purged_when_that_is_confirmed(vedette: Run, letters: MemoryQueue) -> None:
    for arguments, words in (
        (("purge", "-m", "x"), "--all"),
        (("replay",), "--all"),
        (("replay", "1", "--all"), "not both"),
        (("purge", "1", "-m", "x"), "say --yes"),
        (("purge", "--text", "torn", "-m", "x"), "say --yes"),
        (("purge", "--text", "torn", "-m", " ", "--yes"), "why"),
    ):
        said = vedette("dead-letters", *arguments)
        assert said.code == 2, arguments
        assert words in said.error, arguments
    assert letters.stats().dead_letters == 603
    assert vedette("dead-letters", "purge", "1", "-m", "known", "-y").out == "1 purged\n"
    torn = vedette("dead-letters", "purge", "--text", "torn", "-m", "known", "--yes")
    assert (torn.code, torn.out) == (0, "600 purged\n")
    assert letters.stats().dead_letters == 2


@pytest.mark.usefixtures("server")
def test_silent_hosts_are_listed_with_since_when(vedette: Run) -> None:
    said = vedette("hosts", "--silent", "--json")
    (host,) = msgspec.json.decode(said.out)["items"]
    assert (host["hostname"], host["status_reason"]) == ("build-7", "silent")
    assert host["silent_since"]
    assert "silent since" in vedette("hosts").out
    heard = msgspec.json.decode(vedette("hosts", "--heard", "--json").out)["items"]
    assert "build-7" not in {one["hostname"] for one in heard}
