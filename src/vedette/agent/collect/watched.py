"""Which files are watched: what lets somebody in, what runs by itself, what sees, and what an intruder replaces."""

import hashlib

__all__ = ["BEFORE_MERGE", "CONFIG_HASH", "DIRECTORIES", "DROP_INS", "FILES", "HOMES"]

FILES = (
    "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/etc/crontab", "/etc/anacrontab",
    "/etc/ld.so.preload", "/etc/ld.so.conf", "/etc/rc.local", "/etc/hosts", "/etc/hosts.allow", "/etc/hosts.deny",
    "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/profile", "/etc/environment", "/etc/bash.bashrc", "/etc/bashrc",
    "/etc/ssh/sshd_config", "/etc/ssh/ssh_config", "/etc/krb5.conf", "/etc/login.defs",
    "/etc/fstab", "/etc/crypttab", "/etc/exports", "/etc/sysctl.conf", "/etc/modules", "/etc/default/grub",
    "/etc/rsyslog.conf", "/etc/audit/auditd.conf", "/etc/audit/audit.rules", "/etc/logrotate.conf",
    "/etc/systemd/journald.conf", "/etc/systemd/system.conf", "/etc/systemd/timesyncd.conf",
    "/etc/chrony/chrony.conf", "/etc/chrony.conf", "/etc/ntp.conf",
    "/etc/nftables.conf", "/etc/iptables/rules.v4", "/etc/iptables/rules.v6", "/etc/selinux/config",
    "/etc/docker/daemon.json", "/etc/apt/sources.list", "/etc/apt/apt.conf", "/etc/yum.conf", "/etc/dnf/dnf.conf",
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
    "/root/.bashrc", "/root/.bash_profile", "/root/.bash_login", "/root/.bash_logout",
    "/root/.profile", "/root/.zshrc",
    "/root/.ssh/authorized_keys", "/root/.ssh/authorized_keys2", "/root/.ssh/config", "/root/.ssh/rc",
    "/root/.ssh/environment",
    "/usr/sbin/sshd", "/usr/bin/sudo", "/usr/bin/su", "/usr/bin/login", "/usr/bin/ps", "/usr/bin/ls",
    "/usr/bin/ss", "/usr/bin/ssh", "/usr/bin/bash", "/usr/bin/passwd", "/usr/bin/curl", "/usr/bin/wget",
    "/usr/bin/scp", "/usr/bin/top", "/usr/bin/id", "/usr/bin/find", "/usr/bin/lsof", "/usr/bin/netstat",
    "/usr/bin/crontab", "/usr/bin/systemctl", "/usr/bin/journalctl", "/usr/bin/dpkg", "/usr/bin/apt-get",
    "/usr/bin/rpm", "/usr/bin/openssl",
    "/usr/sbin/cron", "/usr/sbin/crond", "/usr/sbin/rsyslogd", "/usr/sbin/auditd", "/usr/sbin/agetty",
    "/usr/lib/x86_64-linux-gnu/security/pam_unix.so", "/usr/lib/aarch64-linux-gnu/security/pam_unix.so",
    "/usr/lib64/security/pam_unix.so",
)  # fmt: skip
DIRECTORIES = (
    "/etc/pam.d", "/etc/security", "/etc/sudoers.d", "/etc/cron.d", "/etc/profile.d", "/etc/ssh/sshd_config.d",
    "/etc/ssh/ssh_config.d", "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly",
    "/var/spool/cron/atjobs", "/var/spool/at",
    "/etc/ld.so.conf.d", "/etc/init.d", "/etc/xdg/autostart", "/etc/update-motd.d", "/etc/udev/rules.d",
    "/etc/network/if-up.d", "/etc/NetworkManager/dispatcher.d", "/etc/logrotate.d", "/etc/polkit-1/rules.d",
    "/etc/apt/apt.conf.d", "/etc/apt/sources.list.d", "/etc/yum.repos.d",
    "/etc/modules-load.d", "/etc/modprobe.d", "/etc/sysctl.d", "/usr/local/share/ca-certificates",
    "/etc/systemd/system", "/etc/systemd/system-generators", "/usr/local/lib/systemd/system-generators",
    "/etc/rsyslog.d", "/etc/audit/rules.d",
)  # fmt: skip
DROP_INS = "/etc/systemd/system"
"""A folder in which folders that end in `.d` hold what changes a unit."""

HOMES = (
    ".bashrc", ".bash_profile", ".bash_login", ".profile", ".zshrc", ".ssh/authorized_keys", ".ssh/config", ".ssh/rc",
    ".ssh/environment",
)  # fmt: skip
"""Of everyone who can log in."""

# Systems whose /bin is not /usr/bin keep the programs there.
BEFORE_MERGE = ("/bin/su", "/bin/login", "/bin/ps", "/bin/ls", "/bin/ss", "/bin/bash")

CONFIG_HASH = hashlib.sha256(
    "\n".join((*FILES, *DIRECTORIES, DROP_INS, *HOMES, *BEFORE_MERGE)).encode()
).hexdigest()
"""Which files are watched, in a word: another one says that new rows of `hash` are newly looked at, not new."""
