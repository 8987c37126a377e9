"""Who may come in: users, groups, keys, sudo rules, logins."""

from typing import Any

from tests.detect.coverage.entry import Entry, Found
from tests.detect.coverage.hosts import ANA
from tests.detect.coverage.stage import Change, Stage, key, user

__all__ = ["ENTRIES"]


def _found(subject: str, within: int = 0) -> Found:
    return Found(expert="inventory", subject=subject, within=within)


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


ENTRIES = (
    Entry(
        id="T1136.001",
        name="a second account with user id 0",
        evidence="`users`: a new row with uid 0",
        steps=(_user("toor", 0),),
        expect=_found("user:toor"),
    ),
    Entry(
        id="T1136.001",
        name="a new account that can log in",
        evidence="`users`: a new row with a login shell",
        steps=(_user("mallory", 1002),),
        expect=_found("user:mallory"),
    ),
    Entry(
        id="T1136.001",
        name="a login account among the service accounts",
        evidence="`users`: a new row below uid 1000 with a login shell",
        steps=(_user("systemd-net", 997),),
        expect=_found("user:systemd-net"),
        role="database",
    ),
    Entry(
        id="T1136.001",
        name="an account without a login shell but a home in a temporary place",
        evidence="`users`: a new row whose directory is in a temporary or hidden place",
        steps=(_user("cache", 996, "/usr/sbin/nologin", "/dev/shm/.c"),),
        expect=_found("user:cache"),
    ),
    Entry(
        id="T1036.010",
        name="an account that shares the id of another",
        evidence="`users`: two names with one uid",
        steps=(_user("ana-adm", ANA),),
        expect=_found("user:ana-adm"),
        role="admin",
    ),
    Entry(
        id="T1098",
        name="a service account gets a shell",
        evidence="`users`: the shell of a row below uid 1000 becomes a login shell",
        steps=(_edit_user("www-data", {"shell": "/bin/bash"}),),
        expect=_found("user:www-data"),
    ),
    Entry(
        id="T1098",
        name="the lock of nobody is taken off",
        evidence="`users`: the shell of nobody becomes a login shell",
        steps=(_edit_user("nobody", {"shell": "/bin/sh"}),),
        expect=_found("user:nobody"),
        role="build",
    ),
    Entry(
        id="T1098",
        name="an ordinary account becomes user id 0",
        evidence="`users`: the uid of a row becomes 0",
        steps=(_edit_user("ben", {"uid": 0}),),
        expect=_found("user:ben"),
    ),
    Entry(
        id="T1098",
        name="a password put into the list of accounts itself",
        evidence="`hash`: /etc/passwd changes while no row of `users` does",
        steps=(_write("/etc/passwd"),),
        expect=_found("file:/etc/passwd"),
    ),
    Entry(
        id="T1098.007",
        name="somebody is put into a group",
        evidence="`hash`: /etc/group changes while no row of `users` does",
        steps=(_write("/etc/group"),),
        expect=_found("file:/etc/group"),
    ),
    Entry(
        id="T1098.007",
        name="an account's own group becomes root's",
        evidence="`users`: the gid of a row becomes 0",
        steps=(_edit_user("worker", {"gid": 0}),),
        expect=_found("user:worker"),
    ),
    Entry(
        id="T1564.002",
        name="a login account with a number that login screens hide",
        evidence="`users`: a new row with a login shell and a very high uid",
        steps=(_user("upd", 65_600),),
        expect=_found("user:upd"),
    ),
    Entry(
        id="T1098.004",
        name="a key for root",
        evidence="`authorized_keys`: a new row with uid 0",
        steps=(_key(0, "/root/.ssh/authorized_keys"),),
        expect=_found("key:/root/.ssh/authorized_keys"),
    ),
    Entry(
        id="T1098.004",
        name="a key for root in the second, forgotten file",
        evidence="`authorized_keys`: a new row of authorized_keys2",
        steps=(_key(0, "/root/.ssh/authorized_keys2"),),
        expect=_found("key:/root/.ssh/authorized_keys2"),
        role="admin",
    ),
    Entry(
        id="T1098.004",
        name="a key for a service account",
        evidence="`authorized_keys`: a new row with a uid below 1000",
        steps=(_key(33, "/var/www/.ssh/authorized_keys"),),
        expect=_found("key:/var/www/.ssh/authorized_keys"),
    ),
    Entry(
        id="T1098.004",
        name="a foreign key for an operator",
        evidence="`authorized_keys`: a new row of a person",
        steps=(_key(ANA, "/home/ana/.ssh/authorized_keys"),),
        expect=_found("key:/home/ana/.ssh/authorized_keys"),
        role="build",
    ),
    Entry(
        id="T1098.004",
        name="the limits on root's key are taken off",
        evidence="`hash`: /root/.ssh/authorized_keys changes while no key does",
        steps=(_write("/root/.ssh/authorized_keys"),),
        expect=_found("file:/root/.ssh/authorized_keys"),
    ),
    Entry(
        id="T1548.003",
        name="a service account may do everything without a password",
        evidence="`sudoers`: a new rule with NOPASSWD: ALL",
        steps=(_rule("/etc/sudoers.d/www", "www-data", "ALL=(ALL) NOPASSWD: ALL"),),
        expect=_found("sudo:/etc/sudoers.d/www"),
    ),
    Entry(
        id="T1548.003",
        name="somebody may do everything as root",
        evidence="`sudoers`: a new rule that ends in ALL",
        steps=(_rule("/etc/sudoers", "ben", "ALL=(ALL:ALL) ALL"),),
        expect=_found("sudo:/etc/sudoers"),
        role="database",
    ),
    Entry(
        id="T1548.003",
        name="an editor as root without a password",
        evidence="`sudoers`: a new NOPASSWD rule for a program that gives a shell",
        steps=(_rule("/etc/sudoers.d/edit", "ben", "ALL=(root) NOPASSWD: /usr/bin/vim"),),
        expect=_found("sudo:/etc/sudoers.d/edit"),
    ),
    Entry(
        id="T1548.003",
        name="sudo asks for no password any more",
        evidence="`sudoers`: Defaults !authenticate",
        steps=(_rule("/etc/sudoers", "Defaults", "!authenticate"),),
        expect=_found("sudo:/etc/sudoers"),
    ),
    Entry(
        id="T1548.003",
        name="sudo's permission lasts for ever, for all terminals",
        evidence="`sudoers`: Defaults timestamp_timeout=-1, !tty_tickets",
        steps=(_rule("/etc/sudoers", "Defaults", "timestamp_timeout=-1, !tty_tickets"),),
        expect=_found("sudo:/etc/sudoers"),
    ),
    Entry(
        id="T1574.006",
        name="sudo keeps a library that the user preloads",
        evidence="`sudoers`: Defaults env_keep += LD_PRELOAD",
        steps=(_rule("/etc/sudoers", "Defaults", 'env_keep += "LD_PRELOAD"'),),
        expect=_found("sudo:/etc/sudoers"),
    ),
    Entry(
        id="T1548.003",
        name="sudo's protection of the terminal is taken out",
        evidence="`sudoers`: Defaults use_pty is gone",
        steps=(_drop_rule("use_pty"),),
        expect=_found("sudo:/etc/sudoers", within=2),
    ),
    Entry(
        id="T1078.003",
        name="a service account is logged in",
        evidence="`logged_in_users`: a user without a login shell",
        steps=(_login("www-data", "198.51.100.4"),),
        expect=_found("login:www-data"),
    ),
    Entry(
        id="T1078",
        name="root comes in from the internet",
        evidence="`logged_in_users`: root from a public address not seen before",
        steps=(_login("root", "198.51.100.4"),),
        expect=_found("login:root"),
        role="database",
    ),
    Entry(
        id="T1078",
        name="an operator who always came from inside comes in from the internet",
        evidence="`logged_in_users`: a public address of a person who had private ones only",
        steps=(_login("ana", "198.51.100.9"),),
        expect=_found("login:ana"),
    ),
    Entry(
        id="T1531",
        name="the database's account is deleted",
        evidence="`users`: the row of a service account is gone",
        steps=(lambda stage: stage.drop("users", username="postgres"),),
        expect=_found("user:postgres", within=2),
        role="database",
    ),
    Entry(
        id="T1531",
        name="an operator's account is deleted",
        evidence="`users`: the row of a login account is gone",
        steps=(_leave,),
        expect=_found("user:ben", within=2),
    ),
    Entry(
        id="T1531",
        name="everybody's keys are taken away",
        evidence="`authorized_keys`: no row is left",
        steps=(_lock_out,),
        expect=_found("key:all", within=2),
        role="admin",
    ),
    Entry(
        id="T1531",
        name="an operator's shell is taken away",
        evidence="`users`: the shell of a login account becomes nologin",
        steps=(_edit_user("ana", {"shell": "/usr/sbin/nologin"}),),
        expect=_found("user:ana"),
    ),
)
