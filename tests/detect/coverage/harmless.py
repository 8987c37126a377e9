"""What people, packages and tools do to a host: the twins of hostile facts."""

from functools import partial

from tests.detect.coverage.entry import Asks, Entry, silent
from tests.detect.coverage.installed import ANA
from tests.detect.coverage.stage import (
    Change,
    Stage,
    added,
    job,
    key,
    module,
    mount,
    nothing,
    proc,
    suid,
    together,
    unit,
    upgraded,
    user,
    written,
)

__all__ = ["ENTRIES"]


_LATE = 1_777_890_600  # Unix seconds, in the quiet life's last minute


_silent = partial(silent, lasting=True)


def _asks(name: str, told: str, subject: str, *steps: Change, role: str = "web") -> Entry:
    return Entry(
        id=f"benign.{name}",
        name=told,
        evidence="",
        steps=steps,
        expect=Asks(subject=subject),
        role=role,
    )


def _apt(stage: Stage) -> None:
    stage.add("processes", proc(980, 1, "apt-get", "/usr/bin/apt-get", "apt-get -y install"))
    stage.add("processes", proc(981, 980, "dpkg", "/usr/bin/dpkg", "/usr/bin/dpkg --unpack x.deb"))


def _upgrade(name: str, *files: str) -> Change:
    def change(stage: Stage) -> None:
        stage.upgrade(name, "2.0-1")
        for file in files:
            stage.write(file, "2.0-1")

    return change


def _files_first(stage: Stage) -> None:
    _apt(stage)
    stage.write("/usr/bin/ls", "2.0-1")


def _memcached(stage: Stage) -> None:
    stage.upgrade("memcached")
    stage.add("users", user("memcache", 115, "/bin/false"))
    for file in ("/etc/passwd", "/etc/group", "/etc/shadow"):
        stage.write(file)
    stage.add("systemd_units", unit("memcached.service"))
    row = proc(970, 1, "memcached", "/usr/bin/memcached", "/usr/bin/memcached -m 64", 115)
    stage.listen(row, 11_211, "127.0.0.1")


def _postgres(stage: Stage) -> None:
    stage.upgrade("postgresql-15")
    stage.upgrade("postgresql-common")
    stage.add("users", user("postgres", 116, "/bin/bash", "/var/lib/postgresql"))
    for file in ("/etc/passwd", "/etc/group", "/etc/shadow"):
        stage.write(file)
    stage.add("systemd_units", unit("postgresql.service"), unit("postgresql@.service"))
    stage.write("/etc/cron.d/postgresql-common")
    path = "/usr/lib/postgresql/15/bin/postgres"
    stage.listen(proc(970, 1, "postgres", path, f"{path} -D /var/lib/x", 116), 5_432, "127.0.0.1")


def _remove_exporter(stage: Stage) -> None:
    stage.drop("deb_packages", name="prometheus-node-exporter")
    stage.drop("systemd_units", id="prometheus-node-exporter.service")
    stage.drop("listening_ports", port=9100)
    stage.drop("processes", pid=500)


def _kernel(stage: Stage) -> None:
    stage.upgrade("linux-image-6.1.0-22-amd64", "6.1.94-1")


def _started(stage: Stage) -> None:
    """The machine comes up again: other pids, another order of ports, a new kernel with more modules."""
    stage.boot_time += 20_000.0
    stage.kernel = "6.1.0-22-amd64"
    for row in stage.tables["processes"]:
        row["start_time"] = int(stage.boot_time) + 10
    stage.tables["listening_ports"].reverse()
    stage.add(
        "kernel_modules",
        *(module(name) for name in ("qemu_fw_cfg", "button", "cmac")),
    )


def _starting(stage: Stage) -> None:
    _started(stage)
    stage.tables["listening_ports"] = stage.tables["listening_ports"][-1:]
    stage.tables["process_open_sockets"] = []


def _config_run(stage: Stage) -> None:
    """Configuration management sets what it manages: a job, a greeting, a narrow rule, name servers' order."""
    stage.add("crontab", job("/etc/cron.d/clean", "root find /var/cache/app -mtime +3 -delete"))
    stage.write("/etc/cron.d/clean")


def _here(stage: Stage) -> None:
    stage.add("logged_in_users", {"user": "ana", "tty": "pts/0", "host": "10.0.9.1", "time": 1})


def _session(stage: Stage) -> None:
    stage.add("processes", proc(960, 380, "sshd", "/usr/sbin/sshd", "sshd: ana [priv]"))
    stage.add("processes", proc(961, 960, "sshd", "/usr/sbin/sshd", "sshd: ana@notty", ANA))


def _tool(stage: Stage) -> None:
    line = "/usr/bin/ruby /usr/bin/puppet agent --onetime --no-daemonize"
    stage.add("processes", proc(960, 1, "puppet agent", "/usr/bin/ruby3.1", line, start_time=_LATE))


def _certificate(stage: Stage) -> None:
    line = "/usr/bin/python3 /usr/bin/certbot -q renew"
    stage.add("processes", proc(960, 360, "certbot", "/usr/bin/python3.11", line))


def _colleague(stage: Stage) -> None:
    stage.add("users", user("eva", 1002, "/bin/bash"))
    stage.add("authorized_keys", key(1002, "/home/eva/.ssh/authorized_keys", "e"))
    for file in ("/etc/passwd", "/etc/group", "/etc/shadow"):
        stage.write(file)


def _image(stage: Stage) -> None:
    layer = "/var/lib/docker/overlay2/ab12"
    stage.add("mounts", mount(f"{layer}/merged", "overlay", "overlay"))
    stage.add("mounts", mount("/run/docker/netns/5f", "nsfs", "nsfs"))
    stage.add("suid_bin", suid(f"{layer}/diff/usr/bin/su"), suid(f"{layer}/diff/bin/bash"))
    stage.add(
        "kernel_modules",
        *(module(n) for n in ("veth", "br_netfilter")),
    )
    row = proc(950, 510, "docker-proxy", "/usr/bin/docker-proxy", "docker-proxy -host-port 8085")
    stage.listen(row, 8_085)


def _snap(stage: Stage) -> None:
    stage.add("mounts", mount("/snap/core22/1380", "/dev/loop3", "squashfs"))
    stage.add("suid_bin", suid("/snap/core22/1380/usr/bin/su"))


def _deploy(stage: Stage) -> None:
    app = "/usr/bin/python3 /srv/app/venv/bin/gunicorn -w 2 --chdir /srv/app/releases/1.5 app:app"
    for pid in (510, 511, 512):
        stage.edit("processes", {"pid": pid}, cmdline=app)


def _deploying(stage: Stage) -> None:
    _deploy(stage)
    stage.drop("listening_ports", port=8000)


def _service(stage: Stage) -> None:
    stage.add("users", user("shop", 997, home="/opt/shop"))
    stage.add("systemd_units", unit("shop.service", folder="/etc/systemd/system"))
    row = proc(970, 1, "shop", "/opt/shop/bin/shop", "/opt/shop/bin/shop --port 8090", 997)
    stage.listen(row, 8_090)
    for file in ("/etc/passwd", "/etc/group", "/etc/shadow"):
        stage.write(file)


def _named_commands(stage: Stage) -> None:
    rule = "RESTART = /usr/bin/systemctl restart nginx, /usr/bin/systemctl reload nginx"
    stage.add(
        "sudoers",
        {"source": "/etc/sudoers.d/web", "header": "Cmnd_Alias", "rule_details": rule},
    )


def _monitor_rule(stage: Stage) -> None:
    stage.upgrade("site-monitoring")
    rule = "ALL=(root) NOPASSWD: /usr/sbin/smartctl -H /dev/vda"
    stage.add(
        "sudoers", {"source": "/etc/sudoers.d/monitor", "header": "nagios", "rule_details": rule}
    )
    stage.write("/etc/sudoers.d/monitor")


def _held(stage: Stage) -> None:
    stage.upgrade("apt", "2.0-1")
    stage.upgrade("libapt-pkg6.0", "2.0-1")


def _wider(stage: Stage) -> None:
    stage.tables["osquery_info"] = [{"version": "vedette 9", "config_hash": "f" * 64}]
    for path in ("/etc/udev/rules.d/70-x.rules", "/etc/nftables.conf", "/etc/init.d/cron"):
        stage.write(path)


def _later(stage: Stage) -> None:
    stage.edit("crontab", {"path": "/etc/cron.d/e2scrub_all"}, hour="4")


def _no_port(stage: Stage) -> None:
    stage.drop("listening_ports", port=80)


# fmt: off
ENTRIES = (
    _silent("upgrade", "a watched program is upgraded with its package", _upgrade("procps", "/usr/bin/ps")),
    _silent("upgrade", "the SSH server and client are upgraded", together(upgraded("openssh-server", "openssh-client"), written("/usr/sbin/sshd", "/usr/bin/ssh") ), role="admin"),
    _silent("upgrade", "files change before the list of packages does", _files_first, _upgrade("coreutils", "/usr/bin/ls")),
    _silent("upgrade", "rules of who may log in come with their package", _upgrade("libpam-runtime", "/etc/pam.d/common-auth")),
    _silent("upgrade", "one package is held back while others are upgraded", _held),
    _silent("upgrade", "daily scripts are upgraded", _upgrade("logrotate", "/etc/cron.daily/logrotate") ),
    _silent("upgrade", "everything is upgraded in one night", together(_apt, upgraded("bash", "coreutils", "sudo", "openssh-server", "libc6", "curl"), written("/usr/bin/bash", "/usr/bin/ls", "/usr/bin/sudo", "/usr/sbin/sshd", "/usr/bin/curl")), role="database"),
    _silent("install", "a cache with its user, unit and port", _memcached),
    _silent("install", "a database with its user, units, job and port", _postgres),
    _silent("install", "a tool for looking at packets", _upgrade("tcpdump"), role="admin"),
    _silent("install", "a guard", _upgrade("fail2ban")),
    _silent("install", "a SUID program with its package", together(upgraded("iputils-ping"), added("suid_bin", suid("/usr/bin/ping")))),
    _silent("install", "new files are laid beside the old", together(_apt, written("/etc/pam.d/su.dpkg-new"))),
    _silent("remove", "a package goes with its unit and port", _remove_exporter, role="admin"),
    _silent("kernel", "a new kernel is installed, and the machine started later", _kernel, nothing, _started),
    _silent("reboot", "ports come back in another order", _starting, *(_started,) * 7, lasting=False, role="database"),
    _silent("config-management", "a job on every host", _config_run),
    _silent("config-management", "many of its files at once", together(_tool, _config_run, written("/etc/sudoers.d/90-ops", "/etc/shadow")), role="build"),
    _asks("config-management", "settings of the kernel, on this host alone", "file:/etc/sysctl.conf", written("/etc/sysctl.conf")),
    _silent("config-management", "a narrow rule of sudo with its package", _monitor_rule),
    _silent("config-management", "a name in the rules of sudo for two programs of the system", _named_commands),
    _silent("certificate", "certificates are renewed", _certificate),
    _asks("colleague", "an operator adds a colleague with a key", "user:eva", _colleague),
    _silent("deploy", "a new version; its port is away for a moment", _deploying, *(_deploy,) * 7, lasting=False),
    _asks("deploy", "a new service in /opt with its unit, its first time", "unit:shop.service", _service),
    _silent("container", "a container is started", _image, role="build"),
    _silent("snap", "a snap is refreshed", _snap),
    _silent("backup", "a disk is mounted, and taken away again", added("mounts", mount("/mnt/backup", "/dev/vdc1", "ext4")), nothing, nothing, lasting=False),
    _silent("backup", "a share is mounted for a backup", added("mounts", mount("/mnt/nas", "10.0.0.80:/export", "nfs4")), role="database"),
    _silent("agent", "an agent of a later version looks at more files", _wider, role="admin"),
    _silent("password", "somebody who is logged in changes a password", together(_here, written("/etc/shadow"))),
    _silent("password", "somebody changes a password and is gone before the file is read", _here, written("/etc/shadow"), lasting=False),
    _silent("password", "somebody with a session without a terminal changes a password", together(_session, written("/etc/shadow")), role="database"),
    _silent("password", "a package locks its account", together(upgraded("postgresql-common"), written("/etc/shadow")), role="database"),
    _silent("password", "a managing tool sets a password", together(_tool, written("/etc/shadow")), role="build"),
    _asks("password", "a password changes, and nobody was seen here", "file:/etc/shadow", written("/etc/shadow")),
    _silent("cron", "a job that asks a health check", added("crontab", job("/etc/cron.d/h", "root curl -fsS https://example.org/ping > /dev/null", "*/5 * * * *"))),
    _silent("cron", "a job that writes to a temporary directory", added("crontab", job("/etc/cron.d/b", "root tar czf /tmp/etc.tgz /etc > /tmp/b.log 2>&1"))),
    _silent("cron", "an operator's own script, every hour", added("crontab", job("/var/spool/cron/crontabs/ana", "/home/ana/bin/report.sh", "5 * * * *") )),
    _silent("cron", "a job gets another hour", together(_later, written("/etc/cron.d/e2scrub_all"))),
    _silent("operator", "an operator comes in from another place", added("logged_in_users", {"user": "ana", "tty": "pts/1", "host": "10.0.9.7", "time": 1})),
    _silent("operator", "an operator works as root on the console", added("logged_in_users", {"user": "root", "tty": "tty1", "host": "", "time": 1})),
    _silent("operator", "a test server on the machine itself", lambda s: s.listen(proc(950, 702, "python3", "/usr/bin/python3.11", "python3 /home/ana/t/srv.py", ANA), 45_871, "127.0.0.1")),
    _silent("unit", "a service is switched off and on", lambda s: s.edit("systemd_units", {"id": "e2scrub_all.timer"}, unit_file_state="disabled"), nothing, lasting=False),
    _silent("unit", "a person's own service", added("systemd_units", unit("tmux.service", folder="/home/ana/.config/systemd/user"))),
    _silent("modules", "a firewall and a disk load their modules", added("kernel_modules", *(module(n) for n in ("xt_nat", "veth", "dm_crypt", "nls_utf8")))),
    _silent("restart", "a port is away while its service starts again", _no_port, nothing, lasting=False),
    _silent("install", "a certificate tool with its job that waits a random time", together(upgraded("certbot"), added("crontab", job("/etc/cron.d/certbot", "root perl -e 'sleep int(rand(43200))' && certbot -q renew", "0 */12 * * *")), written("/etc/cron.d/certbot"))),
    _silent("install", "the tools of containers with their units, modules and group", together(upgraded("docker-ce", "containerd.io"), added("systemd_units", unit("docker.service"), unit("containerd.service")), added("kernel_modules", module("bridge"), module("br_netfilter")), written("/etc/group"))),
    _silent("install", "statistics with a timer and a job every ten minutes", together(upgraded("sysstat"), added("systemd_units", unit("sysstat.service"), unit("sysstat-collect.timer")), added("crontab", job("/etc/cron.d/sysstat", "root debian-sa1 1 1", "*/10 * * * *")), written("/etc/cron.d/sysstat", "/etc/cron.daily/sysstat")), role="database"),
    _silent("keys", "an old key is taken away", lambda s: s.drop("authorized_keys", uid=1001)),
    _silent("jobs", "an old job is taken away", lambda s: s.drop("crontab", path="/etc/cron.d/e2scrub_all")),
)
# fmt: on
