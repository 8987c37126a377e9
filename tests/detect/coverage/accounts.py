"""Who may come in: users, groups, keys, sudo rules, logins."""

from typing import Any

from tests.detect.coverage.entry import fact
from tests.detect.coverage.installed import ANA
from tests.detect.coverage.stage import Change, Stage, key, user

__all__ = ["ENTRIES"]


def _user(name: str, uid: int, shell: str = "/bin/bash", home: str = "") -> Change:
    def change(stage: Stage) -> None:
        stage.add("users", user(name, uid, shell, home))
        for file in ("/etc/passwd", "/etc/shadow", "/etc/group"):
            stage.write(file)

    return change


def _edit_user(name: str, cells: dict[str, Any]) -> Change:
    def change(stage: Stage) -> None:
        stage.edit("users", {"username": name}, **cells)
        stage.write("/etc/passwd")

    return change


def _key(uid: int, file: str) -> Change:
    def change(stage: Stage) -> None:
        stage.add("authorized_keys", key(uid, file))
        if file.startswith("/root/"):
            stage.write(file)

    return change


def _rule(source: str, header: str, rule: str) -> Change:
    def change(stage: Stage) -> None:
        stage.add("sudoers", {"source": source, "header": header, "rule_details": rule})
        stage.write(source)

    return change


def _drop_rule(rule: str) -> Change:
    def change(stage: Stage) -> None:
        stage.drop("sudoers", rule_details=rule)
        stage.write("/etc/sudoers")

    return change


def _login(name: str, host: str, tty: str = "pts/3") -> Change:
    return lambda stage: stage.add(
        "logged_in_users", {"user": name, "tty": tty, "host": host, "time": 1_777_880_000}
    )


def _write(path: str) -> Change:
    return lambda stage: stage.write(path)


def _leave(stage: Stage) -> None:
    stage.drop("users", username="ben")
    stage.drop("authorized_keys", uid=1001)
    stage.write("/etc/passwd")


def _lock_out(stage: Stage) -> None:
    stage.tables["authorized_keys"] = []
    stage.drop("hash", path="/root/.ssh/authorized_keys")


# fmt: off
ENTRIES = (
    fact("T1136.001", "a second account with user id 0", "`users`: a new row with uid 0", _user("toor", 0), "user:toor"),
    fact("T1136.001", "a new account that can log in", "`users`: a new row with a login shell", _user("mallory", 1002), "user:mallory"),
    fact("T1136.001", "a login account among the service accounts", "`users`: a new row below uid 1000 with a login shell", _user("systemd-net", 997), "user:systemd-net", role="database"),
    fact("T1136.001", "an account without a login shell but a home in a temporary place", "`users`: a new row whose directory is in a temporary or hidden place", _user("cache", 996, "/usr/sbin/nologin", "/dev/shm/.c"), "user:cache"),
    fact("T1036.010", "an account that shares the id of another", "`users`: two names with one uid", _user("ana-adm", ANA), "user:ana-adm", role="admin", told_as="T1136.001"),
    fact("T1098", "a service account gets a shell", "`users`: the shell of a row below uid 1000 becomes a login shell", _edit_user("www-data", {"shell": "/bin/bash"}), "user:www-data"),
    fact("T1098", "the lock of nobody is taken off", "`users`: the shell of nobody becomes a login shell", _edit_user("nobody", {"shell": "/bin/sh"}), "user:nobody", role="build"),
    fact("T1098", "an ordinary account becomes user id 0", "`users`: the uid of a row becomes 0", _edit_user("ben", {"uid": 0}), "user:ben", told_as="T1136.001"),
    fact("T1098", "a password put into the list of accounts itself", "`hash`: /etc/passwd changes while no row of `users` does", _write("/etc/passwd"), "file:/etc/passwd"),
    fact("T1098", "a password for an account, with nobody logged in", "`hash`: /etc/shadow changes while no row of `users` does, and nobody is logged in", _write("/etc/shadow"), "file:/etc/shadow", role="database"),
    fact("T1098.007", "somebody is put into a group", "`hash`: /etc/group changes while no row of `users` does", _write("/etc/group"), "file:/etc/group"),
    fact("T1098.007", "an account's own group becomes root's", "`users`: the gid of a row becomes 0", _edit_user("worker", {"gid": 0}), "user:worker"),
    fact("T1564.002", "a login account with a number that login screens hide", "`users`: a new row with a login shell and a very high uid", _user("upd", 65_600), "user:upd", told_as="T1136.001"),
    fact("T1098.004", "a key for root", "`authorized_keys`: a new row with uid 0", _key(0, "/root/.ssh/authorized_keys"), "key:/root/.ssh/authorized_keys"),
    fact("T1098.004", "a key for root in the second, forgotten file", "`authorized_keys`: a new row of authorized_keys2", _key(0, "/root/.ssh/authorized_keys2"), "key:/root/.ssh/authorized_keys2", role="admin"),
    fact("T1098.004", "a key for a service account", "`authorized_keys`: a new row with a uid below 1000", _key(33, "/var/www/.ssh/authorized_keys"), "key:/var/www/.ssh/authorized_keys"),
    fact("T1098.004", "a foreign key for an operator", "`authorized_keys`: a new row of a person", _key(ANA, "/home/ana/.ssh/authorized_keys"), "key:/home/ana/.ssh/authorized_keys", role="build"),
    fact("T1098.004", "the limits on root's key are taken off", "`hash`: /root/.ssh/authorized_keys changes while no key does", _write("/root/.ssh/authorized_keys"), "file:/root/.ssh/authorized_keys"),
    fact("T1548.003", "a service account may do everything without a password", "`sudoers`: a new rule with NOPASSWD: ALL", _rule("/etc/sudoers.d/www", "www-data", "ALL=(ALL) NOPASSWD: ALL"), "sudo:/etc/sudoers.d/www"),
    fact("T1548.003", "somebody may do everything as root", "`sudoers`: a new rule that ends in ALL", _rule("/etc/sudoers", "ben", "ALL=(ALL:ALL) ALL"), "sudo:/etc/sudoers", role="database"),
    fact("T1548.003", "a name for commands that a rule allows gets a shell", "`sudoers`: Cmnd_Alias with /bin/bash", _rule("/etc/sudoers", "Cmnd_Alias", "RESTART = /usr/bin/systemctl restart nginx, /bin/bash"), "sudo:/etc/sudoers"),
    fact("T1548.003", "a name for commands gets a shell with settings of one's own", "`sudoers`: Cmnd_Alias with /bin/bash and an option", _rule("/etc/sudoers", "Cmnd_Alias", "RESTART = /bin/bash --rcfile=/usr/bin/id"), "sudo:/etc/sudoers"),
    fact("T1548.003", "a name for people gets one more", "`sudoers`: User_Alias with another account", _rule("/etc/sudoers", "User_Alias", "ADMINS = ana, www-data"), "sudo:/etc/sudoers"),
    fact("T1548.003", "an editor as root without a password", "`sudoers`: a new NOPASSWD rule for a program that gives a shell", _rule("/etc/sudoers.d/edit", "ben", "ALL=(root) NOPASSWD: /usr/bin/vim"), "sudo:/etc/sudoers.d/edit"),
    fact("T1548.003", "sudo asks for no password any more", "`sudoers`: Defaults !authenticate", _rule("/etc/sudoers", "Defaults", "!authenticate"), "sudo:/etc/sudoers"),
    fact("T1548.003", "sudo's permission lasts for ever, for all terminals", "`sudoers`: Defaults timestamp_timeout=-1, !tty_tickets", _rule("/etc/sudoers", "Defaults", "timestamp_timeout=-1, !tty_tickets"), "sudo:/etc/sudoers"),
    fact("T1574.006", "sudo keeps a library that the user preloads", "`sudoers`: Defaults env_keep += LD_PRELOAD", _rule("/etc/sudoers", "Defaults", 'env_keep += "LD_PRELOAD"'), "sudo:/etc/sudoers"),
    fact("T1548.003", "sudo's protection of the terminal is taken out", "`sudoers`: Defaults use_pty is gone", _drop_rule("use_pty"), "sudo:/etc/sudoers", within=2),
    fact("T1078.003", "a service account is logged in", "`logged_in_users`: a user without a login shell", _login("www-data", "198.51.100.4"), "login:www-data"),
    fact("T1078", "root comes in from the internet", "`logged_in_users`: root from a public address not seen before", _login("root", "198.51.100.4"), "login:root", role="database"),
    fact("T1078", "an operator who always came from inside comes in from the internet", "`logged_in_users`: a public address of a person who had private ones only", _login("ana", "198.51.100.9"), "login:ana"),
    fact("T1531", "the database's account is deleted", "`users`: the row of a service account is gone", lambda stage: stage.drop("users", username="postgres"), "user:postgres", within=2, role="database"),
    fact("T1531", "an operator's account is deleted", "`users`: the row of a login account is gone", _leave, "user:ben", within=2),
    fact("T1531", "everybody's keys are taken away", "`authorized_keys`: no row is left", _lock_out, "key:all", within=2, role="admin"),
    fact("T1531", "an operator's shell is taken away", "`users`: the shell of a login account becomes nologin", _edit_user("ana", {"shell": "/usr/sbin/nologin"}), "user:ana"),
)
# fmt: on
