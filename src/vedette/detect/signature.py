"""Command lines that speak for themselves: what a tool or a one-liner is for, whoever wrote it.

Reviewed patterns, looked for in the first 1,000 characters of a command. Each names a deed; how much a deed weighs is
in the experts' tables.
"""

import re
from functools import lru_cache

__all__ = ["deed"]

_LENGTH = 1_000
_SHELL = r"(?:ba|da|z|k|a)?sh\b"
_SH = rf"(?:\S*/)?{_SHELL}"
_RUN = (
    rf"(?:(?:sudo|busybox)\s+(?:-\S+\s+)*)?(?:{_SH}|(?:\S*/)?(?:python|perl|ruby|php|node)[\d.]*\b)"
)
_GUARDS = (
    r"(?:auditd|rsyslogd?|syslog(?:-ng)?|systemd-journald|osqueryd?|falcon-sensor|falco|clamav\S*|clamd|fail2ban\S*"
    r"|apparmor|firewalld|ufw|nftables|iptables|wazuh\S*|sysmon|filebeat|auditbeat|vedette\S*|crowdsec|aide)"
)
_LOGS = (
    r"/var/log/(?:auth|syslog|secure|messages|wtmp|btmp|lastlog|faillog|kern|cron|audit|journal|\*)"
)


def _tool(names: str) -> str:
    return rf"^(?:sudo\s+(?:-\S+\s+)*)?(?:\S*/)?(?:{names})(?:\s|$)"


# Each tool named is a place where patterns begin, and each then reads to the end: so many make any deed, and more only
# make work.
_SHORT, _MOST_TOOLS = 300, 40
_TOOLS = re.compile(
    r"\b(?:nc|ncat|netcat|curl|wget|rm|shred|truncate|unlink|wipe|srm|ln|cat|cp|less|more|tail|head|strings|scp|tar"
    r"|base64|xxd|grep|awk|unshadow|dd|g?zip|mysqldump|7z|find|ssh|autossh|chmod|systemctl|pkill|killall|sed|docker"
    r"|python|perl|ruby|php|node|lua|openssl|gpg|sh|bash|useradd|usermod|journalctl)\b"
)

# All patterns of an entry must be found; none has more than one open-ended repeat, so that no command line, however
# made, takes more than quadratic time.
_DEEDS: tuple[tuple[str, re.Pattern[str], tuple[re.Pattern[str], ...]], ...] = tuple(
    (name, re.compile(first, re.DOTALL), tuple(re.compile(one, re.DOTALL) for one in others))
    for name, first, *others in (
        ("reverse", r"/dev/(?:tcp|udp)/[\w.$\[{-]+/"),
        (
            "reverse",
            r"\b(?:nc|ncat|netcat)(?:\.\w+)?\s(?:[^|;&]*\s)?(?:-[a-z]*[ec]|--exec|--sh-exec)\s+\S*(?:sh|cmd)\b",
        ),
        ("reverse", r"\bsocat\b", r"\b(?:exec|system):"),
        (
            "reverse",
            r"\b(?:python|perl|ruby|php|lua|node)[\d.]*\s",
            r"\s-\w*[cer]\b",
            r"socket|fsockopen|TCPSocket|net\.connect|Socket::",
            r"dup2|/bin/\w*sh\b|pty\.spawn|exec\s?\(\s?[\"']\S*sh|subprocess|child_process",
        ),
        ("reverse", r"\bmkfifo\b", r"\b(?:nc|ncat|netcat|telnet|openssl)\b"),
        ("reverse", r"\btelnet\b[^|]*\|\s*" + _SH + r"\s*\|\s*telnet"),
        ("fetch", rf"\b(?:curl|wget)\b[^|;&]*\|(?:[^|;]*\|)?\s*{_RUN}"),
        ("fetch", rf"{_SHELL}\s+(?:-c\s+)?[\"']?(?:\$\(|`|<\()\s*(?:curl|wget)\b"),
        (
            "fetch",
            r"\b(?:curl|wget)\s",
            r"\s(?:-\w*[oO]|--output|-P)\s*(?:/tmp|/var/tmp|/dev/shm)\b",
            r"(?:;|&&)\s*(?:chmod|sh|bash|/tmp/|/dev/shm/)",
        ),
        ("decode", rf"\bbase(?:64|32)\s+(?:-d|-D|--decode)\b[^|]*\|(?:[^|;]*\|)?\s*{_RUN}"),
        ("decode", r"\b(?:xxd\s+-r|openssl\s+enc\s.*-d)\b[^|]*\|\s*" + _RUN),
        (
            "decode",
            r"\b(?:eval|exec)\b",
            r"\b(?:b64decode|decode_base64|base64_decode|base64\s+-d)",
        ),
        ("miner", r"\bstratum\d?\+(?:tcp|ssl|tls)://|--donate-level|--rig-id\b|--randomx"),
        (
            "miner",
            _tool(
                "xmrig|minerd|cpuminer\\S*|kdevtmpfsi|kinsing|ethminer|cgminer|bfgminer|xmr-stak\\S*|nbminer|t-rex"
                "|lolMiner|ccminer|phoenixminer|nanominer|srbminer\\S*"
            ),
        ),
        (
            "scan",
            _tool(
                "nmap|masscan|zmap|rustscan|hydra|medusa|ncrack|nikto|sqlmap|gobuster|ffuf|arp-scan|netdiscover"
                "|unicornscan|crackmapexec|nxc|enum4linux\\S*|hping3|patator|fscan|wpscan|dirb|naabu"
            ),
        ),
        ("scan", r"\b(?:nc|ncat|netcat)(?:\.\w+)?\s(?:[^|;&]*\s)?-\w*z"),
        (
            "capture",
            _tool(
                "tcpdump|tshark|dumpcap|ettercap|bettercap|dsniff|ngrep|tcpflow|mitmdump|netsniff-ng"
            ),
        ),
        ("tunnel", r"(?:^|[\s/;&|])(?:auto)?ssh\s(?:[^|;&]*\s)?-\w*[RDw]\s*[\w.*:\[-]*\d"),
        (
            "tunnel",
            _tool(
                "chisel|frpc|frps|ngrok|gost|ligolo\\S*|iodined?|dnscat\\S*|revsocks|tor|rathole|bore|ptunnel\\S*"
                "|dns2tcp\\S*|proxytunnel|reGeorg|earthworm|nps|npc|sshuttle|pagekite|zrok|wstunnel|udp2raw"
            ),
        ),
        ("tunnel", r"\bcloudflared\b", r"\btunnel\b"),
        ("tunnel", r"\bsocat\b", r"-listen:", r"\b(?:tcp|udp)\d?:"),
        ("netcat", _tool(r"nc|ncat|netcat|nc\.\w+|socat|pwncat\S*")),
        ("cover", r"\bhistory\s+-c\b|\bunset\s+HISTFILE|\bHISTFILE=/dev/null|\bHISTSIZE=0\b"),
        ("cover", rf"\b(?:rm|shred|truncate|unlink|wipe|srm)\b[^|;&]*\s{_LOGS}"),
        ("cover", rf"(?:^|[^>])>\s*{_LOGS}"),
        (
            "cover",
            r"\b(?:rm|shred|truncate|ln)\b[^|;&]*_history\b|\bjournalctl\b.*--vacuum-(?:time|size)=1?[\dsmb]{1,2}\b",
        ),
        ("cover", r"\bsed\s+-i\b[^|;&]*/var/log/|\b(?:utmpdump|logtamper)\b.*[wu]tmp"),
        (
            "disable",
            rf"\bsystemctl\s+(?:-\S+\s+)*(?:stop|disable|mask|kill)\s+(?:-\S+\s+)*{_GUARDS}",
        ),
        ("disable", rf"\bservice\s+{_GUARDS}\s+stop\b|/etc/init\.d/{_GUARDS}\s+stop\b"),
        ("disable", rf"\b(?:pkill|killall)\s+(?:-\S+\s+)*{_GUARDS}"),
        (
            "disable",
            (
                r"\bsetenforce\s+0|\bip6?tables\s+(?:-F|--flush|-P\s+\w+\s+ACCEPT)|\bnft\s+flush\s+ruleset|\bufw\s+disable"
                r"|\bauditctl\s+(?:-e\s*0|-D)|\baa-(?:teardown|disable)\b|\bchattr\s+-\w*[ia]\w*\s+/(?:etc|var/log)"
            ),
        ),
        (
            "creds",
            r"\b(?:cat|cp|less|more|tail|head|strings|scp|tar|base64|xxd|grep|awk|unshadow)\b[^|;&]*\s/etc/g?shadow\b",
        ),
        (
            "creds",
            _tool(
                "mimipenguin\\S*|lazagne\\S*|linpeas\\S*|pspy\\S*|linenum\\S*|john|hashcat|gcore|procdump|3snake"
                "|unshadow|swapdigger|linux-exploit-suggester\\S*"
            ),
        ),
        (
            "creds",
            r"\b(?:dd|cat|strings|grep)\b[^|;&]*(?<!of=)/proc/\d+/(?:mem|environ)\b|/proc/kcore\b",
        ),
        (
            "creds",
            r"\b(?:cat|cp|scp|tar|curl)\b[^|;&]*(?:\.ssh/id_(?:rsa|ed25519|ecdsa)(?!\.pub)|\.aws/credentials|\.kube/config)",
        ),
        ("metadata", r"\b(?:curl|wget)\b", r"169\.254\.169\.254|metadata\.google\.internal"),
        ("wipe", r"\bdd\b.*\bof=/dev/(?:sd|nvme|vd|xvd|hd|mapper|mmcblk)|\bwipefs\b.*\s-\w*a"),
        (
            "wipe",
            r"\brm\s+(?:-\S+\s+)*-\w*r\w*\s+(?:-\S+\s+)*(?:--no-preserve-root\s+)?/(?:\*|etc|var|home|usr|boot|srv)?/?(?:\s|$)",
        ),
        (
            "encrypt",
            r"-exec\b|\bxargs\b|\bfor\s",
            r"\bopenssl\s+(?:enc|aes\S*)|\bgpg\s[^;|]*(?:-c|--symmetric)\b|\b7z\s+a\s[^;|]*-p",
        ),
        (
            "exfil",
            (
                r"\b(?:tar|cat|gzip|zip|mysqldump|pg_dump\w*|7z|find)\b[^|]*\|(?:[^|;]*\|)?\s*"
                r"(?:\S*/)?(?:nc|ncat|netcat|socat|openssl\s+s_client)\b"
            ),
        ),
        (
            "exfil",
            (
                r"transfer\.sh|file\.io\b|termbin\.com|0x0\.st|webhook\.site|api\.telegram\.org/bot|discord(?:app)?\.com/api/webhooks"
                r"|pastebin\.com/api|\bmegaput\b|requestbin|oast\.|interact\.sh|burpcollaborator"
            ),
        ),
        (
            "persist",
            (
                r"(?:>>?|\btee\s+(?:-a\s+)?)\s*(?:/etc/(?:cron|rc\.local|ld\.so\.preload|profile|pam\.d|systemd|sudoers|passwd"
                r"|init\.d|shadow)|/var/spool/cron|\S*authorized_keys|/root/\.(?:bashrc|profile))"
            ),
        ),
        ("persist", r"\|\s*(?:\S*/)?crontab\s+(?:-u\s+\S+\s+)?-\s*(?:$|[;&|\"')])"),
        ("persist", r"\b(?:useradd|usermod)\b", r"\s-\w*o", r"\s-u\s*0\b"),
        (
            "raise",
            r"\bchmod\s+(?:-\S+\s+)*(?:[ugoa]*\+\w*s|[2467][0-7]{3})\s+\S|\bsetcap\s+\S*cap_(?:setuid|sys_admin|dac_\w+|sys_ptrace)",
        ),
        ("module", _tool("insmod") + r"|\b(?:insmod|modprobe)\s+\S*(?:/tmp|/dev/shm|/home|/root)/"),
        (
            "escape",
            r"\bnsenter\b.*\s(?:-t|--target)[\s=]*1\b|release_agent|\bchroot\s+/(?:host|proc/1/root)\b",
        ),
        ("escape", r"\bdocker\b", r"\brun\b", r"\s(?:-v|--volume|--mount)[\s=]*/:/"),
        (
            "preload",
            r"^(?:env\s+|export\s+|\S*sh\s+-c\s+[\"']?)?LD_PRELOAD=\S*(?:/tmp|/dev/shm|/home|/var/tmp|/root)/",
        ),
        (
            "recon",
            r"^\s*(?:\S*sh\s+-c\s+)?(?:[\"'(]\s*)?(?:\S*/)?(?:id|whoami|uname\s+-a|w|last|hostname\s+-I|ifconfig|ip\s+a\w*|cat\s+/etc/(?:passwd|hosts|issue)|ps\s+-?(?:aux|ef)\w*|netstat\s+-\w+|ss\s+-\w+|arp\s+-a|sudo\s+-l|env|getcap\s.*-r|find\s+/\s.*-perm)(?:\s*[;&|]|\s*$|\s+2?>)",
        ),
    )
)


def _read(command: str) -> str:
    """What of a command is looked at: its beginning, and no more of it than names tools so often."""
    text = command[:_LENGTH]
    if len(text) > _SHORT:
        for count, tool in enumerate(_TOOLS.finditer(text), 1):
            if count == _MOST_TOOLS:
                return text[: tool.end()]
    return text


def deed(command: str) -> str:
    """The first deed that the command line shows, or an empty text."""
    return _deed(command[:_LENGTH])


@lru_cache(maxsize=8192)
def _deed(command: str) -> str:
    text = _read(command)
    for name, first, others in _DEEDS:
        if first.search(text) and all(pattern.search(text) for pattern in others):
            return name
    return ""
