"""Which packages may have brought what."""

import pytest

from vedette.detect.inventory.belongs import may_bring, needs_name


@pytest.mark.parametrize(
    ("mark", "subject", "expected"),
    [
        ("unit.packaged", "unit:ssh.service", False),
        ("unit.made", "unit:x.service", True),
        ("suid.system", "suid:/usr/bin/ping", False),
        ("suid.system", "suid:/usr/bin/mtr2", True),
        ("hash.dropin", "file:/etc/systemd/system.conf", False),
        ("hash.dropin", "file:/etc/systemd/system/a.service.d/b.conf", True),
        ("hash.start", "file:/etc/profile.d/x.sh", False),
        ("hash.start", "file:/root/.profile", None),
        ("hash.ssh", "file:/home/ana/.ssh/rc", None),
        ("hash.boot", "file:/etc/rc.local", None),
        ("hash.boot", "file:/etc/init.d/x", False),
        ("cron.code", "cron:/etc/cron.d/certbot", False),
        ("cron.code", "cron:/var/spool/cron/crontabs/root", None),
        ("cron.plain", "cron:/etc/crontab", None),
    ],
)
def test_what_needs_a_package_of_its_name(
    mark: str, subject: str, *, expected: bool | None
) -> None:
    assert needs_name(mark, subject) is expected


@pytest.mark.parametrize(
    ("package", "subject"),
    [
        ("memcached", "unit:memcached.service"),
        ("docker-ce", "file:/etc/systemd/system/docker.service"),
        ("postgresql-common", "unit:postgresql@.service"),
        ("virtualbox-7.0", "suid:/usr/lib/virtualbox/VBoxHeadless"),
        ("iputils-arping", "suid:/usr/sbin/arping"),
        ("libpam-runtime", "file:/etc/pam.d/common-auth"),
        ("pam", "file:/etc/pam.d/system-auth"),
        ("sssd-common", "file:/etc/nsswitch.conf"),
        ("openssh-server", "file:/etc/ssh/sshd_config"),
        ("cloud-init", "file:/etc/ssh/sshd_config.d/50-cloud-init.conf"),
    ],
)
def test_a_package_of_a_fitting_name(package: str, subject: str) -> None:
    assert may_bring(package, subject)


@pytest.mark.parametrize(
    ("package", "subject"),
    [
        ("tzdata", "unit:sysupd.service"),
        ("systemd", "file:/etc/systemd/system/sysupd.service"),
        ("libsystemd0", "file:/etc/systemd/system/sysupd.service"),
        ("linux-image-6.1.0-22-amd64", "suid:/usr/lib/x86_64-linux-gnu/x"),
        ("debian-security-support", "file:/etc/security/limits.conf"),
        ("python3", "file:/etc/pam.d/sshd"),
        ("", "unit:x.service"),
        ("a", "unit:a.service"),
        ("node-system-service", "unit:node-service.service"),
    ],
)
def test_a_package_of_another_name(package: str, subject: str) -> None:
    assert not may_bring(package, subject)
