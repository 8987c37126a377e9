"""What a command does, by its tool and its arguments, beyond the deeds that jobs and processes share.

Reviewed patterns over the first 1,000 characters of a command. A pattern is tried only where one of its words occurs, so
that a harmless command costs next to nothing. None has more than one open-ended repeat before what it looks for.
"""

import re
from collections import defaultdict
from functools import lru_cache
from typing import NamedTuple

from vedette.detect.place import DISK

__all__ = ["TECHNIQUES", "Act", "act", "technique"]

_LENGTH = 1_000
_WORD = re.compile(r"[A-Za-z_][A-Za-z_-]*")
_MOST_WORDS = 120
_SHELL = r"(?:\S*/)?(?:ba|da|z|k|a)?sh"
_DROPPED = r"(?:/tmp|/var/tmp|/dev/shm|/run/user)/"
_READ = (
    r"(?:cat|cp|less|more|tail|head|strings|scp|tar|base(?:64|32)|xxd|z?grep|awk|vim?|nano|ed|view|od|hexdump|sed|cut|sort|dd|tac|nl"
    r"|rev|openssl|zip|rsync|curl)\s[^|;&]*?"
)
_GUARDS = (
    r"(?:auditd?|rsyslog|syslog-ng|osquery|falcon-sensor|falco|clamav\S*|fail2ban|apparmor|firewalld|ufw|wazuh-agent"
    r"|sysmonforlinux|filebeat|auditbeat|crowdsec|aide|rkhunter|chkrootkit|tripwire|vedette)"
)


class Act(NamedTuple):
    """The name of an evidence, and the ATT&CK technique where it is a closer one than the evidence's own."""

    mark: str
    attack: str | None = None


def _t(names: str) -> str:
    """A tool at the beginning of a command, or of a part of one."""
    return rf"(?:^|[\s;&|(`'\"/])(?:{names})(?=[\s;]|$)"


# mark, closer technique, words of which one must occur, pattern
_ACTS: tuple[tuple[str, str | None, str, str], ...] = (
    # a shell out of a tool that is not one, and shells that keep rights
    ("breakout", None, "nmap", r"nmap\s+--interactive"),
    ("breakout", None, "find", rf"-exec\s+{_SHELL}(?:\s+-[pi])?\s*(?:\\?;|\+|$)"),
    ("breakout", None, "vi vim view less man ed nano", rf":!\s*{_SHELL}|-c\s*['\"]?!{_SHELL}"),
    ("breakout", None, "awk gawk mawk", rf"system\(\s*\\?[\"']{_SHELL}\b"),
    ("breakout", None, "tar", r"--checkpoint-action=exec|--to-command=\S*sh"),
    ("breakout", None, "xargs", rf"-a\s*/dev/null\s+{_SHELL}"),
    ("breakout", None, "gdb", r"-ex\s*['\"]?(?:!|shell\s|python\s+import\s+os)"),
    ("breakout", None, "script", rf"^(?:\S*/)?script\b.*\s-\w*c\s*['\"]?{_SHELL}\b.*/dev/null"),
    ("breakout", None, "env nice timeout setarch stdbuf busybox ionice taskset flock", rf"{_t('env|nice|timeout|setarch|stdbuf|busybox|ionice|taskset|flock')}[^;|&]*\s{_SHELL}(?:\s+-[pi])?$"),
    ("breakout", None, "capsh", r"capsh(?:\s+--\w+=\S+)*\s+--(?:\s|$)"),
    ("breakout", None, "expect", rf"expect\s+-c\s.*spawn\s+{_SHELL}\b"),
    ("breakout", None, "ProxyCommand", r"ProxyCommand=\s*[\"']?\s*;"),
    ("breakout", None, "git", r"git\s+-p\s+(?:\w+\s+)?(?:help|--help)"),
    ("breakout", "T1059.006", "pty", r"pty\.spawn|import\s+pty"),
    ("breakout", None, "php ruby perl lua node python tclsh", rf"\s-\w*[recE]\s.*(?:system|exec\w*|popen|passthru|spawn\w*)\s*\(?\s*\\?['\"]\s*{_SHELL}(?:\s+-[pi])?\\?['\"]"),
    ("breakout", "T1548.001", "sh bash dash zsh", rf"^{_SHELL}\s+-p$"),
    ("reverse", "T1059.004", "inet", r"/inet/(?:tcp|udp)/"),
    ("reverse", "T1059", "TCPSocket popen", r"TCPSocket.*popen|popen.*TCPSocket"),
    # code that comes from elsewhere or is packed
    ("fetch", "T1059.006", "urlopen requests", r"(?:exec|eval)\s*\(.*(?:urlopen|requests\b.{0,4}\.get)"),
    ("decode", "T1027", "decode b64decode decompress fromhex loads", r"(?:exec|eval)\s*\(.*(?:decode|decompress|fromhex|marshal\.loads)"),
    ("anonymous", "T1620", "memfd_create", r"memfd_create"),
    ("permit", None, "chmod", rf"chmod\s+(?:-\S+\s+)*(?:\S*\+\w*x\S*|[0-7]*[1357][0-7]{{0,2}})\s+[^;|&]*{_DROPPED}"),
    # jobs, units and accounts
    ("plant", "T1053.003", "crontab", rf"crontab\s+(?:-u\s+\S+\s+)?{_DROPPED}"),
    ("raise", None, "install", r"\binstall\s.*(?:-m\s*|--mode[=\s]*)(?:[2467][0-7]{3}\b|\w*\+\w*s)"),
    ("preload", None, "LD_PRELOAD LD_AUDIT", r"\bLD_(?:PRELOAD|AUDIT)=\S+\s+(?:\S*/)?(?:sshd|login|su|sudo|crond?|systemd)(?:\s|$)"),
    ("schedule", "T1053.002", "at batch", r"(?:^|\|\s*)(?:\S*/)?(?:at\s+(?:-\w+\s+)*(?:now|\d)|batch$)"),
    ("schedule", "T1053.006", "systemd-run", rf"systemd-run\s.*(?:{_DROPPED}|--on-\w+=)"),
    ("unit", None, "systemctl", rf"systemctl\s.*{_DROPPED}"),
    ("account", None, "useradd adduser", _t("useradd|adduser")),
    ("account", "T1098.007", "usermod gpasswd adduser", r"(?:usermod|gpasswd|adduser)\b.*\b(?:sudo|wheel|root|docker|adm|shadow|lxd|disk)\b"),
    ("account", "T1098", "usermod chsh", r"(?:usermod|chsh)\s.*-s\s*/\S*sh\b"),
    ("account", "T1098", "chpasswd", _t("chpasswd")),
    ("lockout", None, "userdel deluser passwd usermod chage", r"(?:userdel|deluser)\s+\S|passwd\s+-[ld]\s|usermod\s+-[Le]\s|chage\s+-E\s*0"),
    ("replace", "T1556.003", "pam_unix pam_permit pam_exec security", r"(?:cp|mv|install|ln|dd)\s.*/security/?(?:pam_\w+\.so)?"),
    ("replace", "T1554", "cp mv install", r"^(?:\S*/)?(?:cp|mv|install)\s+(?:-\S+\s+)*(?:/tmp|/var/tmp|/dev/shm|/home|\./)\S*\s+(?:/usr)?/s?bin/"),
    ("webshell", None, "php eval system passthru shell_exec Runtime", r"(?:<\?php|<%|passthru|shell_exec|system\s*\(|eval\s*\().*>\s*\S+\.(?:php\d?|phtml|jspx?|aspx?)"),
    # covering tracks and blinding guards
    ("stamp", None, "touch", r"touch\b.*(?:\s-\w*[rdt]\b|--(?:date|reference)).*\s(?:/(?:bin|usr|etc|sbin|lib|var/www|root|home|opt|srv)/)"),
    ("cover", None, "cp dd", r"(?:cp\s+(?:-\S+\s+)*/dev/null|dd\s.*of=)\s*/var/log/"),
    ("cover", None, "find", r"find\s+/var/log(?!.*-[mac](?:time|min)).*-delete"),
    ("cover", "T1070.003", "bash_history zsh_history HISTFILE HISTSIZE", r">\s*\S*_history\b|HISTFILE\s*=\s*(?:/dev/null|$|;)|unset\s+HIST"),
    ("disable", None, "apt apt-get dpkg yum dnf rpm zypper", rf"(?:remove|purge|erase|autoremove|\s-r|\s-P|\s-e)\s+(?:-\S+\s+)*{_GUARDS}\b"),
    ("disable", "T1222.002", "chattr", r"chattr\s+(?:-R\s+)?[+-]\w*[ia]"),
    ("disable", None, "chmod", r"chmod\s+(?:-\S+\s+)*(?:(?:a|u|ugo)?-\w*x|0{1,4}|0?[0246]{3})\s+(?:/usr)?/s?bin/\w"),
    ("disable", None, "sysctl", r"sysctl\s.*randomize_va_space\s*=\s*0"),
    ("disable", "T1562.012", "auditctl", r"auditctl\s.*\bnever\b"),
    ("module", "T1014", "bpftool", r"bpftool\s+(?:prog|net|cgroup)\s+(?:load|loadall|attach)\b"),
    ("stop", None, "kill", r"^(?:\S*/)?kill\s+-(?:SIG)?(?:STOP|TSTP|19|20)\s"),
    ("halt", None, "kill", r"kill\s+(?:-\w+\s+)*-1$|kill\s+-9\s+-1"),
    ("stop", None, "systemctl", r"systemctl\s+(?:-\S+\s+)*(?:stop|disable|mask)\s+\S"),
    ("stop", None, "pkill killall", r"(?:pkill|killall)\s+(?!.*(?:HUP|USR|WINCH|-0))\S"),
    # secrets
    ("creds", "T1003.008", "shadow shadow- opasswd", rf"(?:^|[\s;&|/(]){_READ}(?:/etc/g?shadow-?|/etc/security/opasswd|/var/backups/g?shadow(?:\.bak)?)(?:[\s;|&]|$)"),
    ("creds", "T1552.004", "ssh_host_ed ssh_host_rsa_key ssh_host_ecdsa_key ssh_host_dsa_key", rf"(?:^|[\s;&|/(]){_READ}/ssh_host_\w+_key(?!\.pub)"),
    ("creds", "T1003.007", "mem kmem", r"\s(?:if=)?/dev/k?mem(?:\s|$)"),
    ("raw", None, "dd", rf"\bdd\s(?!.*\bcount=1\b).*\bif={DISK}"),
    ("raw", None, "cat strings xxd hexdump od", rf"\b(?:cat|strings|xxd|hexdump|od)\s[^|;&<>]*{DISK}"),
    ("metadata", None, "Metadata-Flavor X-aws-ec", r"Metadata-Flavor:|X-aws-ec2-metadata-token"),
    ("creds", "T1003.008", "shadow", r"getent\s+g?shadow|open\s*\(\s*\\?['\"]/etc/shadow"),
    ("creds", "T1003.007", "mimipenguin lazagne LaZagne", r"(?i)mimipenguin|lazagne"),
    ("creds", "T1082", "linpeas linenum LinEnum lse pspy linux-exploit-suggester", r"(?i)\b(?:linpeas|linenum|pspy\d*|linux-exploit-suggester)\S*|/lse\.sh"),
    ("loot", None, "grep egrep rg ag", r"(?:grep|rg|ag)\s.*(?:-\w*[rR]|/etc|/srv|/var|/home|/opt|/root).*(?:passw|passwd|secret|api.?key|token|credential)|(?:grep|rg)\s+(?:-\S+\s+)*['\"]?(?:pass\w*|secret|token)\b.*(?:\s/|-\w*r)"),
    ("loot", "T1552.004", "find locate", r"-i?name\s+['\"]?\S*(?:id_(?:rsa|dsa|ed25519|ecdsa|\*)|\.pem|\.key|\.ppk|\.kdbx|\.p12|\.pfx|\.jks)"),
    ("loot", None, "find locate", r"-i?name\s+['\"]?\S*(?:passw|credential|secret|\.env\b|shadow|wp-config|\.htpasswd)"),
    ("loot", None, "cat cp less more head tail strings scp curl base64 tar zip grep", r"\s\S*(?:/\.env\b|\.pgpass|\.my\.cnf|\.netrc|\.git-credentials|wp-config\.php|\.htpasswd|\.docker/config\.json|debian\.cnf)"),
    ("loot", "T1552.003", "cat less more head tail strings grep cp", r"\s\S*\.(?:bash|zsh|mysql|psql|python)_history\b"),
    ("loot", "T1552.007", "cat head curl cp", r"serviceaccount/token"),
    ("loot", "T1552.004", "tar zip cp scp rsync", r"(?:/|\s)\.ssh(?:/(?!known_hosts|authorized_keys)|\s|$)"),
    ("loot", "T1558", "klist", r"klist\s.*-k"),
    ("loot", "T1552.004", "pkcs", r"pkcs12\s.*-export|-nocerts"),
    ("inject", "T1055.009", "proc", r"(?:of=|>\s*)/proc/(?:\d+|self)/mem\b"),
    ("inject", None, "gdb gdbserver lldb", r"(?:gdb|gdbserver|lldb)\s.*(?:-p|--pid|--attach|attach)[\s=]*\d"),
    ("inject", "T1003.007", "gcore", r"(?:^|[\s/])gcore\s+(?:-\S+\s+(?:\S+\s+)?)*\d"),
    ("inject", "T1003.007", "gdb", r"^(?:\S*/)?gdb\s(?:\S+\s+)*\d{2,}$"),
    ("inject", "T1055.008", "strace ltrace", r"(?:strace|ltrace)\s.*-p[\s=]*\d"),
    ("keys", None, "bpftrace", r"bpftrace\b.*uretprobe:\S*readline"),
    ("capture", None, "promisc", r"\bpromisc(?:\s+on)?$"),
    ("keys", None, "input logkeys xinput showkey", r"/dev/input/event\d|logkeys\b|xinput\s+test|showkey\s"),
    ("spy", "T1115", "xclip xsel wl-paste", _t("xclip|xsel|wl-paste")),
    ("spy", "T1123", "arecord parecord parec pw-record rec", _t("arecord|parecord|parec|pw-record|rec")),
    ("spy", "T1113", "import scrot xwd grim maim xgrab ffmpeg", r"import\s+-window\s+root|x11grab|" + _t("scrot|xwd|grim|maim")),
    ("spy", "T1125", "v4l video", r"/dev/video\d"),
    ("makeshift", None, "rsyslogd syslog-ng sshd cron nginx httpd apache haproxy named redis-server mysqld mariadbd postgres gunicorn uwsgi php-fpm", rf"^(?:\S*/)?(?:python[\d.]*\s+\S*/)?(?:rsyslogd|syslog-ng|sshd|crond?|nginx|httpd|apache2|haproxy|named|redis-server|mysqld|mariadbd|postgres|gunicorn|uwsgi|php-fpm[\d.]*)\s(?:.*\s)?(?:-[fcD]|--config(?:-file)?|--defaults-file|--chdir|--pythonpath)[=\s]*{_DROPPED}"),
    # looking around in the network
    ("survey", None, "fping nbtscan smbmap rpcclient kerbrute bloodhound responder netexec", _t("nbtscan|smbmap|rpcclient|kerbrute\\S*|bloodhound\\S*|responder|netexec") + r"|fping\s.*-\w*g"),
    ("survey", None, "ping seq", r"\b(?:for|seq|while)\b.*\bping\s+-\w*[cW]"),
    ("survey", "T1135", "showmount smbclient", r"showmount\s+-\w*[ea]|smbclient\s.*-L"),
    ("survey", "T1518.001", "grep egrep pgrep", r"grep\s.*(?:falcon|auditd|osquery|wazuh|ossec|sysmon|crowdstrike|sentinel|carbon)\S*\|\S*(?:falcon|auditd|osquery|wazuh|ossec|sysmon|crowdstrike|sentinel|carbon)"),
    ("survey", "T1590.002", "axfr", r"\baxfr\b"),
    ("scan", "T1110", "sshpass", r"\b(?:for|while|xargs|parallel)\b.*sshpass"),
    # moving on, tunnels and remote control
    ("remote", None, "anydesk teamviewer teamviewerd rustdesk tmate sshx gs-netcat gsocket meshagent dwagent dwagsvc splashtop ttyd gotty wetty screenconnect tacticalagent hoptodesk simplehelp ultraviewer chrome-remote-desktop vncserver Xvnc vnc nxd teleport-connect upterm", _t("anydesk\\S*|teamviewerd?|rustdesk\\S*|tmate|sshx|gs-netcat|gsocket|meshagent\\S*|dwag(?:ent|svc)|SRStreamer|splashtop\\S*|ttyd|gotty|wetty|screenconnect\\S*|tacticalagent|hoptodesk|simplehelp\\S*|ultraviewer|x11vnc|vncserver|Xvnc|nxd|upterm")),
    ("proxy", None, "proxy microsocks danted sockd proxychains redsocks ss-server ss-local v ray xray trojan-go hysteria sing-box gost goproxy torsocks torify", _t("3proxy|microsocks|danted|sockd|proxychains[\\d.]*|redsocks|ss-server|ss-local|v2ray|xray|trojan-go|hysteria\\d?|sing-box|torsocks|torify")),
    ("tunnel", None, "RemoteForward DynamicForward", r"\b(?:Remote|Dynamic)Forward[=\s]"),
    ("tunnel", "T1090", "R L socks ignore-cert selfcert", r"\sR:(?:[\w.*-]+:)*(?:socks\b|\d+:[\w.-]+:\d)|--socks5?-server\b|-L[=\s]*(?:socks\w*|relay|ss|kcp|mwss?|tcp|udp)(?:\+\w+)?://|\s-connect\s.*\s-ignore-cert\b|\s-selfcert\b"),
    ("tunnel", "T1090", "frpc frps", r"\bfrp[cs]\w*\.(?:toml|ini|ya?ml|json)\b"),
    ("tunnel", None, "cloudflared", r"cloudflared\b.*\baccess\s+(?:tcp|ssh|rdp)\b"),
    ("tunnel", None, "openvpn wg-quick", rf"openvpn\s.*--config[=\s]+(?:{_DROPPED}|/root/|/home/)|wg-quick\s+up\s+(?:{_DROPPED}|/root/|/home/)"),
    ("remote", None, "code code-insiders", r"(?:^|/)code(?:-insiders)?\s+tunnel(?:\s|$)"),
    ("stolen", None, "ssh scp sftp", rf"^(?:\S*/)?(?:ssh|scp|sftp)\s.*-F\s*{_DROPPED}"),
    ("stolen", None, "ssh scp sftp rsync", rf"(?:ssh|scp|sftp|rsync)\b.*\s-i\s*{_DROPPED}"),
    ("stolen", None, "sshpass", _t("sshpass")),
    # taking data along
    ("exfil", "T1567.002", "rclone", rf"rclone\s.*(?:--config[=\s]+{_DROPPED}|\bmega:)"),
    ("upload", None, "rclone megatools mega-put megaput gdrive megacmd filebrowser croc wormhole ffsend", _t("rclone\\s+(?:copy|copyto|sync|move|rcat|serve)|megatools|mega-put|gdrive|croc\\s+send|wormhole\\s+send|ffsend")),
    ("send", None, "curl", r"curl\b.*(?:\s-T\b|--upload-file|\s-F\s*\S*=@|(?:--data-binary|--data|\s-d)\s*['\"]?@)"),
    ("send", None, "wget", r"wget\s.*--(?:post|body)-file"),
    ("serve", None, "python http", r"-m\s+(?:http\.server|SimpleHTTPServer|pyftpdlib|uploadserver|updog)\b(?!.*\s(?:-b|--bind)[\s=]+(?:127\.|::1|localhost))"),
    ("serve", None, "php", r"php[\d.]*\s+(?:-\S+\s+)*-S\s"),
    ("serve", None, "ruby busybox", r"ruby\s+-run\s.*httpd|busybox\s+httpd"),
    ("hoard", None, "tar zip z gzip rar", rf"(?:tar|zip|7z\w?|rar)\s[^|;]*{_DROPPED}[^|;]*\s(?:/etc|/home|/root|/srv|/var/(?:lib|www|mail))\b"),
    ("staged", None, "tar zip z", r"(?:\btar\s+-?\w{0,8}c\w{0,8}f|\bzip(?:\s+-\S+)*|\b7z\w?\s+a)\s+(?:/usr/(?!local/|src/)|/lib|/bin/|/var/www/|/etc/)\S*\s.*/(?:etc|home|root|srv|var/lib|var/www)\b"),
    ("hoard", None, "zip z rar", r"(?:zip|7z\w?|rar)\s[^|;]*\s-(?:p|P\s|hp)\S+[^|;]*\s/(?:etc|home|root|srv|var)\b"),
    ("hoard", "T1074.001", "cp rsync", r"(?:cp|rsync)\s+-\w*[ra]\w*\s+/(?:etc|home|root|srv|var/lib)\S*\s+/dev/shm/"),
    ("hoard", "T1119", "find", rf"find\s.*-exec\s+(?:cp|tar|mv)\b.*{_DROPPED}"),
    # damage
    ("miner", None, "o url pool", r"\s(?:-o|--url|--pool)[=\s]+\S+:\d{2,5}\b.*\s(?:-u|--user|--wallet)[=\s]+[13489bLtqx0][A-Za-z0-9.]{25,}"),
    ("miner", None, "a algo", r"\s(?:-a|--algo)[=\s]+(?:(?:rx|cn)/\w+|ghostrider|kawpow|etchash|ethash)(?:\s|$)"),
    ("miner", None, "docker podman nerdctl", r"\brun\b.*(?:xmrig|monero)"),
    ("ruin", None, "shred", r"\bshred\s[^;|&]*\s/(?:srv|home|var/(?:lib|www|mail)|etc|root|opt)/"),
    ("ruin", None, "dd", r"\bdd\s(?=[^|;&]*\bif=/dev/u?random\b)(?![^|;&]*\bcount=)[^|;&]*\bof=/(?:srv|home|var/(?:lib|www|mail)|etc|root|opt)/"),
    ("wipe", None, "rm", r"\brm\s+(?:-\S+\s+)*-\w*r\w*\s.*/var/lib/(?:postgresql|mysql|mariadb|mongodb?)/(?:[\d.]+/)?(?:main|data|base|db)?/?\*?(?:\s|$)"),
    ("escape", None, "nsenter", r"nsenter\b.*/proc/1/ns/"),
    ("escape", None, "debugfs", r"debugfs\s.*-w\b"),
    ("escape", "T1610", "docker podman nerdctl ctr", r"\brun\b.*(?:(?:-v|--volume)[=\s]*/(?:etc|root|boot|var/spool)/?:|(?:src|source)=/,)"),
    ("miner", None, "coin algo donate-level randomx monero xmr minexmr nicehash hashvault supportxmr unmineable moneroocean herominers", r"--(?:coin|algo)[=\s]+(?:monero|rx|randomx|cn|kawpow|ethash|ghostrider)|(?:minexmr|nicehash|hashvault|supportxmr|unmineable|moneroocean|herominers|nanopool|2miners)\.\w+"),
    ("wipe", "T1561.001", "shred blkdiscard", r"shred\s.*/dev/(?:sd|nvme|vd|xvd|hd|mapper)|blkdiscard\s+.*/dev/"),
    ("wipe", "T1561.002", "mkfs", r"mkfs\S*\s.*/dev/(?:sd|nvme|vd|xvd|hd)"),
    ("wipe", None, "rm", r"rm\s+(?:-\S+\s+)*-\w*r\w*\s.*\s?/(?:var/lib/(?:postgresql|mysql|redis|mongo\w*|docker|elasticsearch)|home|srv|opt)(?:/\*|/?(?:\s|$))"),
    ("wipe", "T1490", "rm lvremove vgremove zfs zpool", r"rm\s+-\w*r\w*\s.*/(?:var/)?backups?/?(?:\*|\s|$)|(?:lvremove|vgremove)\s.*-\w*[fy]|z(?:fs|pool)\s+destroy\s+(?:-\S+\s+)*[^@\s]+$"),
    ("wipe", None, "find", r"find\s+/(?:\s|home\b|srv\b|var/lib\b)(?!.*-[mac](?:time|min)).*-delete"),
    ("drop", None, "DROP drop TRUNCATE FLUSHALL flushall FLUSHDB dropDatabase", r"(?i)\bdrop\s+(?:database|schema|table)\b|\btruncate\s+table\b|\bflushall\b|dropDatabase"),
    ("encrypt", None, "openssl gpg", r"-in\s+(\S+)\s.*-out\s+\1\.\w+|gpg\s.*(?:-c|--symmetric)\b.*--passphrase"),
    ("halt", "T1529", "shutdown reboot poweroff halt", r"^(?:sudo\s+)?(?:\S*/)?(?:shutdown|reboot|poweroff|halt)(?:\s|$)|systemctl\s+(?:\S+\s+)?(?:reboot|poweroff|halt)\b"),
    ("halt", "T1529", "sysrq-trigger", r">\s*/proc/sysrq-trigger"),
    ("overload", "T1498.001", "hping3 hping", r"hping3?\s.*--flood"),
    ("overload", "T1498.002", "hping3 hping", r"hping3?\s.*\s(?:-a|--spoof|--rand-source)\b"),
    ("overload", "T1499.002", "slowloris goldeneye hulk xerxes torshammer t mz slowhttptest", r"(?i)\b(?:slowloris|goldeneye|xerxes|torshammer|slowhttptest)\b|\bhulk\.py|" + _t("t50|mz")),
    ("overload", "T1499.001", "", r":\(\)\s*\{\s*:\s*\|\s*:\s*&?\s*\}"),
    ("burn", None, "stress stress-ng cpulimit cpuburn burn", _t("stress|stress-ng|cpuburn\\S*")),
)  # fmt: skip

# Deeds that several techniques share: the closer one, by what is in the command. The first that fits wins.
_CLOSER: dict[str, tuple[tuple[str, str], ...]] = {
    "persist": (
        ("ld.so.preload", "T1574.006"),
        ("authorized_keys", "T1098.004"),
        ("sudoers", "T1548.003"),
        ("pam.d", "T1556.003"),
        ("systemd", "T1543.002"),
        ("profile", "T1546.004"),
        (".bashrc", "T1546.004"),
        ("rc.local", "T1037.004"),
        ("init.d", "T1037.004"),
        ("useradd", "T1136.001"),
        ("usermod", "T1098"),
        ("passwd", "T1136.001"),
        ("shadow", "T1098"),
    ),
    "plant": (
        ("ld.so.", "T1574.006"),
        ("authorized_keys", "T1098.004"),
        ("/.ssh/", "T1098.004"),
        ("sudoers", "T1548.003"),
        ("pam.d", "T1556.003"),
        ("systemd", "T1543.002"),
        ("cron", "T1053.003"),
        ("rc.local", "T1037.004"),
        ("init.d", "T1037.004"),
        ("/passwd", "T1136.001"),
        ("shadow", "T1098"),
        ("/bin/", "T1554"),
    ),
    "cover": (
        ("_history", "T1070.003"),
        ("HISTFILE", "T1070.003"),
        ("HISTSIZE", "T1070.003"),
        ("history", "T1070.003"),
    ),
    "disable": (
        ("iptables", "T1562.004"),
        ("ip6tables", "T1562.004"),
        ("nft", "T1562.004"),
        ("ufw", "T1562.004"),
        ("firewalld", "T1562.004"),
        ("auditctl", "T1562.012"),
        ("auditd", "T1562.012"),
        ("chattr", "T1222.002"),
    ),
    "scan": (
        ("hydra", "T1110"),
        ("medusa", "T1110"),
        ("ncrack", "T1110"),
        ("patator", "T1110"),
        ("hping3", "T1498"),
        ("arp-scan", "T1018"),
        ("netdiscover", "T1018"),
        ("enum4linux", "T1087"),
    ),
    "creds": (
        ("hashcat", "T1110.002"),
        ("john", "T1110.002"),
        ("linpeas", "T1082"),
        ("pspy", "T1057"),
        ("linenum", "T1082"),
        ("exploit-suggester", "T1082"),
        ("gcore", "T1003.007"),
        ("procdump", "T1003.007"),
        ("/proc/", "T1003.007"),
        (".ssh/", "T1552.004"),
        (".aws/", "T1552.001"),
        (".kube/", "T1552.001"),
    ),
    "tunnel": (
        ("iodine", "T1071.004"),
        ("dnscat", "T1071.004"),
        ("dns2tcp", "T1071.004"),
        ("tor ", "T1090.003"),
        ("frp", "T1090"),
        ("gost", "T1090"),
        ("socat", "T1090"),
    ),
    "netcat": (("EXEC:", "T1059.004"), ("socat", "T1090")),
    "exfil": (
        ("telegram", "T1567"),
        ("discord", "T1567"),
        ("transfer.sh", "T1567"),
        ("paste", "T1567.003"),
        ("mega", "T1567.002"),
    ),
    "escape": (("docker", "T1610"),),
    "wipe": (
        ("bs=512 count=1", "T1561.002"),
        ("dd ", "T1561.001"),
        ("wipefs", "T1561.002"),
        ("mkfs", "T1561"),
    ),
    "reverse": (("python", "T1059.006"), ("node", "T1059.007")),
}


def _indexed() -> tuple[dict[str, tuple[int, ...]], tuple[int, ...]]:
    by_word: dict[str, list[int]] = defaultdict(list)
    always = []
    for at, (_, _, words, _) in enumerate(_ACTS):
        if not words:
            always.append(at)
        for word in words.split():
            by_word[word].append(at)
    return {word: tuple(places) for word, places in by_word.items()}, tuple(always)


TECHNIQUES = frozenset(
    {closer for _, closer, _, _ in _ACTS if closer is not None}
    | {attack for closer in _CLOSER.values() for _, attack in closer}
)
"""All that commands alone may be told as."""

_BY_WORD, _ALWAYS = _indexed()
_PATTERNS = tuple(re.compile(pattern, re.DOTALL) for _, _, _, pattern in _ACTS)


@lru_cache(maxsize=8192)
def _act(text: str) -> Act | None:
    words = dict.fromkeys(_WORD.findall(text)[:_MOST_WORDS])
    places = {place for word in words for place in _BY_WORD.get(word, ())}
    for place in sorted(places | set(_ALWAYS)):
        if _PATTERNS[place].search(text):
            mark, attack, _, _ = _ACTS[place]
            return Act(mark, attack)
    return None


def act(command: str) -> Act | None:
    """The first act that the command shows, or None."""
    return _act(command[:_LENGTH])


def technique(deed: str, command: str) -> str | None:
    """The technique that a shared deed comes closest to here, None when the evidence's own says it best."""
    text = command[:_LENGTH]
    for part, attack in _CLOSER.get(deed, ()):
        if part in text:
            return attack
    return None
