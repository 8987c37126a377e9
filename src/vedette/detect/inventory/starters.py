"""Facts about what starts or stays by itself: scheduled jobs, units, kernel modules."""

import re
from collections.abc import Collection, Iterator
from functools import lru_cache

from vedette.detect.inventory.fact import Fact, text
from vedette.detect.outside import names_outside
from vedette.detect.place import dropped, hidden, place, risky
from vedette.detect.signature import deed
from vedette.detect.view import View
from vedette.detect.writes import written

__all__ = ["care", "jobs", "modules", "unit_states", "units"]

_SEGMENT = re.compile(r"\|\||&&|[;|&\n]")
_WRAPPERS = frozenset(
    [
        "nice",
        "ionice",
        "timeout",
        "env",
        "sudo",
        "nohup",
        "exec",
        "setsid",
        "chronic",
        "flock",
        "if",
        "then",
        "do",
        "time",
    ]
)
_RUNNERS = re.compile(
    r"^(\S*/)?(ba|da|z|k)?sh$|^(\S*/)?(python|perl|ruby|php|node|lua)[\d.]*$|^(source|\.)$"
)
_OUTPUT = re.compile(r"(?:\d|&)?>>?\s*\S+|</\S+")
# Where data lies, and no programs.
_ODD = re.compile(r"^/(var/(?!lib/dpkg/|www/)|usr/(share|include|games)/|boot/|mnt/|media/|proc/)")
# A pause of random length is what packages use one for.
_CODE = re.compile(
    r"(?:^|[\s;&|/])(?:python|perl|ruby|php|node|lua)[\d.]*\s+(?:-\S+\s+)*-\w*[cer]\s+(?![\"']sleep\b)[\"']"
)
_DOWNLOAD = re.compile(r"\b(?:curl|wget|nc|ncat|base64|ftp|scp)\b")
_SPOOL = re.compile(r"/var/spool/cron/(?:crontabs/|tabs/)?([^/]+)$")
_SERVICES = frozenset(
    [
        "www-data",
        "apache",
        "nginx",
        "http",
        "mysql",
        "postgres",
        "redis",
        "mongodb",
        "memcache",
        "nobody",
        "daemon",
        "bin",
        "sys",
        "tomcat",
        "jenkins",
        "git",
    ]
)
_DEEDS = frozenset(
    [
        "reverse",
        "fetch",
        "decode",
        "miner",
        "tunnel",
        "netcat",
        "cover",
        "disable",
        "exfil",
        "persist",
        "raise",
        "wipe",
        "encrypt",
        "module",
        "preload",
    ]
)
_DEED_WORDS = {
    "reverse": "it opens a shell to the network",
    "fetch": "it downloads and runs code",
    "decode": "it decodes and runs code",
}
_INSTANCE = re.compile(r"@[^.]*\.")
_GUARDS = re.compile(
    r"^(auditd|rsyslog|syslog-ng|syslog|systemd-journald|osqueryd|falco|clamav-\w+|fail2ban|apparmor|ufw|firewalld"
    r"|nftables|wazuh-agent|auditbeat|filebeat|crowdsec|aide\w*)\.(service|timer)$"
)
_UNIT_TYPES = (".service", ".timer", ".socket", ".path")
# What keeps a host in order: its clock, its updates, its backups, its logs, who watches it.
_KEEPERS = re.compile(
    r"^(chronyd?|systemd-timesyncd|ntpd?|ntpsec|openntpd|apt-daily(-upgrade)?|unattended-upgrades|dnf-automatic\S*"
    r"|logrotate|\S*backup\S*|restic\S*|borg\S*|smartd|smartmontools|mdmonitor\S*|\S*exporter|telegraf|collectd"
    r"|zabbix-agent2?|nagios-nrpe-server|nrpe|vedette-agent|certbot\S*)\.(service|timer)$"
)
_DEBUG = re.compile(r"^(debug-shell|telnet|rsh|rlogin|rexec|systemd-nspawn@)\.(service|socket)$")
_GUARD_MODULES = re.compile(
    r"^(falco|scap|sysdig_probe|falcon_\w+|ds_am|bmhook|auditbeat|lkrg|p_lkrg)$"
)
_CARE = re.compile(
    r"\b(backup|dump|restic|borg|rsnapshot|duplicity|bacula|logrotate|aide|tripwire|rkhunter|chkrootkit|debsums|lynis"
    r"|clamscan|freshclam|certbot|unattended-upgrade|ntpdate|fstrim)"
)
_MODULES = re.compile(
    r"^(nf|nft|nfnetlink|xt|ip|ip6|ipt|ip6t|iptable|ip6table|ebt|ebtable|arp|br|bridge|veth|overlay|loop|dm|tun|tap|vhost"
    r"|kvm|snd|usb|hid|nls|fuse|isofs|udf|vfat|fat|exfat|ext4|xfs|btrfs|jbd2|nfs|nfsd|nfsv\d|lockd|cifs|sunrpc|ceph|rbd|algif|af"
    r"|aes|sha\d*|crypto|crc\w*|tcp|sch|cls|act|wireguard|udp|vxlan|geneve|gre|bonding|dummy|ifb|macvlan|macvtap|ipvlan"
    r"|ipvtap|scsi|sd|sr|sg|nvme|virtio|vmw|vsock|hv|xen|drm|i915|amdgpu|nvidia|intel|acpi|i2c|bluetooth|bt\w*|cfg80211"
    r"|mac80211|iwl\w*|md|raid\d+|lz4|zstd|zram|z3fold|squashfs|binfmt|inet|unix|tls|cdc|input|joydev|led|rfkill|thermal"
    r"|iscsi|target|libcrc32c|stp|llc|8021q|garp|mrp|netlink|psample|rapl|cuse|configfs|pps|ptp|edac|mei|uas|aesni|libchacha\w*|poly1305|curve25519|chacha\w*|ghash|cryptd|blake2\w*|curve\w*|rpcsec\w*|auth|grace|dns|fscache|netfs|cachefiles|nbd|vboxdrv|zfs|spl|evdev|mousedev|psmouse|serio|parport|ppdev|lp|pcspkr|mbcache|efi\w*|autofs4|quota\w*|msr|cpuid|softdog|iTCO\w*|watchdog|ipmi|uio|vfio|irqbypass|cec|rc|video|media|uvc\w*|v4l2)(_|\d|$)"
)
_LENGTH = 4_000  # letters of a command that are read


def _program(segment: str) -> str:
    """The program (or the script given to an interpreter) that one simple command runs."""
    words = segment.strip(" (){}\t\"'").split()
    skip = 0
    wrapped = False
    for word in words:
        if word in _WRAPPERS:
            wrapped = True
            skip = int(word == "flock")
        elif "=" in word.split("/", 1)[0] or (wrapped and (word[0] == "-" or word[0].isdigit())):
            continue
        elif _RUNNERS.match(word):
            wrapped = True
        elif skip:
            skip -= 1
        else:
            return word.strip("\"'")
    return ""


@lru_cache(maxsize=2048)
def _marks(command: str, account: str, minute: str) -> tuple[tuple[str, ...], str]:
    runs = [_program(segment) for segment in _SEGMENT.split(_OUTPUT.sub(" ", command))]
    marks = []
    if any(map(risky, runs)):
        marks.append("cron.temp")
    if any(map(hidden, runs)):
        marks.append("cron.hidden")
    if any(_ODD.match(path) or dropped(path) for path in runs):
        marks.append("cron.odd")
    found = deed(command)
    if found in _DEEDS:
        marks.append("cron.deed")
    if _CODE.search(command):
        marks.append("cron.code")
    if written(command) is not None:
        marks.append("cron.plant")
    if _DOWNLOAD.search(command):
        marks.append("cron.stranger" if names_outside(command) else "cron.download")
    if account:
        marks.append("cron.service")
    home = any(place(path) in {"home", "roothome"} or path.startswith("~") for path in runs)
    always = minute in {"*", "*/1", "@reboot"}
    if home:
        marks.append("cron.kept" if always else "cron.home")
    if always:
        marks.append("cron.minute")
    return tuple(marks) or ("cron.plain",), found


def jobs(view: View, closed: Collection[str]) -> Iterator[Fact]:
    """Of `crontab`: one per file and command; its schedule is the value. `closed` are accounts that can't log in."""
    for row in view.rows("crontab"):
        file, command = text(row, "path"), text(row, "command")
        spool = _SPOOL.search(file)
        owner, _, rest = command.partition(" ") if spool is None else (spool[1], "", command)
        owner, tab, after = owner.partition("\t")
        rest = f"{after} {rest}" if tab else rest
        schedule = [text(row, part) for part in ("event", "minute", "hour", "day_of_week")]
        minute = schedule[0] or schedule[1]
        account = "service" if owner in _SERVICES or owner in closed else ""
        marks, found = _marks((rest.strip() or command)[:_LENGTH], account, minute[:64])
        yield Fact(
            "cron",
            f"{file}\0{command}",
            " ".join(schedule),
            marks,
            f"cron:{file}",
            f"{command[:200]!r} in {file}",
            "cron.plain",
            deed=_DEED_WORDS.get(found, found),
        )


def care(view: View) -> Iterator[Fact]:
    """Of `crontab`: what is kept up by a job (backups, rotation, checks), one by file and word, however it is called."""
    for row in view.rows("crontab"):
        file, command = text(row, "path"), text(row, "command")[:_LENGTH]
        for word in sorted(set(_CARE.findall(command))):
            shown = f"{command[:200]!r} in {file}"
            yield Fact(
                "care", f"{file}\0{word}", "", ("care.there",), f"cron:{file}", shown, watch="care"
            )


def units(view: View) -> Iterator[Fact]:
    """Of `systemd_units`: services, timers, sockets and paths with a file that lasts, one per name; the file is the value."""
    for name, file, state in _lasting(view):
        mark = _unit_mark(name, file, state)
        if mark in {"unit.made", "unit.timer", "unit.own"}:
            changed = "unit.override"
        else:
            changed = (
                mark if mark in {"unit.risky", "unit.alias", "unit.linked"} else "unit.changed"
            )
        yield Fact(
            "unit.file",
            name,
            file,
            (mark,),
            f"unit:{name}",
            f"{name} ({file or 'no file'}, {state or 'no state'})",
            changed,
            "guard-unit" if _GUARDS.match(name) else "",
        )


def unit_states(view: View) -> Iterator[Fact]:
    """Of the same: whether it starts by itself is the value."""
    for name, file, state in _lasting(view):
        changed = "unit.changed"
        if state in {"disabled", "masked", "masked-runtime"}:
            if _GUARDS.match(name):
                changed = "unit.guard-off"
            elif _KEEPERS.match(name):
                changed = "unit.care-off"
            elif state != "disabled":
                changed = "unit.masked"
        elif _DEBUG.match(name) and state.startswith(("enabled", "linked")):
            changed = "unit.debug"
        shown = f"{name} ({state or 'no state'}, {file or 'no file'})"
        yield Fact("unit.state", name, state, ("unit.state",), f"unit:{name}", shown, changed)


def _lasting(view: View) -> Iterator[tuple[str, str, str]]:
    for row in view.rows("systemd_units"):
        name = _INSTANCE.sub("@.", text(row, "id"))
        file = text(row, "fragment_path")
        if name.endswith(_UNIT_TYPES) and not file.startswith("/run/"):
            yield name, file, text(row, "unit_file_state")


def _unit_mark(name: str, file: str, state: str) -> str:
    if risky(file) or (hidden(file) and place(file) not in {"home", "roothome"}):
        return "unit.risky"
    if state in {"alias", "generated", "transient", "linked-runtime", "masked"} or not file:
        return "unit.alias"
    if state == "linked":
        return "unit.linked"
    if place(file) in {"home", "roothome"}:
        return "unit.own"
    if file.startswith(("/lib/", "/usr/lib/")):
        return "unit.packaged"
    return "unit.timer" if name.endswith(".timer") else "unit.made"


def modules(view: View) -> Iterator[Fact]:
    """Of `kernel_modules`: one per name."""
    for row in view.rows("kernel_modules"):
        name = text(row, "name")
        mark = "module.common" if _MODULES.match(name) else "module.plain"
        watch = "guard-module" if _GUARD_MODULES.match(name) else ""
        yield Fact("module", name, "", (mark,), f"module:{name}", name, watch=watch)
