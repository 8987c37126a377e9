"""The hostile side of behaviour: reviewed domain numbers, one line for each mark a process can bear.

`seen` is how often a hostile act shows it, `rate` how many times a host-day a normal host shows a new one, `operated`
the same for processes of people at work (a login session, a build, a CI job). A process takes its strongest mark.
"""

from vedette.detect.odds import Evidence

__all__ = ["GONE", "GROWTH", "MARKS", "PILES", "SOFT", "tally"]


def _m(
    seen: float,
    rate: float,
    operated: float | None,
    attack: str | None,
    text: str,
    why: str,
    *,
    hard: bool = True,
) -> Evidence:
    return Evidence(
        seen=seen, rate=rate, operated=operated, attack=attack, text=text, why=why, hard=hard
    )


# fmt: off
MARKS: dict[str, Evidence] = {
    "plain": _m(0.05, 5.0, None, None, "A program that this host never ran before: {shown}", "novelty alone is not abnormal", hard=False),
    # where it lies
    "temp": _m(0.1, 0.03, 0.5, "T1059", "A program from a temporary directory is running: {shown}", "installers and builds do it under a shell; services never"),
    "temp.deep": _m(0.03, 0.2, 1.0, "T1059", "A program from a tree in a temporary directory is running: {shown}", "checkouts, test runs and unpacked installers", hard=False),
    "memory": _m(0.08, 0.004, 0.02, "T1059", "A program from shared memory is running: {shown}", "leaves no trace on disk"),
    "anonymous": _m(0.04, 0.001, 0.003, "T1620", "A program that never was a file is running: {shown}", "loaded into memory; container runtimes are left out"),
    "hidden": _m(0.1, 0.015, 0.06, "T1564.001", "A hidden program is running: {shown}", "tools' own hidden directories are left out"),
    "gone": _m(0.08, 0.004, 0.03, "T1070.004", "A program that was deleted from disk is running: {shown}", "cleans up after itself"),
    "gone.home": _m(0.05, 0.03, 0.5, "T1070.004", "A program that was deleted or replaced on disk is running: {shown}", "deploys and rebuilds do that", hard=False),
    "gone.strange": _m(0.06, 0.004, None, "T1070.004", "A program that was never here before was started, and deleted from disk: {shown}", "what is replaced by a deploy was there before", hard=False),
    "gone.system": _m(0.03, 0.3, None, "T1070.004", "A system program that was replaced on disk is still running: {shown}", "every upgrade does that", hard=False),
    "gone.fresh": _m(0.05, 0.003, None, "T1070.004", "A system program was started lately, and deleted from disk: {shown}", "upgrades replace what was started before them", hard=False),
    "data": _m(0.05, 0.015, 0.3, "T1059", "A program from a directory for data is running: {shown}", "some applications live there", hard=False),
    # what it pretends to be
    "mask": _m(0.08, 0.0005, None, "T1036.004", "A program calls itself a kernel thread: {shown}", "kernel threads have no program file"),
    "impostor": _m(0.06, 0.001, 0.005, "T1036.005", "A program bears the name of a system service but lies elsewhere: {shown}", "system services live in the system's directories"),
    # who runs a shell
    "nologin": _m(0.08, 0.002, 0.05, "T1059.004", "An interactive shell of a service account is open: {shown}", "services have no use for one"),
    "wired": _m(0.08, 0.0005, 0.002, "T1059.004", "A shell is connected straight to the network: {shown}", "people's shells hang on sshd, not on sockets"),
    "raised": _m(0.05, 0.0005, 0.001, "T1548.001", "A shell, an interpreter or a service runs with root's rights for another account: {shown}", "a SUID back door"),
    "service.shell": _m(0.06, 0.006, 0.3, "T1059.004", "A service started a shell: {shown}", "some web applications call tools"),
    "database.shell": _m(0.04, 0.03, 0.3, "T1059.004", "A database started a shell: {shown}", "archive commands do that"),
    "service.recon": _m(0.06, 0.0008, 0.05, "T1505.003", "A service runs commands to look around: {shown}", "what a web shell is first used for"),
    "service.code": _m(0.06, 0.004, None, "T1059", "A service runs code from a command line: {shown}", "programs keep their code in files"),
    "service.line": _m(0.04, 0.02, None, "T1059", "A service account runs code from a command line: {shown}", "some units do", hard=False),
    "service.idle": _m(0.06, 0.004, None, "T1059.004", "A shell of a service account waits for commands: {shown}", "units run scripts, not shells that wait"),
    "service.fetch": _m(0.06, 0.006, None, "T1105", "A service fetches something with a tool for people: {shown}", "programs fetch by themselves"),
    "service.send": _m(0.06, 0.005, None, "T1048", "A service sends data away with a tool for people: {shown}", "programs send by themselves"),
    "service.escape": _m(0.06, 0.005, None, "T1611", "A service mounts disks or leaves its own namespaces: {shown}", "rare beyond its own start"),
    "service.remote": _m(0.06, 0.003, None, "T1021.004", "A service logs in to another machine: {shown}", "few have a key to do so"),
    "service.copy": _m(0.06, 0.006, None, "T1048", "A service copies files over the network: {shown}", "replication does, and is learned"),
    "service.cloud": _m(0.05, 0.008, None, "T1567.002", "A service moves data with a tool for cloud storage: {shown}", "backups do, and are learned"),
    "service.pack": _m(0.06, 0.008, None, "T1560.001", "A service packs files into an archive: {shown}", "exports do, and are learned"),
    "service.dump": _m(0.05, 0.008, None, "T1005", "A service reads out a database with a tool for people: {shown}", "programs use libraries"),
    "service.decode": _m(0.05, 0.005, None, "T1140", "A service decodes or encrypts with a tool for people: {shown}", "programs use libraries"),
    "service.account": _m(0.05, 0.001, None, "T1136.001", "A service changes accounts: {shown}", "not its business"),
    "service.schedule": _m(0.06, 0.0015, None, "T1053.003", "A service changes what starts by itself: {shown}", "not its business"),
    "service.raise": _m(0.06, 0.004, None, "T1548.003", "A service asks for another account's rights: {shown}", "some are allowed a single command, and that is learned"),
    "service.permit": _m(0.06, 0.006, None, "T1222.002", "A service changes rights or mounts: {shown}", "rare beyond its own start"),
    "service.build": _m(0.05, 0.005, None, "T1027.004", "A service compiles a program: {shown}", "servers run what was built elsewhere"),
    "service.debug": _m(0.05, 0.001, None, "T1055.008", "A service reads another process's memory: {shown}", "not its business"),
    "service.container": _m(0.05, 0.004, None, "T1609", "A service gives orders to containers: {shown}", "few are made for it"),
    "service.look": _m(0.07, 0.005, None, "T1082", "A service runs a command to look around: {shown}", "a few call one such tool, and it is learned"),
    "service.kill": _m(0.04, 0.008, None, "T1489", "A service ends other processes: {shown}", "watchdogs do"),
    "service.play": _m(0.06, 0.002, None, "T1059", "A service runs a tool that makes shells and pipes: {shown}", "not its business"),
    "entered": _m(0.06, 0.005, None, "T1078.003", "A service account has logged in with a terminal: {shown}", "a few are shared by people, and are learned"),
    "loose": _m(0.05, 0.006, None, "T1059.004", "A shell of root waits for commands, and no login started it: {shown}", "rescue shells do"),
    "lifted": _m(0.03, 0.01, 0.1, "T1548.001", "A program runs with root's rights for another account: {shown}", "a few are made so, and are learned", hard=False),
    "jumped": _m(0.06, 0.002, 0.05, "T1068", "A process of root was started by one that is not root: {shown}", "only a few programs may do that"),
    "double": _m(0.06, 0.004, 0.01, "T1036.005", "A second program bears the name of a system service: {shown}", "hand-built ones, by administrators"),
    "twin": _m(0.06, 0.005, None, "T1036.005", "A second program bears the name of one that runs from the system's own place: {shown}", "vendors bring whole sets of programs, as packages", hard=False),
    "posed": _m(0.05, 0.004, 0.02, "T1036.011", "A program goes by the name of a part of the system: {shown}", "honest titles name their own program"),
    "retitled": _m(0.05, 0.01, 0.3, "T1036.011", "An interpreter goes by the path of another program: {shown}", "daemons in Perl do, and come as packages", hard=False),
    "blank": _m(0.05, 0.01, 0.1, "T1036.011", "A program shows no command line: {shown}", "somebody erased it; hardly any program does that", hard=False),
    "visited": _m(0.05, 0.004, 0.3, "T1505.003", "A program from a place that visitors write to is running: {shown}", "no program lies there"),
    "guise": _m(0.06, 0.002, 0.003, "T1036.011", "An interpreter goes by the name of another program: {shown}", "honest titles name their own program"),
    # whom its command names
    "bare": _m(0.06, 0.004, None, "T1105", "A tool for people, which nobody at work started, is given an address outside in numbers: {shown}", "services go by names"),
    "bare.copy": _m(0.06, 0.005, None, "T1048", "Files are copied to or from an address outside in numbers, and nobody at work started it: {shown}", "services go by names"),
    "bare.remote": _m(0.06, 0.005, None, "T1021.004", "A login to an address outside in numbers is open, and nobody at work started it: {shown}", "services go by names"),
    # what it does, by its command line
    "reverse": _m(0.08, 0.0005, 0.003, "T1059.004", "A command opens a shell to the network: {shown}", "has hardly another use"),
    "fetch": _m(0.06, 0.003, 0.06, "T1105", "A command downloads code and runs it: {shown}", "installers by hand"),
    "decode": _m(0.05, 0.001, 0.01, "T1140", "A command decodes code and runs it: {shown}", "hides what it does"),
    "coded": _m(0.05, 0.008, 0.3, "T1059", "Code from a command line talks to a new address: {shown}", "developers' one-liners"),
    "miner": _m(0.06, 0.0002, 0.001, "T1496", "A cryptocurrency miner is running: {shown}", "no business on a server"),
    "scan": _m(0.04, 0.001, 0.02, "T1046", "A network scanner is running: {shown}", "administrators' own, sometimes"),
    "capture": _m(0.04, 0.004, 0.04, "T1040", "Network traffic is being captured: {shown}", "debugging, by people"),
    "tunnel": _m(0.04, 0.003, 0.02, "T1572", "A tunnel to elsewhere is open: {shown}", "people's, sometimes services'"),
    "netcat": _m(0.04, 0.004, 0.03, "T1095", "A raw network pipe is running: {shown}", "debugging, by people"),
    "cover": _m(0.05, 0.001, 0.003, "T1070.002", "Someone removes logs or history: {shown}", "log rotation does it otherwise"),
    "disable": _m(0.05, 0.001, 0.008, "T1562.001", "Logging or a guard is being switched off: {shown}", "rare, by administrators"),
    "creds": _m(0.04, 0.0015, 0.006, "T1003.008", "Something reads passwords or keys: {shown}", "rare even by hand"),
    "metadata": _m(0.03, 0.01, 0.02, "T1552.005", "A command asks the cloud for credentials: {shown}", "start-up scripts do that"),
    "wipe": _m(0.03, 0.0005, 0.003, "T1485", "Data or a disk is being destroyed: {shown}", "new disks, by administrators"),
    "encrypt": _m(0.03, 0.0005, 0.003, "T1486", "Files are being encrypted one by one: {shown}", "backups encrypt whole archives"),
    "exfil": _m(0.03, 0.0015, 0.006, "T1048", "Data is being sent away by unusual means: {shown}", "transfers have their own tools"),
    "persist": _m(0.04, 0.002, 0.01, "T1053.003", "Something writes itself into what starts by itself: {shown}", "packages do it otherwise"),
    "plant": _m(0.04, 0.003, 0.3, "T1546", "Something is put where it starts by itself, lets somebody in or takes a program's place: {shown}", "packages and people at work do", hard=False),
    "raise": _m(0.04, 0.001, 0.02, "T1548.001", "A program is being given its owner's rights: {shown}", "packages do it otherwise"),
    "module": _m(0.04, 0.001, 0.01, "T1547.006", "A kernel module is being loaded by hand: {shown}", "modprobe does it for honest ones"),
    "escape": _m(0.03, 0.001, 0.01, "T1611", "Something breaks out of a container: {shown}", "administrators, rarely"),
    "preload": _m(0.03, 0.0005, 0.003, "T1574.006", "A library is forced into a program: {shown}", "debugging, from other places"),
    "breakout": _m(0.05, 0.001, 0.01, "T1059.004", "A tool is used to open a shell: {shown}", "tricks to escape a limit"),
    "permit": _m(0.05, 0.008, 0.2, "T1222.002", "A file in a temporary directory is made executable: {shown}", "installers by hand"),
    "schedule": _m(0.04, 0.004, 0.02, "T1053.002", "A job is put off for later: {shown}", "rare by now"),
    "unit": _m(0.04, 0.0005, 0.003, "T1543.002", "A service is started from a temporary directory: {shown}", "units live in the system's directories"),
    "account": _m(0.05, 0.008, 0.1, "T1136.001", "Someone makes or changes an account: {shown}", "packages and administrators do"),
    "lockout": _m(0.04, 0.006, 0.05, "T1531", "Someone locks or removes an account: {shown}", "administrators do"),
    "replace": _m(0.04, 0.001, 0.01, "T1554", "A system program or library is being replaced by hand: {shown}", "packages do it otherwise"),
    "webshell": _m(0.05, 0.0003, 0.002, "T1505.003", "Something writes code into a web page: {shown}", "deploys copy files"),
    "stamp": _m(0.05, 0.002, 0.02, "T1070.006", "Someone changes the time stamps of files: {shown}", "builds do it in their own trees"),
    "loot": _m(0.05, 0.002, 0.03, "T1552.001", "Something searches for passwords or keys: {shown}", "rare even by hand"),
    "inject": _m(0.05, 0.001, 0.1, "T1055", "Something takes hold of a running process: {shown}", "debugging, by people"),
    "keys": _m(0.04, 0.0005, 0.003, "T1056.001", "Something reads the keyboard: {shown}", "has hardly another use"),
    "spy": _m(0.04, 0.001, 0.3, "T1113", "Something records what people do: {shown}", "people do it at their desktops"),
    "survey": _m(0.04, 0.001, 0.03, "T1018", "Something maps the network: {shown}", "administrators, sometimes"),
    "remote": _m(0.05, 0.003, 0.02, "T1219", "A tool to control this machine from elsewhere is running: {shown}", "support staff, by consent"),
    "proxy": _m(0.05, 0.003, 0.02, "T1090", "A proxy that carries others' traffic is running: {shown}", "few servers are made for it"),
    "stolen": _m(0.04, 0.002, 0.02, "T1021.004", "Someone logs in elsewhere with a key or password from a temporary place: {shown}", "scripts of old, sometimes"),
    "upload": _m(0.04, 0.02, 0.3, "T1567.002", "Data is being copied to cloud storage: {shown}", "backups do, and are learned"),
    "send": _m(0.05, 0.012, 0.3, "T1048", "A file is being sent away: {shown}", "jobs report their results"),
    "serve": _m(0.05, 0.003, 0.3, "T1105", "A makeshift web server is running: {shown}", "people do it for a moment"),
    "hoard": _m(0.05, 0.003, 0.03, "T1560.001", "Data is being gathered in a temporary place: {shown}", "backups have their own places"),
    "drop": _m(0.03, 0.004, 0.06, "T1485", "Someone deletes a database or all its data: {shown}", "tests and migrations"),
    "raw": _m(0.04, 0.003, 0.3, "T1005", "A whole disk is being read, past its files and their rights: {shown}", "people copy disks"),
    "makeshift": _m(0.05, 0.004, 0.5, "T1543", "A service takes its settings or its code from a temporary place: {shown}", "developers' tests do"),
    "staged": _m(0.04, 0.004, 0.3, "T1074.001", "Data is packed into a part of the system or of a web site: {shown}", "people do it to hand something over"),
    "ruin": _m(0.04, 0.004, 0.3, "T1485", "Files are being overwritten for good: {shown}", "people do it to their own secrets"),
    "halt": _m(0.04, 0.006, 0.1, "T1489", "Something stops the machine or all of its processes: {shown}", "upgrades and administrators do"),
    "stop": _m(0.03, 0.006, 0.5, "T1489", "Something stops services: {shown}", "administrators and packages do", hard=False),
    "burn": _m(0.04, 0.003, 0.03, "T1496", "Something uses up the processor for nothing: {shown}", "tests of new machines"),
    "bulk": _m(0.05, 0.004, 0.3, "T1048", "Far more is sent than usual, while files are carried off: {shown}", "backups are root's jobs, and learned"),
    "late": _m(0.04, 0.003, 0.1, "T1053.002", "A job was put off to a later hour, where that was never done: {shown}", "out of use on servers", hard=False),
    # whom it talks to
    "leak": _m(0.05, 0.004, None, "T1041", "A long-running service sends far more than usual, and talks to an address outside that it never used: {shown}", "new partners, at a peak of traffic"),
    "leak.near": _m(0.04, 0.008, None, "T1048", "A long-running service sends far more than usual, and talks to an address inside by a port that it never used: {shown}", "new dependencies, at a peak of traffic"),
    "mute": _m(0.04, 0.001, None, "T1055", "A part of the system that has nothing to say to others talks to an address: {shown}", "directories of accounts are left out"),
    "caller": _m(0.05, 0.002, None, "T1071", "A new program from an odd place, that no login started, calls an odd port outside: {shown}", "services lie in the open"),
    "caller.own": _m(0.05, 0.006, None, "T1071", "A new program from a home, that no login started, calls an odd port outside: {shown}", "people's own services lie there, too", hard=False),
    "overload": _m(0.04, 0.001, 0.05, "T1499", "Something is made to exhaust a machine or a service: {shown}", "tests of load have other tools"),
    "flood": _m(0.04, 0.001, 0.05, "T1498", "A program holds very many connections to a place it never knew: {shown}", "benchmarks do"),
    "foreign.ssh": _m(0.05, 0.006, None, "T1021.004", "A program that is no SSH client connects to another machine's SSH: {shown}", "few programs bring their own"),
    "foreign.dns": _m(0.04, 0.004, None, "T1071.004", "A program that resolves no names for others speaks DNS to the outside: {shown}", "programs ask the machine's own resolver"),
    "foreign": _m(0.05, 0.003, None, "T1021", "A program connects to a service that is not for its kind: {shown}", "gateways do, and are learned"),
    "identity": _m(0.04, 0.02, None, "T1552.005", "A program asks the cloud for this machine's credentials: {shown}", "programs made for a cloud do", hard=False),
    "store": _m(0.05, 0.004, None, "T1071", "A database connects to somewhere it never did: {shown}", "replication uses its own ports"),
    "fan": _m(0.06, 0.003, 0.02, "T1046", "A program tries many addresses or ports it never used before: {shown}", "monitoring is learned; sweeps are not"),
    "talk": _m(0.04, 0.02, 0.2, "T1071", "A long-running service talks to an address and port it never used before: {shown}", "dependencies change with deploys", hard=False),
    "badport": _m(0.05, 0.003, 0.02, "T1571", "A program talks to a port that back doors like: {shown}", "few services use it"),
    "crowd": _m(0.03, 0.005, None, "T1499", "Far more copies of a program are running than ever: {shown}", "a runaway loop, or an attack on resources"),
}
# fmt: on

# What scheduled jobs do as often as people.
_JOBS = frozenset({"upload", "send", "hoard", "drop", "stop", "lockout"})


def tally(mark: str, behind: str) -> str:
    """The name under which a mark of a process is counted, and its rate learned, by who is behind the process."""
    worked = behind == "work" or (behind == "cron" and mark in _JOBS)
    return f"{mark}|work" if worked and MARKS[mark].operated is not None else mark


# fmt: off
GONE: dict[str, Evidence] = {
    "guard": _m(0.05, 0.002, None, "T1562.001", "Logging or a guard stopped running: {shown}", "blinds the defenders"),
    "service": _m(0.05, 0.01, None, "T1489", "A service that always ran is no longer running: {shown}", "stopped, crashed or removed", hard=False),
}
# fmt: on

# fmt: off
# Growth by one unit beyond all that was usual; twice as much is four times as rare.
GROWTH: dict[str, Evidence] = {
    "memory": _m(0.03, 0.05, None, None, "The memory of a program grows without end: {shown}", "caches fill, data is loaded"),
    "threads": _m(0.03, 0.05, None, None, "The threads of a program grow without end: {shown}", "pools grow with traffic, then stay"),
    "sockets": _m(0.03, 0.05, None, None, "The connections of a program grow without end: {shown}", "they come with traffic, and go"),
    "copies": _m(0.03, 0.05, None, None, "The processes of a program grow in number without end: {shown}", "workers are added once, and stay"),
}
PILES: dict[str, Evidence] = {
    "zombies": _m(0.03, 0.005, None, None, "Ended processes pile up that nobody waits for: {shown}", "a parent that is stuck"),
    "stuck": _m(0.03, 0.005, None, None, "Processes pile up that wait for a disk or a network drive: {shown}", "backups make a few wait"),
    "logins": _m(0.05, 0.004, None, "T1110", "Many logins are being tried at once: {shown}", "people log in one by one"),
    "knocks": _m(0.05, 0.004, None, "T1110", "Attempts to log in follow one another: {shown}", "people get in at the first try or the second"),
    "half": _m(0.03, 0.006, None, None, "Connections pile up that the other end has closed: {shown}", "a program that forgets to close"),
    "unanswered": _m(0.03, 0.006, None, None, "Connections pile up that nobody answers: {shown}", "a dependency that is dead, or a sweep"),
    "burn": _m(0.04, 0.006, None, "T1496", "A program takes the processors as it never did: {shown}", "batch work does, and is learned"),
    "loop": _m(0.03, 0.004, None, None, "A service starts again and again: {shown}", "deploys start it once or twice"),
}
# fmt: on

# Attributes with a probability each for hostile processes and, as prior, for normal ones, given the account's class
# where it matters. They tip a scale; marks fill it.
SOFT: dict[str, tuple[dict[str, float], dict[str, float]]] = {
    "parent": (
        {
            "init": 0.35,
            "shell": 0.2,
            "cron": 0.1,
            "sshd": 0.1,
            "sudo": 0.02,
            "interpreter": 0.1,
            "server": 0.08,
            "builder": 0.02,
            "other": 0.02,
            "none": 0.01,
        },
        {
            "init": 0.15,
            "shell": 0.3,
            "cron": 0.05,
            "sshd": 0.05,
            "sudo": 0.03,
            "interpreter": 0.1,
            "server": 0.1,
            "builder": 0.1,
            "other": 0.1,
            "none": 0.02,
        },
    ),
    "net": (
        {"no": 0.5, "known": 0.1, "moved": 0.05, "new": 0.27, "fan": 0.08},
        {"no": 0.85, "known": 0.1, "moved": 0.02, "new": 0.025, "fan": 0.005},
    ),
    "listens": (
        {"no": 0.87, "known": 0.03, "new": 0.1},
        {"no": 0.95, "known": 0.035, "new": 0.015},
    ),
}
