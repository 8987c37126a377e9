"""Facts about packages that matter to an intruder, or against one."""

from collections.abc import Iterable, Iterator

from vedette.core import Row
from vedette.detect.inventory.fact import Fact
from vedette.detect.view import View

__all__ = ["deb_packages", "rpm_packages"]

_GUARDS = frozenset(
    [
        "auditd",
        "rsyslog",
        "syslog-ng",
        "osquery",
        "falco",
        "clamav",
        "clamav-daemon",
        "fail2ban",
        "apparmor",
        "ufw",
        "firewalld",
        "nftables",
        "wazuh-agent",
        "auditbeat",
        "filebeat",
        "aide",
        "rkhunter",
        "chkrootkit",
        "crowdsec",
        "selinux-policy",
        "audit",
        "tripwire",
        "debsums",
        "unattended-upgrades",
        "needrestart",
        "libpam-pwquality",
        "sysmon",
        "sysmonforlinux",
        "ossec-hids-agent",
        "samhain",
        "suricata",
    ]
)
_DUAL = frozenset(
    [
        "nmap",
        "netcat-traditional",
        "netcat-openbsd",
        "ncat",
        "nmap-ncat",
        "socat",
        "tcpdump",
        "tshark",
        "wireshark",
        "hping3",
        "arp-scan",
        "sshpass",
        "autossh",
        "stunnel4",
        "gdb",
        "ngrep",
        "proxychains",
        "proxychains4",
    ]
)
_ATTACK = frozenset(
    [
        "masscan",
        "hydra",
        "john",
        "hashcat",
        "sqlmap",
        "nikto",
        "ettercap-common",
        "ettercap-text-only",
        "dsniff",
        "aircrack-ng",
        "medusa",
        "ncrack",
        "zmap",
        "bettercap",
        "metasploit-framework",
        "responder",
        "crackmapexec",
        "netexec",
        "impacket-scripts",
        "wfuzz",
        "gobuster",
        "ffuf",
        "dirb",
        "mimipenguin",
        "crunch",
        "fcrackzip",
        "patator",
        "exploitdb",
        "set",
        "beef-xss",
        "evil-winrm",
        "xmrig",
        "cpuminer",
        "cryptominer",
        "kismet",
        "reaver",
        "yersinia",
        "slowhttptest",
    ]
)
_TUNNELS = frozenset(
    [
        "tor",
        "torsocks",
        "iodine",
        "dns2tcp",
        "ptunnel",
        "ptunnel-ng",
        "chisel",
        "frp",
        "ngrok",
        "cloudflared",
        "obfs4proxy",
    ]
)
_REMOTE = frozenset(
    [
        "x11vnc",
        "tigervnc-standalone-server",
        "tightvncserver",
        "vnc4server",
        "vino",
        "xrdp",
        "anydesk",
        "teamviewer",
        "rustdesk",
        "zerotier-one",
        "telnetd",
        "inetutils-telnetd",
        "rsh-server",
        "rsh-redone-server",
        "meshagent",
        "dropbear",
        "dropbear-bin",
        "tinyssh",
        "shellinabox",
        "ttyd",
        "wetty",
    ]
)
_TOLD = _GUARDS | _DUAL | _ATTACK | _TUNNELS | _REMOTE


def deb_packages(view: View) -> Iterator[Fact]:
    """Of `deb_packages`: those that guard a host, and those that serve both sides."""
    return _packages("tool", view.rows("deb_packages"))


def rpm_packages(view: View) -> Iterator[Fact]:
    """Of `rpm_packages`, likewise. A kind of its own, as one table may change while the other comes by digest."""
    return _packages("tool.rpm", view.rows("rpm_packages"))


def _packages(kind: str, rows: Iterable[Row]) -> Iterator[Fact]:
    names = [row.get("name") for row in rows]
    if _TOLD.isdisjoint(names):
        return
    for name in names:
        if not isinstance(name, str) or name not in _TOLD:
            continue
        subject = f"package:{name}"
        if name in _GUARDS:
            yield Fact(kind, name, "", ("tool.guard",), subject, name, watch="guard-package")
        elif name in _DUAL:
            yield Fact(kind, name, "", ("tool.dual",), subject, name)
        elif (mark := _mark(name)) is not None:
            yield Fact(kind, name, "", (mark,), subject, name)


def _mark(name: str) -> str | None:
    if name in _ATTACK:
        return "tool.attack"
    if name in _TUNNELS:
        return "tool.tunnel"
    return "tool.remote" if name in _REMOTE else None
