"""Known programs that carry data off or run away, people from elsewhere, and what of it is harmless."""

from tests.detect.coverage.entry import Entry, Found, silent
from tests.detect.coverage.installed import ANA
from tests.detect.coverage.ran import FAR
from tests.detect.coverage.stage import BORN, Change, Stage, proc, sock, together, written

__all__ = ["ENTRIES"]

_APP = "/srv/app/venv/bin/gunicorn"
_SENT = "system.network.io.transmit.rate"
_NEW = 1_777_890_660  # Unix seconds: the first snapshot after the quiet life


def _found(
    technique: str,
    name: str,
    subject: str,
    *steps: Change,
    role: str = "web",
    within: int = 0,
    before: Change | None = None,
    expert: str = "behaviour",
    told_as: str = "",
) -> Entry:
    return Entry(
        id=technique,
        name=name,
        evidence="`processes`, `process_open_sockets`, metrics" if expert == "behaviour" else "`logged_in_users`, `hash`",
        steps=steps,
        expect=Found(expert=expert, subject=subject, within=within),
        role=role,
        before=before,
        lasting=False, told_as=told_as)  # fmt: skip


def _sends(pid: int, address: str, port: int, more: float) -> Change:
    """A process has this peer, and so many bytes a second more are sent than usual."""

    def change(stage: Stage) -> None:
        stage.add("process_open_sockets", sock(pid, address, port, 52_400))
        stage.rise(_SENT, more)
        stage.rise("system.network.packets.transmit.rate", more / 1_400)

    return change


def _peak(times: float) -> Change:
    """Traffic is so many times the usual."""

    def change(stage: Stage) -> None:
        for metric in stage.metrics:
            if metric.startswith(("system.network.io", "system.network.packets")):
                stage.metrics[metric] *= times

    return change


def _partner(stage: Stage) -> None:
    """The application has always called a partner outside."""
    stage.add("process_open_sockets", sock(511, "203.0.113.80", 443, 52_300))


def _burns(look: int, *, busier: float = 1.0, state: str = "R") -> Change:
    """A worker of the application takes the processor, by a clock that says little of it."""

    def change(stage: Stage) -> None:
        stage.edit("processes", {"pid": 511}, user_time=1_000 + 900 * (look + 1), state=state)
        stage.metrics["system.cpu.utilization"] = 1.0
        stage.rise("system.cpu.load_average.1m", 1.0)
        for metric in ("system.network.packets.receive.rate", "system.network.io.receive.rate"):
            stage.metrics[metric] *= busier

    return change


def _logs_in(origin: str, *, tool: str = "less /var/log/syslog", rights: bool = False) -> Change:
    """Ana is logged in from there; with `rights` the tool is root's."""

    def change(stage: Stage) -> None:
        kept = [row for row in stage.tables["processes"] if row["pid"] not in range(700, 706)]
        stage.tables["processes"] = kept
        stage.tables["logged_in_users"] = []
        stage.add("logged_in_users", {"user": "ana", "tty": "pts/0", "host": origin, "time": BORN})
        stage.add(
            "processes",
            proc(700, 380, "sshd", "/usr/sbin/sshd", "sshd: ana [priv]", start_time=_NEW - 30),
            proc(701, 700, "sshd", "/usr/sbin/sshd", "sshd: ana@pts/0", ANA),
            proc(702, 701, "bash", "/usr/bin/bash", "-bash", ANA),
        )
        name, above, uid = tool.split(maxsplit=1)[0], 702, ANA
        if rights:
            stage.add("processes", proc(703, 702, "sudo", "/usr/bin/sudo", f"sudo {tool}"))
            above, uid = 703, 0
        stage.add("processes", proc(705, above, name, f"/usr/bin/{name}", tool, uid))

    return change


_EDITS = written("/root/.bashrc")
_HOSTILE = (
    _found("T1041", "the application opens a port that it never used to a stranger, and three times as much is sent", f"process:{_APP}", _sends(511, FAR, 443, 1.5e5)),
    _found("T1030", "the application sends a stranger data in small pieces, with more than usual in all", f"process:{_APP}", *[_sends(511, FAR, 443, 1.6e5)] * 4, told_as="T1041"),
    _found("T1048", "the application sends much to a machine inside by a port that it never used", f"process:{_APP}", _sends(511, "10.0.0.77", 443, 4e5)),
    _found("T1041", "the application sends far more to a new address of a kind that it calls", f"process:{_APP}", _sends(511, FAR, 443, 1e6), before=_partner),
    _found("T1055", "cron itself calls an address outside", "process:/usr/sbin/cron", _sends(360, FAR, 443, 0.0)),
    _found("T1055", "the bus of messages calls an address inside", "process:/usr/bin/dbus-daemon", _sends(330, "10.0.0.77", 8_443, 0.0), role="database"),
    _found("T1071.001", "the writer of logs calls a web server outside", "process:/usr/sbin/rsyslogd", _sends(350, FAR, 443, 0.0), told_as="T1055"),
    _found("ops.runaway", "a worker runs away with the processor, where process times say little", f"process:{_APP}", *map(_burns, range(6)), within=3),
    _found("T1078", "root's shell settings are changed by an operator from a network that they never came from", "file:/root/.bashrc", *[together(_logs_in("10.0.77.4", tool="vim .bashrc", rights=True), _EDITS)] * 2, expert="inventory", told_as="T1546.004"),
)  # fmt: skip

_HARMLESS = (
    silent("peak", "three times the traffic, with a new address of a partner", together(_partner, _peak(3.0)), together(_sends(511, "203.0.113.81", 443, 0.0), _peak(3.0)), *[_peak(3.0)] * 3, before=_partner),
    silent("services", "the application calls a new partner at the usual traffic", *[_sends(511, FAR, 443, 0.0)] * 6),
    silent("services", "the application calls a new service inside, and sends a little more", *[_sends(511, "10.0.0.77", 443, 3e4)] * 6),
    silent("jobs", "cron looks up an account in a directory", _sends(360, "10.0.0.3", 636, 0.0)),
    silent("services", "logs are sent to a collector outside", _sends(350, "203.0.113.82", 443, 0.0), before=_sends(350, "203.0.113.82", 443, 0.0)),
    silent("peak", "a worker is busy with twice the traffic and more", *(_burns(look, busier=2.6) for look in range(6))),
    silent("jobs", "a worker that waits between its turns takes little of a full processor", *(_burns(look, state="S") for look in range(6))),
    silent("operators", "an operator from another network inside looks around", *[_logs_in("10.0.77.4")] * 4, *[lambda _: None] * 4),
    silent("operators", "an operator from another address of their network edits root's shell settings", *[together(_logs_in("10.0.9.7", tool="vim .bashrc", rights=True), _EDITS)] * 2, *[_EDITS] * 6),
)  # fmt: skip

ENTRIES: tuple[Entry, ...] = (*_HOSTILE, *_HARMLESS)
