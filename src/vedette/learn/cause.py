"""Whether a reason names what a label says was done.

The rule, fixed before any figure was taken by it: a reason names the cause of a segment when it bears the label's own
technique; or its subject or text has a path that the label's words have; or both speak of the same thing by the words
of one row below. The rows are what a snapshot can show, not what the recordings happen to hold.
"""

import re
from collections.abc import Sequence

from vedette.core import Reason
from vedette.learn.segment import Segment

__all__ = ["named_at", "names_cause"]

# What a label may call a thing, and what a reason may call it.
_THINGS = (
    (r"cron|crontab|scheduled job", r"\bcron|crontab|scheduled"),
    (r"\btimer|\bunit\b|systemd|\bservice file|new service", r"\bunit\b|unit:|timer|systemd"),
    (r"\bkeys?\b|authorized", r"\bkeys?\b|key:|authorized"),
    (r"new (login )?user|new account|\baccount|uid 0|\blogin user", r"user:|\buser\b|account"),
    (r"passw(or)?d|shadow", r"passwd|shadow|password"),
    (r"\bsuid|setuid|setgid|sgid|capabilit", r"suid|setuid|setgid|sgid|capabilit"),
    (r"sudo", r"sudo"),
    (r"kernel module|rootkit|\bmodule\b", r"module"),
    (r"preload", r"preload"),
    (r"\bpam\b", r"\bpam"),
    (r"\bprofile|bashrc|rc\.local|start-?up (file|script)|\bmotd", r"profile|bashrc|rc\.local|startup|motd"),
    (r"hosts file|resolv|\bdns\b", r"/etc/hosts|resolv|\bdns\b|port 53\b"),
    (r"sshd|ssh config", r"sshd"),
    (r"replaced|trojan|patched|modified program|changed program", r"hash:|changed|replaced|differs"),
    (r"\bport\b.*(listen|open|bind)|listen|backdoor port|bind shell", r"listen"),
    (r"sweep|scan|probe|brute|spray|guess", r"sweep|scan|syn|destinations|different (hosts|ports|peers)|remotes|peers|attempts|connections"),
    (r"\bremote peer|reverse|beacon|command and control|\bc2\b|tunnel|proxy|socks|pivot|forward", r"socket|connect|remote|peer|tunnel|proxy|forward|listen"),
    (r"exfil|upload|download|transfer|traffic out|sends? data", r"download|upload|network|sent|traffic|transmit|receive|connect|curl|wget"),
    (r"\bshell\b|\bbash\b|\bsh -i", r"\bshell|\bbash\b|\bsh\b|dash"),
    (r"python|perl|php|ruby|interpreter|one-liner", r"python|perl|php|ruby|interpreter|script"),
    (r"deleted|unlinked", r"deleted|no longer on disk|gone from disk|removed"),
    (r"named like|masquerad|disguis|pretend|kernel thread|renamed", r"named like|masquerad|disguis|pretend|kernel thread|kworker|\["),
    (r"hidden", r"hidden|/\."),
    (r"miner|burner|\bcpu\b|runaway|busy loop", r"\bcpu\b|processor|load average|/dev/shm"),
    (r"memory|\boom\b", r"memory"),
    (r"connection|\bsockets?\b|time_wait|syn", r"connection|established|socket|time_wait|syn"),
    (r"fork|process storm|too many processes|zombie", r"process(es)? (count|created|started)|processes|created|zombie"),
    (r"\bthread", r"thread"),
    (r"descriptor|open files|file handles|\bfd\b", r"open.?files|descriptor"),
    (r"disk (is )?(full|fills)|fills|disk space|file ?system", r"file ?system|disk|space"),
    (r"disk|write storm|\bi/?o\b|reads? everything", r"disk|write|read|paging|i/?o"),
    (r"swap|paging|thrash", r"paging|swap|memory"),
    (r"crash|restart|flap", r"restart|crash|came back|started|again|vanish|gone"),
    (r"stopp?(ed|s)|killed|vanish|disappear|disabled|down\b|missing|removed|uninstall", r"gone|vanish|missing|stopped|no longer|disappear|removed|disabled"),
    (r"log (is |was )?(wiped|cleared|truncated)|history", r"log|history"),
    (r"mount", r"mount"),
    (r"container|docker|namespace", r"container|docker|namespace|containerd|runc"),
    (r"package", r"package|pkg:|dpkg"),
    (r"debug|ptrace|inject|gdb", r"debug|ptrace|gdb|inject|strace"),
    (r"sniff|capture|promisc|tcpdump", r"sniff|capture|promisc|tcpdump|packet"),
    (r"encrypt|ransom", r"encrypt|disk|write|openssl|gpg"),
    (r"archive|\btar\b|\bzip\b|compress", r"archive|\btar\b|\bzip\b|gzip|compress"),
    (r"packet|network error|drop", r"packet|errors|dropped"),
    (r"load\b", r"load"),
)  # fmt: skip
_ROWS = tuple(
    (re.compile(label, re.IGNORECASE), re.compile(reason, re.IGNORECASE))
    for label, reason in _THINGS
)
_PATH = re.compile(r"/[\w.+-]+(?:/[\w.+-]+)*")


def names_cause(segment: Segment, reason: Reason) -> bool:
    """Whether the reason names what the segment's label says was done."""
    if reason.attack and reason.attack == segment.technique:
        return True
    said = f"{reason.subject} {reason.text} {reason.observed}"
    if any(path in said for path in _PATH.findall(segment.what)):
        return True
    words = f"{segment.technique} {segment.what}".replace("-", " ")
    return any(label.search(words) and thing.search(said) for label, thing in _ROWS)


def named_at(segment: Segment, reasons: Sequence[Reason]) -> int | None:
    """The place, from 1, of the first reason that names the cause; None where none does."""
    return next((at for at, one in enumerate(reasons, 1) if names_cause(segment, one)), None)
