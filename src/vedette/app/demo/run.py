"""Runs the demonstration from start to end and says what happened, step by step, on standard error."""

import signal
import subprocess
import sys
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp
from types import FrameType
from typing import Any

import msgspec

from vedette.app.administration import Administration
from vedette.app.demo.acts import Acts, Facts
from vedette.app.demo.mailbox import Mailbox
from vedette.app.demo.port import free_port
from vedette.app.demo.server import Api, running, write_settings
from vedette.app.demo.stage import Stage
from vedette.app.demo.story import abnormal_behaviour, benign_change
from vedette.app.demo.summary import Recount, recount
from vedette.app.settings import load_settings
from vedette.core import ConfigError, SystemClock, Unavailable

__all__ = ["run_demo"]

_DRAIN_SECONDS = 30.0


def run_demo(*, once: bool, data_dir: Path | None) -> int:
    """0 when all of it happened. With `once` it ends by itself, else it goes on until Ctrl-C.

    Ctrl-C and SIGTERM end the server and the agent too, at any moment.
    """
    signal.signal(signal.SIGTERM, _interrupted)
    folder = _folder(data_dir)
    clock = SystemClock()
    stage = Stage(sys.stderr, clock)
    stage.say(f"Data, logs and settings are in {folder}")
    facts = Facts()
    problems = []
    try:
        sent = _play(folder, stage, clock, facts, once=once)
    except Unavailable as error:
        problems.append(error.detail)
        sent = 0
    except KeyboardInterrupt:
        problems.append("interrupted before all of it could happen")
        sent = 0
    outcome = _outcome(recount(folder, facts.onset), facts, sent, folder)
    problems = problems or _failures(outcome)
    for problem in problems:
        stage.fail(problem)
    sys.stdout.write(msgspec.json.encode(outcome).decode() + "\n")
    return 1 if problems else 0


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _folder(data_dir: Path | None) -> Path:
    if data_dir is None:
        return Path(mkdtemp(prefix="vedette-demo-"))
    if data_dir.exists() and any(data_dir.iterdir()):
        raise ConfigError(f"{data_dir} is not empty; give the demo a folder of its own")
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return data_dir.absolute()


def _play(folder: Path, stage: Stage, clock: SystemClock, facts: Facts, *, once: bool) -> int:
    """Plays all acts; says how many snapshots the server accepted from the agent."""
    with ExitStack() as stack:
        mailbox = stack.enter_context(Mailbox(folder / "mail"))
        port = free_port()
        config = write_settings(folder, port, mailbox)
        log = folder / "server.log"
        server = stack.enter_context(running(log, "up", "--config", str(config)))
        stage.step("Starting the server: API, detector and responder, with a local CA")
        api, administration = _connect(folder, config, port, clock, server, stage)
        state = folder / "agent"
        token = administration.create_enrolment(1, timedelta(hours=1), {"role": "demo"})
        _agent(folder, "enroll", token, "--state-dir", str(state))
        agent = stack.enter_context(
            running(folder / "agent.log", "agent", "run", "--state-dir", str(state))
        )
        acts = Acts(api, mailbox, stage, clock)
        acts.facts = facts
        acts.warm_up()
        acts.benign(benign_change(folder))
        acts.abnormal(abnormal_behaviour())
        if not once:
            _stay(stage, api, administration, clock)
        agent.terminate()
        agent.wait(60)
        sent = _sent(folder, state)
        stage.wait_for(
            f"{sent} verdicts",
            lambda: recount(folder, None).identities >= sent or None,
            _DRAIN_SECONDS,
        )
        return sent


def _connect(
    folder: Path,
    config: Path,
    port: int,
    clock: SystemClock,
    server: "subprocess.Popen[bytes]",
    stage: Stage,
) -> tuple[Api, Administration]:
    ca = stage.wait_for("the server's certificate", lambda: _exists(folder / "tls" / "ca.pem"), 60)
    settings = load_settings(config)
    administration = Administration(settings, clock)
    api = Api(port, ca, clock)
    api.wait_ready(server, folder / "server.log")
    api.sign_in(administration.create_token("demo-responder", "responder", timedelta(days=1)))
    stage.say(f"ready: {api.url}")
    return api, administration


def _exists(path: Path) -> Path | None:
    return path if path.is_file() else None


def _agent(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "vedette", "agent", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    with (folder / "agent.log").open("a", encoding="utf-8") as log:
        log.write(done.stderr)
    if done.returncode != 0:
        raise Unavailable(f"vedette agent {arguments[0]} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def _sent(folder: Path, state: Path) -> int:
    status = msgspec.json.decode(_agent(folder, "status", "--state-dir", str(state), "--json"))
    return int(status["report"]["shipped"])


def _stay(stage: Stage, api: Api, administration: Administration, clock: SystemClock) -> None:
    token = administration.create_token("demo-admin", "admin", timedelta(days=1))
    stage.step(f"Look around: {api.url} (its certificate is from the demo's own CA)")
    stage.say(f"sign in with this token: {token}")
    stage.say("Ctrl-C ends the demonstration")
    try:
        while True:
            clock.sleep(1)
    except KeyboardInterrupt:
        stage.say("ending")


def _outcome(counted: Recount, facts: Facts, sent: int, folder: Path) -> dict[str, Any]:
    return {
        "snapshots_sent": sent,
        "verdicts": counted.verdicts,
        "verdict_counts": counted.labels,
        "abnormal_before_onset": counted.abnormal_before,
        "benign_incidents": facts.benign_incidents,
        "abnormal_detected_after_snapshots": counted.detected_after,
        "reasons": facts.reasons,
        "incident_id": facts.incident_id,
        "mail_received": facts.mail_received,
        "action_states": facts.action_states,
        "audit_entries": counted.audit_entries,
        "lost": max(0, sent - counted.identities),
        "duplicates": counted.verdicts - counted.identities,
        "data_dir": str(folder),
    }


def _failures(outcome: dict[str, Any]) -> list[str]:
    wanted = {
        "an abnormal verdict came before anything abnormal": not outcome["abnormal_before_onset"],
        "the benign change opened an incident": not outcome["benign_incidents"],
        "the abnormal behaviour was not found": outcome["abnormal_detected_after_snapshots"],
        "the verdict gave no reasons": outcome["reasons"],
        "no incident was opened": outcome["incident_id"],
        "no mail arrived": outcome["mail_received"],
        "the mail was not verified": outcome["action_states"].get("mail") == "verified",
        "the quarantine was not simulated": outcome["action_states"].get("quarantine")
        == "simulated",
        "snapshots were lost": outcome["snapshots_sent"] and not outcome["lost"],
        "snapshots were judged twice": not outcome["duplicates"],
    }
    return [text for text, good in wanted.items() if not good]
