"""What manages a machine: tools of configuration management, their runs, and the daemons whose steps do what people would."""

import re

__all__ = ["manages", "runs"]

# Programs and scripts under a tree of such a tool's own, where only root writes.
_TREE = re.compile(
    r"^/(?:opt|usr/local(?:/s?bin|/lib|/share)?|usr/(?:lib|share))/"
    r"(?:cfg-?mgmt|config-?mgmt|config(?:uration)?-?management|cfengine|puppetlabs|chef|cinc|saltstack|ansible|rudder)/"
)
# A run of what manages a machine, not the daemon that waits for its hour.
_RUN = re.compile(
    r"/(?:root|home/[\w.-]+|var/lib/[\w.-]+)/\.ansible/tmp/|BECOME-SUCCESS-"
    r"|\bpuppet agent\b.*(?:--onetime|--test|-t\b|applying)|\bchef-client\b.*(?:--once|worker)"
    r"|\bcinc-client\b.*--once|\bsalt-call\b|\bcloud-init (?:init|modules|single)|\bansible-pull\b"
)


def manages(path: str) -> bool:
    """Whether a program or script at this path belongs to what manages the machine."""
    return path.startswith(("/opt/", "/usr/")) and _TREE.match(path) is not None


def runs(command: str) -> bool:
    """Whether a command is a managing tool's run, or a part of one."""
    return _RUN.search(command) is not None
