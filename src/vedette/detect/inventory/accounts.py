"""Facts about who may come in: users, SSH keys, sudo rules, logins."""

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from ipaddress import ip_address, ip_network

from vedette.detect.inventory.fact import Fact, number, text
from vedette.detect.inventory.files import HANDS_ON
from vedette.detect.place import hidden, place, risky
from vedette.detect.view import View

__all__ = [
    "closed_accounts",
    "homes",
    "keyring",
    "keys",
    "logins",
    "network_of",
    "networks",
    "origins",
    "rules",
    "twins",
    "users",
]

_NO_LOGIN = ("nologin", "false", "sync", "halt", "shutdown", "true", "git-shell")
_MOST_CLOSED, _LETTERS = 1_000, 256
_PACKAGED = 100  # from here on, accounts are made by packages and people
_SYSTEM = 99  # up to here, systems have accounts of root's own group (sync, games, operator)
_NOBODY = 65_534
_PEOPLE, _GIVEN = 1_000, 60_000
_LONGEST_RULE = 2_000
# More programs by which whoever may run them as root gets all of root's rights, whatever they are given...
_GIVES_ALL = re.compile(
    r"^(su|sudo|sudoedit|doas|runuser|pkexec|chmod|chown|setfacl|setcap|mv|install|ln|sed|patch|ed|emacs|pico|joe|mcedit|man"
    r"|dpkg|rpm|pip|npm|gem|cpan|passwd|chpasswd|usermod|useradd|adduser|gpasswd|visudo|vipw|crontab|at|batch|chroot|unshare"
    r"|nsenter|capsh|setpriv|insmod|modprobe|kmod|screen|tmux|script|expect|ssh|scp|sftp|ftp|smbclient|xargs|parallel|watch|time|timeout"
    r"|nice|ionice|nohup|setsid|stdbuf|flock|taskset|cpulimit|ltrace|systemd-run|machinectl|debugfs|podman|ctr|crictl|docker-compose|lxc"
    r"|cpio|run-parts|start-stop-daemon|ex|rvim|r?view|pg|tclsh|ansible\S*|salt-call|puppet)[\d.]*$"
)
# ... and where they may be given anything.
_MAY_GIVE = re.compile(
    r"^(service|journalctl|mount|apt|apt-get|aptitude|yum|dnf|zypper|snap|git|hg|svn|wget|curl|mysql|psql|sqlite3|zip|kubectl|tcpdump|tshark"
    r"|logrotate|ip|ip6?tables|sysctl|openvpn|wg-quick|dhclient|ssh-keygen|nginx|certbot|restic|borg)$"
)
_TURNS = frozenset({"start", "stop", "restart", "try-restart", "reload", "reload-or-restart"})
# A further list of hosts and commands in the same rule, whose beginning is read as another's end; and what lets people set the variables by
# which any program loads what they like.
_FURTHER = re.compile(r":(?!\s*/)[^:=]*=|(?<!NO)SETENV\s*:")
_WIDENS = re.compile(r"[*?\[\\]")
_BIN = re.compile(r"^/usr/local/s?bin/[\w.-]+$")
_PRELOADS = re.compile(r"env_keep\b.*\b(?:LD_\w+|PYTHONPATH|PERL5LIB|BASH_ENV)")
_LOOSENS = re.compile(
    r"!\s*(?:authenticate|tty_tickets|use_pty|env_reset|requiretty|syslog|logfile|secure_path|lecture_\w+)\b"
    r"|timestamp_timeout\s*=\s*(?:-|\d{3})|timestamp_type\s*=\s*global|\bsetenv\b|\bvisiblepw\b"
)
_PROTECTS = re.compile(
    r"^\s*(?:use_pty|requiretty|env_reset|secure_path|logfile|log_input|log_output|tty_tickets)\b"
)
_INSIDE = tuple(
    ip_network(network)
    for network in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "::1/128", "fc00::/7", "fe80::/10",
    )
)  # fmt: skip


def _may_log_in(shell: str) -> bool:
    return bool(shell) and shell.rsplit("/", 1)[-1] not in _NO_LOGIN


def _is_packaged(uid: int) -> bool:
    """Whether packages make accounts with such an id: those of the system, and what Debian hands to packages."""
    return 0 < uid < _PEOPLE or _GIVEN <= uid < _NOBODY


def users(view: View) -> Iterator[Fact]:
    """Of `users`: one per name."""
    for row in view.rows("users"):
        name, uid, shell = text(row, "username"), number(row, "uid"), text(row, "shell")
        login = _may_log_in(shell)
        if uid == 0 and name != "root":
            marks, changed = ("user.root",), "user.root"
        elif login:
            marks = ("user.service" if _is_packaged(uid) else "user.login",)
            changed = "user.unlocked" if 0 < uid < 1000 or uid == _NOBODY else "user.changed"
        else:
            marks = ("user.plain",)
            changed = "user.closed" if uid == 0 or 1000 <= uid < _NOBODY else "user.changed"
        yield Fact(
            "user",
            name,
            f"{uid}:{shell}",
            marks,
            f"user:{name}",
            f"{name} (user id {uid}, shell {shell or 'none'})",
            changed,
            "user" if login and uid >= 1000 else "service-user" if uid >= _PACKAGED else "",
        )


def homes(view: View) -> Iterator[Fact]:
    """Of `users`: one per name; the own group and the home are the value."""
    for row in view.rows("users"):
        name, uid, gid = text(row, "username"), number(row, "uid"), number(row, "gid")
        home = text(row, "directory")
        odd = risky(f"{home}/") or hidden(home)
        rooted = gid == 0 and uid > _SYSTEM
        yield Fact(
            "home",
            name,
            f"{gid}:{home}",
            ("user.odd" if odd else "user.rooted" if rooted else "home.new",),
            f"user:{name}",
            f"{name} (group id {gid}, home {home or 'none'})",
            "user.odd" if odd else "user.rooted" if rooted else "home.moved",
        )


def twins(view: View) -> Iterator[Fact]:
    """Of `users`: the user ids that two names share, other than 0, which is told of each name."""
    names: dict[int, list[str]] = {}
    for row in view.rows("users"):
        names.setdefault(number(row, "uid"), []).append(text(row, "username"))
    for uid, some in names.items():
        several = list(dict.fromkeys(some))
        if uid > 0 and len(several) > 1:
            shown = f"{' and '.join(several[:4])} (user id {uid})"
            yield Fact(
                "twin", str(uid), "\0".join(several), ("user.twin",), f"user:{several[-1]}", shown
            )


def keys(view: View) -> Iterator[Fact]:
    """Of `authorized_keys`: one per file and key."""
    for row in view.rows("authorized_keys"):
        uid, file, key = number(row, "uid"), text(row, "key_file"), text(row, "key")
        if uid == 0 or file.startswith("/root/"):
            mark = "key.root"
        else:
            mark = "key.service" if 0 < uid < 1000 else "key.plain"
        shown = f"{text(row, 'algorithm')} {key[:16]} in {file}"
        yield Fact("key", f"{file}\0{key}", str(uid), (mark,), f"key:{file}", shown)


def keyring(view: View) -> Iterator[Fact]:
    """Of `authorized_keys`: that there is any key at all."""
    if view.rows("authorized_keys"):
        yield Fact(
            "keyring", "any", "", ("keyring.there",), "key:all", "any SSH key", watch="keyring"
        )


def rules(view: View) -> Iterator[Fact]:
    """Of `sudoers`: one per rule."""
    for row in view.rows("sudoers"):
        source, header = text(row, "source"), text(row, "header")
        rule = text(row, "rule_details")
        key = f"{source}\0{header}\0{rule}"
        guards = header.startswith("Defaults") and _PROTECTS.search(rule) is not None
        yield Fact(
            "sudo",
            key,
            "",
            (_rule_mark(header, rule),),
            f"sudo:{source}",
            f"{header} {rule} in {source}",
            watch="sudo-guard" if guards else "",
        )


def _rule_mark(header: str, rule: str) -> str:
    if header.startswith("Defaults"):
        if _PRELOADS.search(rule):
            return "sudo.preload"
        return "sudo.loose" if _LOOSENS.search(rule) else "sudo.plain"
    if header == "User_Alias" or (header == "Cmnd_Alias" and _names_power(rule)):
        return "sudo.alias"
    if "NOPASSWD" in f"{header} {rule}".upper():
        return _narrowest(rule)
    return "sudo.all" if rule.rstrip().endswith("ALL") else "sudo.plain"


def _narrowest(rule: str) -> str:
    """By what it allows without a password: some programs of the system or of this host only, none of which hands its rights on."""
    rule, places = rule[:_LONGEST_RULE], set()
    if _FURTHER.search(rule):
        return "sudo.nopasswd"
    for part in rule.split(","):
        words = part.rsplit(":", 1)[-1].split()
        path = words[0] if words else ""
        # A quoted sign may hide where a command begins, and a directory stands for all that is in it.
        if _WIDENS.search(part) or hidden(path) or path.endswith("/") or _hands_on(words):
            return "sudo.nopasswd"
        places.add(place(path) if not path.startswith("/usr/local/") or _BIN.match(path) else "")
    if places == {"system"}:
        return "sudo.narrow"
    return "sudo.local" if places <= {"system", "local"} else "sudo.nopasswd"


def _names_power(rule: str) -> bool:
    """Whether a name for commands, or one of several in a line, stands for such as hand root's rights on."""
    lists = (part.partition("=")[2] for part in rule[:_LONGEST_RULE].split(":"))
    return any(_narrowest(one) == "sudo.nopasswd" for one in lists)


def _hands_on(words: list[str]) -> bool:
    """Whether a command hands root's rights to whoever may run it."""
    name = words[0].rsplit("/", 1)[-1] if words else ""
    if name == "systemctl" and len(words) > 2 and words[1] in _TURNS:
        return False  # what a unit runs is root's to say
    if HANDS_ON.match(name) or _GIVES_ALL.match(name):
        return True
    return len(words) == 1 and _MAY_GIVE.match(name) is not None


def closed_accounts(view: View, before: list[str] | None) -> list[str] | None:
    """Names of service accounts that can't log in; as `before` when `users` is unchanged or was not seen."""
    known = "users" in view.unchanged or "users" in view.doubted
    if "users" not in view.seen or (before is not None and known):
        return before
    # Of two rows of one name the later one counts, as where names are looked up.
    rows = {text(row, "username"): row for row in view.rows("users")}
    return sorted(
        name[:_LETTERS]
        for name, row in rows.items()
        if 0 < number(row, "uid") < 1000 and not _may_log_in(text(row, "shell"))
    )[:_MOST_CLOSED]


def logins(view: View, closed: Collection[str]) -> Iterator[Fact]:
    """Of `logged_in_users`: one per person and the place they come from."""
    for row in view.rows("logged_in_users"):
        name, origin = text(row, "user"), text(row, "host")
        if not name or text(row, "type") not in {"", "user"}:
            continue
        mark = "login.plain"
        if name[:_LETTERS] in closed:
            mark = "login.service"
        elif name == "root":
            mark = _root_mark(origin[:_LETTERS])
        shown = f"{name} from {origin or 'the console'}"
        yield Fact("login", f"{name}\0{origin}", "", (mark,), f"login:{name}", shown)


def origins(view: View) -> Iterator[Fact]:
    """Of the same: one per person; whether they come from a network of one's own is the value."""
    for row in view.rows("logged_in_users"):
        name, origin = text(row, "user"), text(row, "host")
        if not name or name == "root" or text(row, "type") not in {"", "user"}:
            continue
        afar = _root_mark(origin[:_LETTERS]) == "login.outside"
        yield Fact(
            "origin",
            name,
            "outside" if afar else "inside",
            ("origin.there",),
            f"login:{name}",
            f"{name} from {origin}",
            "login.strayed" if afar else "origin.there",
        )


def networks(view: View) -> Iterator[Fact]:
    """Of the same: one per person who comes from inside; the network they come from is the value."""
    for row in view.rows("logged_in_users"):
        name, origin = text(row, "user"), text(row, "host")
        network = network_of(origin[:_LETTERS])
        if not name or not network or text(row, "type") not in {"", "user"}:
            continue
        shown = f"{name} from {origin}"
        yield Fact(
            "network", name, network, ("origin.there",), f"login:{name}", shown, "login.elsewhere"
        )


@lru_cache(maxsize=1024)
def network_of(origin: str) -> str:
    """The network of one's own that an address belongs to (/24, /48); empty for others and for names."""
    try:
        address = ip_address(origin)
    except ValueError:
        return ""
    if not any(address in inside for inside in _INSIDE if inside.version == address.version):
        return ""
    return str(ip_network(f"{address}/{24 if address.version == 4 else 48}", strict=False))


@lru_cache(maxsize=1024)
def _root_mark(origin: str) -> str:
    """By where root comes from: the console, a network of one's own (RFC 1918, 6598, 4193, 3927), or outside."""
    try:
        address = ip_address(origin)
    except ValueError:
        return "login.root" if origin.strip(":0") else "login.console"
    inside = any(address in network for network in _INSIDE if network.version == address.version)
    return "login.root" if inside else "login.outside"
