"""Facts about who may come in: users, SSH keys, sudo rules, logins."""

from collections.abc import Collection, Iterator

from vedette.detect.inventory.fact import Fact, number, text
from vedette.detect.view import View

__all__ = ["closed_accounts", "keys", "logins", "rules", "users"]

_NO_LOGIN = ("nologin", "false", "sync", "halt", "shutdown", "true", "git-shell")
_MOST_CLOSED, _LETTERS = 1_000, 256


def _may_log_in(shell: str) -> bool:
    return bool(shell) and shell.rsplit("/", 1)[-1] not in _NO_LOGIN


def users(view: View) -> Iterator[Fact]:
    """Of `users`: one per name."""
    for row in view.rows("users"):
        name, uid, shell = text(row, "username"), number(row, "uid"), text(row, "shell")
        login = _may_log_in(shell)
        if uid == 0 and name != "root":
            marks, changed = ("user.root",), "user.root"
        elif login:
            marks = ("user.login",)
            changed = "user.unlocked" if 0 < uid < 1000 else "user.changed"
        else:
            marks, changed = ("user.plain",), "user.changed"
        yield Fact(
            "user",
            name,
            f"{uid}:{shell}",
            marks,
            f"user:{name}",
            f"{name} (user id {uid}, shell {shell or 'none'})",
            changed,
            "user" if login and uid >= 1000 else "",
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


def rules(view: View) -> Iterator[Fact]:
    """Of `sudoers`: one per rule."""
    for row in view.rows("sudoers"):
        source, header = text(row, "source"), text(row, "header")
        rule = text(row, "rule_details")
        words = f"{header} {rule}".upper()
        if header.startswith("Defaults"):
            mark = "sudo.nopasswd" if "!AUTHENTICATE" in words else "sudo.plain"
        elif "NOPASSWD" in words:
            mark = "sudo.nopasswd"
        else:
            mark = "sudo.all" if rule.rstrip().endswith("ALL") else "sudo.plain"
        key = f"{source}\0{header}\0{rule}"
        yield Fact("sudo", key, "", (mark,), f"sudo:{source}", f"{header} {rule} in {source}")


def closed_accounts(view: View, before: list[str] | None) -> list[str] | None:
    """Names of service accounts that can't log in; as `before` when `users` is unchanged or was not seen."""
    if "users" not in view.seen or (before is not None and "users" in view.unchanged):
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
        marks = ("login.root",) if name == "root" else ("login.plain",)
        if name[:_LETTERS] in closed:
            marks = ("login.service",)
        shown = f"{name} from {origin or 'the console'}"
        yield Fact("login", f"{name}\0{origin}", "", marks, f"login:{name}", shown)
