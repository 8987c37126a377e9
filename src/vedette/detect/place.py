"""Where a program lies: the class of a path, and whether a part of it hides."""

import re
from functools import lru_cache

__all__ = ["DISK", "RISKY", "dropped", "hidden", "known_hidden", "place", "risky", "visited"]

RISKY = frozenset({"temp", "memory", "anonymous"})
DISK = r"/dev/(?:sd[a-z]|vd[a-z]|xvd[a-z]|hd[a-z]|nvme\d|mmcblk\d|mapper/|dm-\d)"
"""A pattern of the beginning of a path: whole disks and their parts."""

_ROOTS = (
    ("/usr/local/", "local"),
    ("/usr/", "system"),
    ("/bin/", "system"),
    ("/sbin/", "system"),
    ("/lib", "system"),
    ("/etc/", "system"),
    ("/var/lib/dpkg/", "system"),
    ("/nix/store/", "system"),
    ("/snap/", "system"),
    ("/opt/", "app"),
    ("/srv/", "app"),
    ("/app/", "app"),
    ("/var/www/", "app"),
    ("/home/", "home"),
    ("/root/", "roothome"),
    ("/tmp/", "temp"),  # noqa: S108 - compared, not used
    ("/var/tmp/", "temp"),  # noqa: S108 - compared, not used
    ("/dev/fd/", "other"),
    ("/dev/", "memory"),
    ("/run/lock/", "memory"),
    ("/run/shm/", "memory"),
    ("/run/", "run"),
    ("/var/run/", "run"),
    ("/memfd:", "anonymous"),
    ("memfd:", "anonymous"),
    ("/var/lib/docker/", "layer"),
    ("/var/lib/containerd/", "layer"),
    ("/var/lib/containers/", "layer"),
)

# Hidden directories that honest tools keep their programs in.
_KNOWN_HIDDEN = re.compile(
    r"(?<=/node_modules)/\.(bin|cache|pnpm|vite|package-lock\S*)(?=/)|/\.(ansible|asdf|bun|bundle|cabal|cache|cargo|claude|conda|config|cursor-server|deno|dotnet|fnm|gem|ghcup|git"
    r"|go|gradle|jenkins|julia|juliaup|local|m2|mamba|npm|nuget|nvm|opam|pyenv|rbenv|rustup|rye|sdkman|tox|uv"
    r"|composer|dart|docker|ghc|goenv|jenv|kerl|krew|mix|nix-profile|nodenv|perlbrew|phpenv|pixi|platformio|pnpm|pnpm-store|pub-cache|pulumi|swiftpm|terraform|terraform\.d|tfenv|vagrant\.d|venv|vim|virtualenvs|volta|vscode|vscode-server|yarn|build-id|nox|mypy_cache|hg|eggs|zsh|oh-my-zsh)(?=/)"
)
_HIDDEN = re.compile(r"/(\.[^/]|\.\.\.|\s+/)")


# Hosts may send any text: longer than every root, longer than is worth remembering, and longer than Linux takes.
_BEGINNING, _SHORT, _LONGEST = 32, 512, 4_096


def place(path: str) -> str:
    """The class of a path: system, local, app, home, roothome, temp, memory, run, layer, anonymous, other or none."""
    # It shows in the first letters.
    return _place(path[:_BEGINNING])


@lru_cache(maxsize=8192)
def _place(path: str) -> str:
    if not path:
        return "none"
    for root, name in _ROOTS:
        if path.startswith(root):
            return name
    return "other" if path.startswith("/") else "none"


def hidden(path: str) -> bool:
    """Whether a part of the path is hidden, other than by tools known to do so."""
    return _hidden(path) if len(path) <= _SHORT else _hidden.__wrapped__(path[:_LONGEST])


@lru_cache(maxsize=8192)
def _hidden(path: str) -> bool:
    return "/" in path and _HIDDEN.search(_KNOWN_HIDDEN.sub("", path)) is not None


def known_hidden(path: str) -> bool:
    """Whether a part of the path is a hidden directory that honest tools keep their programs in."""
    return "/." in path and _KNOWN_HIDDEN.search(path[:_LONGEST]) is not None


# Where applications let strangers put files, or keep what they throw away.
_DROPPED = re.compile(
    r"/(uploads?|tmp|temp|cache|sessions?|userfiles|attachments|avatars|wp-content)/", re.IGNORECASE
)


def dropped(path: str) -> bool:
    """Whether it lies in a part of an application that visitors write to."""
    return place(path) == "app" and _DROPPED.search(path[:_LONGEST]) is not None


# Where applications keep what browsers are given: pictures and the like, and no programs.
_SHOWN = re.compile(r"/(static|img|images|css|fonts|pictures|photos|thumbs?)/", re.IGNORECASE)


def visited(path: str) -> bool:
    """Whether it lies where visitors of an application write to or are shown files from, and so no program does."""
    return place(path) == "app" and (dropped(path) or _SHOWN.search(path[:_LONGEST]) is not None)


def risky(path: str) -> bool:
    """Whether anyone could have put the program there: temporary directories, shared or anonymous memory."""
    return place(path) in RISKY
