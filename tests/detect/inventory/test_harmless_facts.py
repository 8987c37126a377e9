"""The benign twins of hostile facts stay below the threshold, and state lives as promised."""

import pytest
from tests.detect.inventory.test_hostile_facts import (
    add,
    drop,
    edit,
    key,
    listen,
    rehash,
    suid,
    unit,
)
from tests.detect.scene import (
    Change,
    Tables,
    after,
    any_cells,
    empty_rows,
    job,
    port,
    proc,
    scene,
    tables,
    user,
    watch,
)

from vedette.detect import Case, View
from vedette.detect.inventory import InventoryExpert
from vedette.detect.pardon import Heard


def together(*changes: Change) -> Change:
    def change(rows: Tables) -> None:
        for one in changes:
            one(rows)

    return change


def install(name: str = "thing", version: str = "2.0") -> Change:
    return add("deb_packages", {"name": name, "version": version})


def nothing(_: Tables) -> None:
    pass


HARMLESS: dict[str, tuple[Change, ...]] = {
    "a package manager lays new files beside the old": (
        add("hash", {"path": "/etc/sudoers.d/README.dpkg-new", "sha256": "e" * 64}),
        add("hash", {"path": "/etc/pam.d/sudo.dpkg-new", "sha256": "f" * 64}),
    ),
    "configuration management adds a cron job": (
        together(
            add(
                "crontab",
                job("/etc/cron.d/clean", "root /usr/bin/find /var/tmp/x -mtime +3 -delete"),
            ),
            add("hash", {"path": "/etc/cron.d/clean", "sha256": "d" * 64}),
        ),
    ),
    "a cron job that writes to a temp directory": (
        add("crontab", job("/etc/cron.d/b", "root tar czf /tmp/etc.tgz /etc > /tmp/b.log 2>&1")),
    ),
    "a cron job that asks a health check": (
        add(
            "crontab",
            job("/etc/cron.d/h", "root curl -fsS https://example.org/ping > /dev/null", "*/5", "*"),
        ),
    ),
    "a cron job under a lock in a temp directory": (
        add("crontab", job("/etc/cron.d/l", "root flock -n /tmp/l.lock /usr/local/bin/sync.sh")),
    ),
    "a cron job gets another schedule": (edit("crontab", "path", "/etc/crontab", minute="23"),),
    "a package brings user, unit and port": (
        together(
            install("memcached"),
            add("users", user("memcache", 115, "/bin/false")),
            add(
                "systemd_units", unit("memcached.service", "/lib/systemd/system/memcached.service")
            ),
            listen(proc(900, 1, "memcached", "/usr/bin/memcached", "memcached", 115), 11211),
        ),
    ),
    "an upgrade replaces programs": (
        together(edit("deb_packages", "name", "procps", version="1.1"), rehash("/usr/bin/ps")),
    ),
    "an upgrade seen before its package is": (
        together(
            rehash("/usr/bin/ps"),
            add("processes", proc(900, 72, "dpkg", "/usr/bin/dpkg", "dpkg -i x.deb")),
        ),
        edit("deb_packages", "name", "procps", version="1.1"),
    ),
    "a package brings a SUID program": (
        together(install("iputils"), add("suid_bin", suid("/usr/bin/ping"))),
    ),
    "a package changes login rules": (together(install("libpam-x"), rehash("/etc/pam.d/sshd")),),
    "a guard is installed": (install("fail2ban"),),
    "a unit is enabled": (
        edit("systemd_units", "id", "nginx.service", unit_file_state="disabled"),
    ),
    "an instance of a template and a session scope": (
        add(
            "systemd_units",
            unit("session-4.scope", "/run/systemd/transient/session-4.scope"),
            unit("run-u7.service", "/run/systemd/transient/run-u7.service"),
        ),
    ),
    "modules of the network": (
        add("kernel_modules", {"name": "veth"}, {"name": "xt_nat"}, {"name": "overlay"}),
    ),
    "a metrics exporter in /usr/local": (
        listen(
            proc(900, 1, "node_exporter", "/usr/local/bin/node_exporter", "node_exporter", 998),
            9100,
        ),
    ),
    "a test server on a port by chance": (
        listen(
            proc(900, 72, "python3", "/usr/bin/python3.11", "python3 /tmp/t/srv.py", 1000),
            45_871,
            "127.0.0.1",
        ),
    ),
    "an operator from another place": (
        add("logged_in_users", {"user": "ana", "tty": "pts/1", "host": "10.0.9.7"}),
    ),
    "a disk is mounted": (
        add("mounts", {"path": "/mnt/backup", "device": "/dev/vdb1", "type": "ext4"}),
    ),
    "a password is changed": (rehash("/etc/shadow"),),
    "an image holds SUID programs": (
        add(
            "suid_bin",
            suid("/var/lib/docker/overlay2/ab/diff/usr/bin/su"),
            suid("/var/lib/docker/overlay2/ab/diff/bin/bash"),
        ),
    ),
    "a port is away while its service restarts": (
        drop("listening_ports", "port", 80),
        nothing,
        add("listening_ports", port(40, 80)),
    ),
    "an SSH key goes": (drop("authorized_keys", "uid", 1000),),
    "a job goes": (drop("crontab", "path", "/etc/crontab"), nothing, nothing, nothing),
}


@pytest.mark.parametrize("name", sorted(HARMLESS))
def test_a_harmless_change_is_no_alarm(name: str) -> None:
    changes = (*HARMLESS[name], nothing, nothing, nothing, nothing, nothing, nothing, nothing)
    told = after(InventoryExpert, *changes[: max(8, len(HARMLESS[name]))])
    assert [(case.subject, case.nats) for cases in told for case in cases if case.nats > 0] == []


def test_a_hard_fact_is_not_excused_by_a_package() -> None:
    change = together(install(), add("authorized_keys", key(0, "/root/.ssh/authorized_keys")))
    (cases,) = after(InventoryExpert, change)
    assert cases[0].nats > 0


def test_what_was_there_before_comes_back_in_silence() -> None:
    gone = drop("users", "username", "ana")
    told = after(InventoryExpert, gone, add("users", user("ana", 1000, "/bin/bash")))
    assert not [case for cases in told for case in cases if case.nats > 0]


def test_a_table_that_was_not_seen_neither_closes_cases_nor_opens_them() -> None:
    def blind(rows: Tables) -> None:
        rows.pop("users", None)

    toor = add("users", user("toor", 0, "/bin/sh"))
    told = after(InventoryExpert, toor, blind, blind, blind)
    assert [[case.subject for case in cases if case.nats > 0] for cases in told] == [
        ["user:toor"]
    ] * 4


def test_a_quiet_fact_is_usual_after_sixty_snapshots_and_a_loud_one_after_a_day() -> None:
    expert = InventoryExpert()
    rows = tables()
    _, state = watch(expert, [scene(seq, rows) for seq in range(1, 31)])
    rows = {name: list(some) for name, some in rows.items()}
    add("crontab", job("/etc/cron.d/clean", "root /usr/bin/true"))(rows)
    add("users", user("toor", 0, "/bin/sh"))(rows)
    told = []
    for seq in range(31, 1_500):
        view = View(snapshot=scene(seq, rows), count=seq - 1, seen=frozenset(rows))
        told.append(expert.judge([view], [state])[0])
        (state,) = expert.learn([view], [state], [False])
    assert [len(told[at]) for at in (0, 58, 59, 60, 61, 1_439, 1_440)] == [2, 2, 2, 1, 1, 1, 0]


def _life(*changes: Change, snapshots: int, heard: dict[int, Heard]) -> list[list[str]]:
    """The subjects that are told in each snapshot after the changes, which all come at once."""
    expert, rows = InventoryExpert(), tables()
    _, state = watch(expert, [scene(seq, rows) for seq in range(1, 31)])
    rows = {name: list(some) for name, some in rows.items()}
    together(*changes)(rows)
    told = []
    for seq in range(31, 31 + snapshots):
        view = View(
            snapshot=scene(seq, rows),
            count=seq - 1,
            seen=frozenset(rows),
            heard=heard.get(seq - 31, Heard()),
        )
        cases = expert.judge([view], [state])[0]
        told.append([case.subject for case in cases if case.nats > 0])
        (state,) = expert.learn([view], [state], [True])
        state = expert.load(expert.dump(state))
    return told


def test_a_question_about_what_is_gone_is_asked_for_ten_snapshots() -> None:
    told = _life(drop("users", "username", "ana"), snapshots=20, heard={})
    assert told == [[], *[["user:ana"]] * 9, *[[]] * 10]


def test_what_people_call_wrong_is_told_for_as_long_as_it_is_missed() -> None:
    said = {4: Heard(condemned=frozenset({"user:ana"}))}
    told = _life(drop("users", "username", "ana"), snapshots=40, heard=said)
    assert told == [[], *[["user:ana"]] * 39]


def test_new_name_servers_ask_and_are_not_told_for_a_day() -> None:
    told = _life(rehash("/etc/resolv.conf"), snapshots=20, heard={})
    assert told == [*[["file:/etc/resolv.conf"]] * 10, *[[]] * 10]


@pytest.mark.no_cover
@pytest.mark.parametrize("answered", [False, True], ids=["unanswered", "answered"])
def test_what_is_known_only_because_it_stayed_is_not_told_as_normal(*, answered: bool) -> None:
    expert = InventoryExpert()
    rows = tables()
    _, state = watch(expert, [scene(seq, rows) for seq in range(1, 31)])
    before = set(expert.tells(state).held)
    rows = {name: list(some) for name, some in rows.items()}
    row = key(1000, "/home/ana/.ssh/authorized_keys") | {"key": "d" * 64}
    add("authorized_keys", row)(rows)
    subject = "key:/home/ana/.ssh/authorized_keys"
    cases: tuple[Case, ...] = ()
    for seq in range(31, 1_500):
        heard = Heard(frozenset({subject} if answered and seq == 60 else ()))
        view = View(snapshot=scene(seq, rows), count=seq - 1, seen=frozenset(rows), heard=heard)
        (cases,) = expert.judge([view], [state])
        (state,) = expert.learn([view], [state], [False])
    assert cases == ()
    assert len(set(expert.tells(state).held) - before) == int(answered)
    assert expert.load(expert.dump(state)).unanswered == state.unanswered


def test_under_an_alarm_quiet_facts_wait() -> None:
    expert = InventoryExpert()
    rows = tables()
    _, state = watch(expert, [scene(seq, rows) for seq in range(1, 31)])
    rows = {name: list(some) for name, some in rows.items()}
    add("crontab", job("/etc/cron.d/clean", "root /usr/bin/true"))(rows)
    for seq in range(31, 200):
        view = View(snapshot=scene(seq, rows), count=seq - 1, seen=frozenset(rows))
        cases = expert.judge([view], [state])[0]
        (state,) = expert.learn([view], [state], [True])
        assert cases
        assert state.bursts == {}


def test_loud_changes_do_not_make_later_ones_quieter() -> None:
    def keys(number: int) -> Change:
        return add(
            "authorized_keys", key(0, "/root/.ssh/authorized_keys") | {"key": str(number) * 64}
        )

    told = after(InventoryExpert, *(keys(number) for number in range(5)))
    scores = [max(case.nats for case in cases) for cases in told]
    assert scores == sorted(scores)


def test_a_state_of_another_form_is_refused() -> None:
    for raw in (b"\xc1", b"\x01", 7, {"known": 3}):
        with pytest.raises((ValueError, TypeError)):
            InventoryExpert().load(raw)


def test_cells_of_any_type_are_survived() -> None:
    after(InventoryExpert, empty_rows, any_cells, empty_rows)
