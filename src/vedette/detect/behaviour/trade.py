"""What a tool is for, and what it means when a service takes it up: people use tools, services serve."""

import re

from vedette.detect.behaviour.form import SERVING, Form

__all__ = ["SUID", "is_bare", "is_container", "served", "trade"]

_TRADES: dict[str, str] = {
    "fetch": "curl wget aria2c axel lwp-download lwp-request lwp-get fetch tftp lynx w3m links http https",
    "remote": "ssh autossh telnet rsh rlogin rexec smbclient xfreerdp rdesktop evil-winrm winexe mosh sshpass dbclient"
    " ansible ansible-playbook psexec salt-ssh knife pdsh clush",
    "copy": "scp sftp rsync ftp lftp ncftp ncftpput rcp smbget cadaver unison",
    "cloud": "aws gsutil gcloud az rclone s3cmd mc azcopy doctl oci linode-cli b2 gdrive megacmd",
    "pack": "tar zip 7z 7za 7zr rar bzip2 xz cpio",
    "dump": "pg_dump pg_dumpall mysqldump mariadb-dump mongodump mongoexport sqlite3 redis-cli psql mysql mongosh mongo",
    "decode": "base64 base32 xxd uudecode openssl gpg hexdump",
    "account": "useradd adduser usermod userdel deluser groupadd passwd chpasswd chsh gpasswd vipw visudo",
    "schedule": "crontab at batch atrm systemd-run systemctl service update-rc.d",
    "raise": "sudo su pkexec doas newgrp runuser machinectl dzdo sg",
    "permit": "chmod chown chattr setfacl setcap mount umount unshare nsenter chroot capsh insmod modprobe setpriv"
    " losetup",
    "build": "gcc cc g++ clang tcc as ld make go rustc cargo musl-gcc",
    "debug": "gdb strace ltrace perf bpftrace gcore lldb ptrace",
    "container": "docker podman kubectl crictl ctr nerdctl lxc helm",
    "kill": "kill pkill killall systemctl",
    "play": "nc ncat netcat socat telnet busybox script expect tmux screen stty tty vi vim nano ed ab wrk siege hey"
    " vegeta iperf3 stress stress-ng",
    "look": "id whoami w who last lastlog users groups finger uname hostname hostnamectl uptime ps pstree top pgrep lsof"
    " netstat ss ifconfig ip route arp iptables nft env printenv set df lsblk fdisk blkid mount free lscpu lspci lsusb"
    " lsmod dmidecode lshw nproc getent getcap dpkg rpm apt pip find locate which whereis ls dir stat tree du dig"
    " nslookup host ping traceroute tracepath nmap getconf sysctl dmesg journalctl crontab cat head tail less more grep"
    " egrep strings awk sed cut sort wc file xargs tee history ldapsearch showmount rpcinfo klist touch",
}
# A tool of two trades counts for the first.
_BY_TOOL = {tool: name for name, tools in reversed(_TRADES.items()) for tool in tools.split()}

# Programs that people run with root's rights, and that drop or keep them by design.
SUID = re.compile(
    r"^(su|sudo|sudoedit|pkexec|doas|passwd|chsh|chfn|chage|newgrp|sg|gpasswd|expiry|mount|umount|mount\.\S+|umount\.\S+"
    r"|fusermount3?|ping6?|traceroute6?|ssh-keysign|ssh-agent|at|crontab|dbus-daemon\S*|polkit-agent-helper-1|unix_chkpwd"
    r"|exim4?|sendmail|postdrop|postqueue|procmail|maildrop|snap-confine|snap|chrome-sandbox|bwrap|newuidmap|newgidmap"
    r"|Xorg(\.wrap)?|xorg-wrapper|screen|utempter|pppd|ntfs-3g|staprun|vmware-\S+|VBox\S*|firejail|suexec|cgexec|lxc-\S+"
    r"|singularity|apptainer|starter-suid|qemu-bridge-helper|mtr-packet|kismet_cap\S*|userhelper|usernetctl|sshd\S*|login"
    r"|systemd|systemd-\S+|cron|crond|atd|gosu|runuser|runc\S*|crun|dumpcap|gdm\S*|lightdm|sddm\S*|cockpit-session)$"
)
_CONTAINER = re.compile(
    r"^(containerd-shim\S*|conmon|runc\S*|crun|docker-init|catatonit|kubelet|pause|lxc-\S+|lxd|incusd"
    r"|systemd-nspawn|bwrap|firejail)$"
)
_MONITOR = re.compile(
    r"^(nrpe|zabbix_agent\S*|check_mk\S*|munin-node|collectd|netdata\S*|telegraf|datadog-agent|agent|icinga2|nagios\d?"
    r"|naemon|sensu-agent|node_exporter|prometheus\S*|snmpd|monit|newrelic\S*|scollector|diamond|ossec-\S+|wazuh-\S+"
    r"|amazon-cloudwatch-agent|otelcol\S*|gmond|xymon\S*|apps\.plugin|osqueryd|bareos-fd|bacula-fd|urbackup\S*|backuppc)$"
)
_ARCHIVES = re.compile(
    r"^(cp|test|rsync|scp|ssh|gzip|lz4|zstd|pigz|xz|aws|gsutil|azcopy|wal-g|pgbackrest|barman\S*)$"
)
_OWN_CODE = re.compile(
    r"multiprocessing[.\w]*\s+import|spawn_main|forkserver|resource_tracker|loky|joblib|pip-setuptools-caller|celery|--multiprocessing-fork"
)
_UNITS = frozenset(
    {
        "journalctl",
        "tail",
        "top",
        "redis-cli",
        "psql",
        "mysql",
        "sqlite3",
        "aria2c",
        "tee",
        "tmux",
        "screen",
    }
)
_CODE = re.compile(r"\s-\w*c\s+[\"'({]*\s*(?:\S*/)?([\w.+-]+)")
_FIRST = r"(?:^|[\s/;&|(\"'])"
_CLOSER = (
    (
        {"fetch", "look"},
        re.compile(
            rf"{_FIRST}(?:curl\b.*(?:\s-T\b|--upload-file|\s-F\s*\S*=@|(?:--data-binary|--data|\s-d)\s*['\"]?@)"
            r"|wget\s.*--(?:post|body)-file|ping6?\s.*\s-p\s*[0-9a-f]{8}"
            r"|(?:dig|nslookup|host)\s+(?:[-+@]\S+\s+)*(?:[0-9a-f]{8,63}|[\w-]{30,63})\.\S+\.\w)"
        ),
        "send",
    ),
    (
        {"schedule", "permit"},
        re.compile(
            rf"{_FIRST}(?:crontab\s+(?:-u\s+\S+\s+)?-l\b|systemctl\s+(?:-\S+\s+)*(?:list|status|show|cat|is-|get-)"
            r"|mount(?:\s+-l)?$)"
        ),
        "look",
    ),
    (
        {"permit"},
        re.compile(rf"{_FIRST}(?:mount\s+(?:-\S+\s+)*/dev/|unshare\s|nsenter\s|chroot\s|capsh\s)"),
        "escape",
    ),
    ({"decode"}, re.compile(rf"{_FIRST}openssl\s+s_(?:client|server)\b"), "play"),
    ({"copy"}, re.compile(rf"{_FIRST}(?:scp|rsync)\s(?:-\S+\s+)*[\w.@-]+:\S+\s+[./]\S*$"), "fetch"),
)
"""Of which trades, by which arguments, what other trade is followed: data may leave by a question for names."""
_NEAR = re.compile(
    r"^(?!.*/(?:docker|containerd|crio|podman)\.sock).*(?:\b(?:localhost|127\.\d+\.\d+\.\d+|\[::1\]|0\.0\.0\.0)\b|--unix-socket)"
)


def trade(seen: Form) -> str:
    """What the program is for: one of the trades, or an empty text for one that is no known tool."""
    if not seen.path.endswith(f"bin/{seen.base}"):
        return ""
    return _BY_TOOL.get(seen.base) or _BY_TOOL.get(seen.name, "")


def served(seen: Form, above: Form | None, starter: Form | None, *, alone: bool) -> tuple[str, ...]:
    """The marks of a tool, a shell or inline code that a service account runs.

    `above` is the parent and `starter` what started it, shells left out (None: not seen); `alone` says that this is the first process itself, as it is for what
    was detached from its starter.
    """
    if starter is not None and not alone and _is_usual_starter(starter):
        return ()
    if starter is not None and starter.database and _ARCHIVES.match(seen.base):
        return ()
    if seen.role == "shell":
        found = (_shell(seen, above, alone=alone), _within(seen, above, alone=alone))
    elif seen.role == "interpreter":
        found = (_code(seen, alone=alone), "")
    else:
        found = (_tool(seen, above, trade(seen), seen.base, alone=alone), "")
    return tuple(mark for mark in found if mark)


def _is_usual_starter(above: Form) -> bool:
    """Whether such things are the very business of what started it: containers' keepers, monitors, people's tools."""
    return above.role in {"init", "cron", "sshd", "sudo", "builder"} or any(
        pattern.match(name)
        for pattern in (_CONTAINER, _MONITOR)
        for name in (above.base, above.name)
    )


def _tool(seen: Form, above: Form | None, name: str, tool: str, *, alone: bool) -> str:
    if not name or (name == "fetch" and _NEAR.search(seen.shown)):
        return ""
    name = _closer(name, seen.shown)
    if alone or above is None:
        # A unit may well run such a tool as its only program.
        return "" if tool in _UNITS else f"service.{name}"
    if above.database and _ARCHIVES.match(tool):
        return ""
    # What a database's or a service's own script runs is its way; code from a command line is not.
    return "" if above.role == "shell" and above.mode == "script" else f"service.{name}"


def _closer(name: str, command: str) -> str:
    """The trade that the tool's arguments show, where they show another than its usual one."""
    for trades, pattern, other in _CLOSER:
        if name in trades and pattern.search(command):
            return other
    return name


def _within(seen: Form, above: Form | None, *, alone: bool) -> str:
    """The mark of the tool that a shell was given to run."""
    if seen.mode != "code":
        return ""
    found = _CODE.search(seen.shown)
    tool = found.group(1) if found else ""
    return _tool(seen, above, _BY_TOOL.get(tool, ""), tool, alone=alone)


def _shell(seen: Form, above: Form | None, *, alone: bool) -> str:
    if seen.mode not in {"code", "interactive"}:
        return ""
    if alone or above is None:
        # A unit's own line of shell is common; a shell that waits for input is not.
        return "service.idle" if seen.mode == "interactive" else ""
    if above.role not in SERVING:
        return ""
    return "database.shell" if above.database else "service.shell"


def _code(seen: Form, *, alone: bool) -> str:
    if seen.mode == "code":
        return "" if _OWN_CODE.search(seen.shown) else ("service.line" if alone else "service.code")
    return "service.code" if is_bare(seen) else ""


def is_bare(seen: Form) -> bool:
    """Whether an interpreter was given neither a file nor a line of code: it runs what comes in."""
    words = seen.shown.split()
    bare = len(words) == 1 or words[1:] == ["-"]
    return seen.role == "interpreter" and seen.mode == "none" and not seen.script and bare


def is_container(seen: Form) -> bool:
    """Whether it keeps containers, or a system within the system."""
    return any(_CONTAINER.match(name) for name in (seen.base, seen.name))
