"""What is installed on each made-up host, whatever its role: accounts, packages, units, files and daemons."""

from hashlib import sha256

from tests.detect.coverage.stage import (
    job,
    key,
    module,
    mount,
    package,
    proc,
    suid,
    unit,
    user,
)

from vedette.core import Row

__all__ = ["ANA", "WORKER", "base_tables"]

ANA, WORKER = 1000, 998

_WATCHED = [
    "/etc/passwd",
    "/etc/group",
    "/etc/shadow",
    "/etc/sudoers",
    "/etc/sudoers.d/90-ops",
    "/etc/crontab",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/profile",
    "/etc/environment",
    "/etc/bash.bashrc",
    "/etc/ssh/sshd_config",
    "/etc/pam.d/sshd",
    "/etc/pam.d/sudo",
    "/etc/pam.d/su",
    "/etc/pam.d/login",
    "/etc/pam.d/common-auth",
    "/etc/cron.d/e2scrub_all",
    "/etc/cron.daily/apt-compat",
    "/etc/cron.daily/dpkg",
    "/etc/cron.daily/logrotate",
    "/etc/profile.d/bash_completion.sh",
    "/root/.bashrc",
    "/root/.profile",
    "/root/.ssh/authorized_keys",
    "/usr/sbin/sshd",
    "/usr/bin/sudo",
    "/usr/bin/su",
    "/usr/bin/login",
    "/usr/bin/ps",
    "/usr/bin/ls",
    "/usr/bin/ss",
    "/usr/bin/ssh",
    "/usr/bin/bash",
    "/usr/bin/passwd",
    "/usr/bin/curl",
]
_SYSTEM_USERS = [
    "daemon",
    "bin",
    "sys",
    "sync",
    "games",
    "man",
    "lp",
    "mail",
    "news",
    "uucp",
    "proxy",
    "www-data",
    "backup",
    "list",
    "irc",
    "nobody",
    "_apt",
    "systemd-network",
    "messagebus",
    "sshd",
]
_PACKAGES = [
    "adduser",
    "apt",
    "base-files",
    "bash",
    "bsdutils",
    "ca-certificates",
    "coreutils",
    "cron",
    "curl",
    "dash",
    "debconf",
    "debian-archive-keyring",
    "diffutils",
    "dpkg",
    "e2fsprogs",
    "findutils",
    "gcc-12-base",
    "gpgv",
    "grep",
    "gzip",
    "hostname",
    "init",
    "iproute2",
    "iptables",
    "kmod",
    "less",
    "libacl1",
    "libapparmor1",
    "libattr1",
    "libaudit1",
    "libblkid1",
    "libbz2-1.0",
    "libc-bin",
    "libc6",
    "libcap2",
    "libcom-err2",
    "libcrypt1",
    "libgcrypt20",
    "libgnutls30",
    "libkrb5-3",
    "liblzma5",
    "libpam-modules",
    "libpam-runtime",
    "libpam0g",
    "libpcre2-8-0",
    "libselinux1",
    "libssl3",
    "libstdc++6",
    "libsystemd0",
    "libudev1",
    "linux-image-6.1.0-21-amd64",
    "login",
    "logrotate",
    "lsb-release",
    "mawk",
    "mount",
    "nano",
    "ncurses-base",
    "openssh-client",
    "openssh-server",
    "openssl",
    "passwd",
    "perl-base",
    "procps",
    "python3",
    "python3.11",
    "rsyslog",
    "sed",
    "sudo",
    "systemd",
    "systemd-sysv",
    "tar",
    "tzdata",
    "udev",
    "util-linux",
    "vim-tiny",
    "whiptail",
    "zlib1g",
    "auditd",
    "chrony",
    "unattended-upgrades",
]
_UNITS = [
    "ssh.service",
    "cron.service",
    "rsyslog.service",
    "auditd.service",
    "chrony.service",
    "systemd-journald.service",
    "systemd-logind.service",
    "systemd-udevd.service",
    "dbus.service",
    "networking.service",
    "unattended-upgrades.service",
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "logrotate.timer",
    "fstrim.timer",
    "e2scrub_all.timer",
    "getty@.service",
]
_MODULES = [
    "ext4",
    "jbd2",
    "nf_tables",
    "nf_conntrack",
    "virtio_net",
    "virtio_blk",
    "overlay",
    "loop",
    "fuse",
    "dm_mod",
]
_SUID = [
    "/usr/bin/su",
    "/usr/bin/sudo",
    "/usr/bin/passwd",
    "/usr/bin/chsh",
    "/usr/bin/chfn",
    "/usr/bin/gpasswd",
    "/usr/bin/mount",
    "/usr/bin/umount",
    "/usr/bin/newgrp",
    "/usr/lib/openssh/ssh-keysign",
]


def _base_processes() -> list[Row]:
    return [
        proc(1, 0, "systemd", "/usr/lib/systemd/systemd", "/sbin/init"),
        proc(2, 0, "kthreadd", "", ""),
        proc(10, 2, "kworker/0:1-events", "", ""),
        proc(11, 2, "ksoftirqd/0", "", ""),
        proc(12, 2, "jbd2/vda1-8", "", ""),
        proc(
            300,
            1,
            "systemd-journal",
            "/usr/lib/systemd/systemd-journald",
            "/lib/systemd/systemd-journald",
        ),
        proc(
            310, 1, "systemd-udevd", "/usr/lib/systemd/systemd-udevd", "/lib/systemd/systemd-udevd"
        ),
        proc(320, 1, "auditd", "/usr/sbin/auditd", "/sbin/auditd"),
        proc(
            330, 1, "dbus-daemon", "/usr/bin/dbus-daemon", "/usr/bin/dbus-daemon --system", uid=103
        ),
        proc(
            340,
            1,
            "systemd-logind",
            "/usr/lib/systemd/systemd-logind",
            "/lib/systemd/systemd-logind",
        ),
        proc(350, 1, "rsyslogd", "/usr/sbin/rsyslogd", "/usr/sbin/rsyslogd -n -iNONE", threads=4),
        proc(360, 1, "cron", "/usr/sbin/cron", "/usr/sbin/cron -f"),
        proc(370, 1, "chronyd", "/usr/sbin/chronyd", "/usr/sbin/chronyd -F 1", uid=104),
        proc(380, 1, "sshd", "/usr/sbin/sshd", "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100"),
        proc(
            390, 1, "agetty", "/usr/sbin/agetty", "/sbin/agetty -o -p -- \\u --noclear tty1 linux"
        ),
    ]


def base_tables() -> dict[str, list[Row]]:
    users = [user("root", 0, "/bin/bash", "/root")]
    users += [
        user(name, 65_534 if name == "nobody" else at, home="/usr/sbin")
        for at, name in enumerate(_SYSTEM_USERS, 1)
    ]
    users += [user("worker", WORKER, home="/srv/app"), user("ana", ANA, "/bin/bash")]
    users += [user("ben", 1001, "/bin/bash")]
    ports: list[Row] = [
        {"pid": 380, "port": 22, "protocol": 6, "family": 2, "address": "0.0.0.0"},
        {"pid": 380, "port": 22, "protocol": 6, "family": 10, "address": "::"},
        {"pid": 370, "port": 323, "protocol": 17, "family": 2, "address": "127.0.0.1"},
    ]
    rules = (
        ("Defaults", "env_reset"),
        ("Defaults", "use_pty"),
        ("root", "ALL=(ALL:ALL) ALL"),
        ("%sudo", "ALL=(ALL:ALL) ALL"),
    )
    hourly = "root\tcd / && run-parts --report /etc/cron.hourly"
    daily = "root\ttest -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }"
    digests = {path: sha256(path.encode()).hexdigest() for path in _WATCHED}
    return {
        "processes": _base_processes(),
        "process_open_sockets": [],
        "listening_ports": ports,
        "users": users,
        "logged_in_users": [],
        "authorized_keys": [
            key(0, "/root/.ssh/authorized_keys", "a"),
            key(ANA, "/home/ana/.ssh/authorized_keys", "b"),
            key(1001, "/home/ben/.ssh/authorized_keys", "d"),
        ],
        "sudoers": [
            {"source": "/etc/sudoers", "header": header, "rule_details": rule}
            for header, rule in rules
        ],
        "crontab": [
            job("/etc/crontab", hourly, "17 * * * *"),
            job("/etc/crontab", daily, "25 6 * * *"),
            job("/etc/cron.d/e2scrub_all", "root /sbin/e2scrub_all -A -r", "10 3 * * *"),
            job(
                "/var/spool/cron/crontabs/root",
                "/usr/local/bin/backup.sh > /dev/null 2>&1",
                "30 2 * * *",
            ),
        ],
        "systemd_units": [unit(name) for name in _UNITS],
        "kernel_modules": [module(name) for name in _MODULES],
        "suid_bin": [suid(path) for path in _SUID] + [suid("/usr/bin/crontab", "G")],
        "hash": [{"path": path, "sha256": digest} for path, digest in digests.items()],
        "mounts": [
            mount("/", "/dev/vda1", "ext4"),
            mount("/proc", "proc", "proc"),
            mount("/sys", "sysfs", "sysfs"),
            mount("/dev", "udev", "devtmpfs"),
            mount("/run", "tmpfs", "tmpfs"),
            mount("/dev/shm", "tmpfs", "tmpfs"),
            mount("/tmp", "tmpfs", "tmpfs"),
            mount("/var/lib/data", "/dev/vdb1", "ext4"),
        ],
        "deb_packages": [package(name) for name in _PACKAGES],
    }
