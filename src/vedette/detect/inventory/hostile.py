"""The hostile side of the inventory: reviewed domain numbers, one line of evidence each.

`seen` is how often a hostile act shows it, `rate` how many times a host-day a normal host shows a new one. A fact
takes its strongest mark. With `seen / rate` above about 2.5 it is an alarm by itself on a young host.
"""

from vedette.detect.odds import Evidence

__all__ = ["EVIDENCE", "VANISHED"]


def _e(
    seen: float, rate: float, attack: str | None, text: str, why: str, *, hard: bool = False
) -> Evidence:
    return Evidence(seen=seen, rate=rate, attack=attack, text=text, why=why, hard=hard)


# fmt: off
EVIDENCE: dict[str, Evidence] = {
    # accounts
    "user.root": _e(0.05, 0.0005, "T1136.001", "A second account with administrator rights (user id 0): {shown}", "nobody honest needs one", hard=True),
    "user.login": _e(0.06, 0.004, "T1136.001", "A new account that can log in: {shown}", "a few a year by hand; people should confirm"),
    "user.unlocked": _e(0.03, 0.001, "T1098", "A locked service account can log in now: {shown}", "done by hand only to come back", hard=True),
    "user.plain": _e(0.01, 0.02, "T1136.001", "A new service account: {shown}", "packages make them"),
    "user.changed": _e(0.005, 0.01, "T1098", "An account was changed: {shown}", "shells and homes are changed at times"),
    "key.root": _e(0.07, 0.002, "T1098.004", "A new SSH key may log in as root: {shown}", "rare by hand, common for intruders", hard=True),
    "key.service": _e(0.03, 0.0005, "T1098.004", "A new SSH key may log in as a service account: {shown}", "services do not log in", hard=True),
    "key.plain": _e(0.06, 0.006, "T1098.004", "A new SSH key may log in: {shown}", "people change keys; worth a confirmation"),
    "sudo.nopasswd": _e(0.04, 0.002, "T1548.003", "A new rule lets someone become root without a password: {shown}", "rare, rolled out by tools", hard=True),
    "sudo.all": _e(0.03, 0.003, "T1548.003", "A new rule lets someone run everything as root: {shown}", "rare"),
    "sudo.plain": _e(0.01, 0.01, "T1548.003", "A new sudo rule: {shown}", "narrow rules come with packages and tools"),
    "login.service": _e(0.03, 0.0005, "T1078.003", "A service account is logged in: {shown}", "services do not log in", hard=True),
    "login.root": _e(0.04, 0.02, "T1078", "Root logged in from a place not seen before: {shown}", "people do it at times"),
    "login.plain": _e(0.02, 0.3, "T1078", "Someone logged in from a place not seen before: {shown}", "people move"),
    # what starts by itself
    "cron.temp": _e(0.06, 0.0005, "T1053.003", "A scheduled job runs a program from a temporary directory: {shown}", "nothing that lasts lives there", hard=True),
    "cron.hidden": _e(0.04, 0.0005, "T1053.003", "A scheduled job runs a hidden program: {shown}", "honest jobs do not hide", hard=True),
    "cron.deed": _e(0.04, 0.0003, "T1053.003", "A scheduled job's command looks like an attack ({deed}): {shown}", "download to a shell, decoded code, reverse shells", hard=True),
    "cron.download": _e(0.01, 0.02, "T1053.003", "A scheduled job that downloads something: {shown}", "health checks do that too"),
    "cron.service": _e(0.03, 0.01, "T1053.003", "A scheduled job of a service account: {shown}", "web and database accounts rarely have their own"),
    "cron.home": _e(0.01, 0.02, "T1053.003", "A scheduled job runs a program from a home directory: {shown}", "people's own scripts"),
    "cron.minute": _e(0.02, 0.03, "T1053.003", "A scheduled job that runs every minute or at every start: {shown}", "watchdogs do that too"),
    "cron.plain": _e(0.02, 0.3, "T1053.003", "A new scheduled job: {shown}", "configuration management adds them"),
    "unit.risky": _e(0.03, 0.0003, "T1543.002", "A service defined in a place that anyone can write: {shown}", "no tool does that", hard=True),
    "unit.timer": _e(0.04, 0.008, "T1053.006", "A new timer that no package brought: {shown}", "made by hand or tools, rarely"),
    "unit.made": _e(0.05, 0.01, "T1543.002", "A new service that no package brought: {shown}", "deploys of new services; rare on one host"),
    "unit.packaged": _e(0.02, 0.006, "T1543.002", "A new service among the packaged ones, without a package: {shown}", "packages bring them"),
    "unit.own": _e(0.02, 0.02, "T1543.002", "A new service of one user: {shown}", "people's own"),
    "unit.changed": _e(0.01, 0.05, "T1543.002", "A service was enabled, disabled or moved: {shown}", "administration"),
    "unit.alias": _e(0.002, 0.05, None, "A service got another name: {shown}", "links only"),
    "module.common": _e(0.01, 0.5, "T1547.006", "A common kernel module was loaded: {shown}", "networks, disks and devices load them"),
    "module.plain": _e(0.05, 0.006, "T1547.006", "An unusual kernel module was loaded: {shown}", "rare after start"),
    "mount.process": _e(0.03, 0.0001, "T1564", "Something is mounted over a process's entry to hide it: {shown}", "has no other use", hard=True),
    "mount.plain": _e(0.01, 0.1, None, "A new mount: {shown}", "disks, containers"),
    # files
    "suid.temp": _e(0.04, 0.0003, "T1548.001", "A program in a temporary directory runs with its owner's rights: {shown}", "a back door to root", hard=True),
    "suid.hidden": _e(0.04, 0.0003, "T1548.001", "A hidden program runs with its owner's rights: {shown}", "a back door to root", hard=True),
    "suid.home": _e(0.03, 0.0005, "T1548.001", "A program in a home directory runs with its owner's rights: {shown}", "homes hold none", hard=True),
    "suid.shell": _e(0.04, 0.0002, "T1548.001", "A shell, editor or interpreter runs with root's rights for everyone: {shown}", "gives root to all", hard=True),
    "suid.odd": _e(0.04, 0.002, "T1548.001", "A program outside the system's directories runs with its owner's rights: {shown}", "few vendors do that", hard=True),
    "suid.system": _e(0.03, 0.005, "T1548.001", "A system program newly runs with its owner's rights: {shown}", "packages bring them"),
    "suid.layer": _e(0.002, 0.5, None, "A container image holds a program with its owner's rights: {shown}", "images hold many"),
    "hash.preload": _e(0.04, 0.0002, "T1574.006", "A library is loaded into every program: {shown}", "almost nobody uses it", hard=True),
    "hash.program": _e(0.05, 0.003, "T1554", "A system program was replaced without a package change: {shown}", "packages replace programs"),
    "hash.pam": _e(0.04, 0.004, "T1556.003", "The rules of who may log in (PAM) changed: {shown}", "packages and rare hand work"),
    "hash.start": _e(0.04, 0.006, "T1546.004", "A file that shells run at login changed: {shown}", "rare on servers"),
    "hash.boot": _e(0.04, 0.003, "T1037.004", "A script that runs at system start changed: {shown}", "out of use since systemd"),
    "hash.ssh": _e(0.03, 0.008, "T1098.004", "The SSH settings changed: {shown}", "hardening roll-outs"),
    "hash.hosts": _e(0.02, 0.007, "T1565.001", "The table of host names changed: {shown}", "tools at set-up, rarely later"),
    "hash.resolver": _e(0.03, 0.01, "T1557", "The name servers changed: {shown}", "networks change them at times"),
    "hash.sudo": _e(0.01, 0.01, "T1548.003", "A file of sudo rules changed: {shown}", "its rules are judged one by one"),
    "hash.account": _e(0.01, 0.02, "T1098", "An account file changed: {shown}", "passwords, groups; accounts are judged one by one"),
    "hash.cron": _e(0.01, 0.3, "T1053.003", "A file of scheduled jobs changed: {shown}", "its jobs are judged one by one"),
    "hash.key": _e(0.01, 0.05, "T1098.004", "A file of SSH keys changed: {shown}", "its keys are judged one by one"),
    "hash.plain": _e(0.01, 0.03, "T1565.001", "A watched file changed: {shown}", "of no known use to an intruder"),
    # network doors
    "listen.risky": _e(0.06, 0.0005, "T1571", "A program from a temporary or deleted place waits for connections: {shown}", "no service runs from there", hard=True),
    "listen.local": _e(0.02, 0.05, "T1571", "A program from a temporary or deleted place waits for connections on the machine itself: {shown}", "tests and tools do that"),
    "listen.hidden": _e(0.04, 0.001, "T1571", "A hidden program waits for connections: {shown}", "services do not hide", hard=True),
    "listen.shell": _e(0.05, 0.0005, "T1571", "A shell or netcat waits for connections: {shown}", "a back door", hard=True),
    "listen.code": _e(0.03, 0.006, "T1571", "An interpreter running code from its command line waits for connections: {shown}", "tests on developers' machines"),
    "listen.port": _e(0.03, 0.005, "T1571", "A port that back doors like is open: {shown}", "few services use it"),
    "listen.open": _e(0.03, 0.1, "T1571", "A new port is open to the network: {shown}", "installs and deploys"),
    "listen.loopback": _e(0.01, 0.3, None, "A new port is open on the machine itself: {shown}", "programs talk among themselves"),
    # packages
    "tool.guard": _e(0.001, 0.05, None, "A guarding package was installed: {shown}", "administration"),
    "tool.dual": _e(0.01, 0.02, "T1588.002", "A package that intruders like was installed: {shown}", "administrators like it too"),
}
# fmt: on

# fmt: off
VANISHED: dict[str, Evidence] = {
    "user": _e(0.02, 0.006, "T1531", "An account was removed: {shown}", "people leave; worth a confirmation"),
    "guard-package": _e(0.04, 0.003, "T1562.001", "A logging or guarding package was removed: {shown}", "blinds the defenders", hard=True),
    "guard-unit": _e(0.04, 0.003, "T1562.001", "A logging or guarding service's definition is gone: {shown}", "blinds the defenders"),
    "program": _e(0.03, 0.004, "T1070.004", "A watched system program is gone: {shown}", "packages remove programs"),
    "port": _e(0.04, 0.01, "T1489", "A service that was always there no longer accepts connections: {shown}", "a stopped service, or a deploy that failed"),
}
# fmt: on
