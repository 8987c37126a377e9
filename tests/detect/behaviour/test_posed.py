"""Whose name a program may go by: its own, and none of the system's where it lies aside or is a tool."""

import pytest
from tests.detect.scene import proc

from vedette.detect.behaviour.guise import is_posed
from vedette.detect.behaviour.shape import Process, form_of


def posed(path: str, command: str) -> bool:
    row = proc(9, 1, path.rsplit("/", 1)[-1][:15], path, command)
    return is_posed(Process("9", row, form_of(row), 0, "root", None, "1"))


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("/usr/bin/bash", "sshd: ana [priv]"),
        ("/usr/bin/curl", "nginx: worker"),
        ("/usr/bin/sleep", f"/{'x' * 200}/sshd 1"),  # longer than what people are shown of it
        ("/opt/a/t", "/usr/sbin/rsyslogd -n"),
        ("/home/ana/t", "-bash"),
        ("/usr/local/bin/toybox", "sshd"),
        ("/srv/a/bash", "-zsh"),
    ],
)
def test_a_name_of_the_systems_is_borrowed(path: str, command: str) -> None:
    assert posed(path, command)


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("/usr/sbin/sshd", "sshd: ana [priv]"),
        ("/usr/bin/bash", "-bash"),
        ("/usr/bin/busybox", "syslogd -n"),
        ("/usr/local/bin/busybox", "-sh"),
        ("/opt/a/t", "bash"),
        ("/opt/a/nginx-1.27", "nginx: master process"),
        ("/opt/a/t", ""),
        ("/usr/local/bin/python3.12", "/usr/bin/python3 a.py"),
    ],
)
def test_a_name_is_its_own_or_nobodys(path: str, command: str) -> None:
    assert not posed(path, command)
