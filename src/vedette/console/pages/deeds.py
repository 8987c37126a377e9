"""What an action does, in plain words: for people who are to decide on it."""

from collections.abc import Mapping
from typing import Any, Final

from vedette.console.pages.words import span
from vedette.core import Action

__all__ = ["DEEDS", "consequence", "ends_itself"]

# `{host}` is its name; the rest are the action's own parameters.
DEEDS: Final[Mapping[str, str]] = {
    "chat": "Writes to the chat {to}.",
    "collect": "Collects evidence on {host}, within bounds and as far as {host} allows it, sealed there and kept here. Nothing is changed.",
    "disable_account": "Locks the account {account} on {host}.",
    "ec2_isolate": "Cuts the instance {host} off by a security group of its own. What it had is given back at the end.",
    "ec2_stop": "Stops the instance {host}. Somebody must start it again.",
    "escalate": "Starts the chain {chain}: its people are told one after another until somebody acknowledges.",
    "kill_process": "Ends the processes on {host} that the incident's reasons name.",
    "kubernetes_cordon": "Keeps new pods off the node of {host}.",
    "kubernetes_isolate": "Cuts the pods of {host}'s workload off from the network.",
    "kubernetes_scale": "Scales the workload of {host} to zero. What it had is given back at the end.",
    "mail": "Writes a mail to {to}.",
    "page": "Pages {to}.",
    "quarantine": "Cuts {host} off from the network. The Vedette server, name resolution and what is excepted stay reachable.",
    "reboot": "Restarts {host}.",
    "shutdown": "Switches {host} off. Somebody must switch it on again.",
    "suspend_process": "Freezes the processes on {host} that the incident's reasons name. They go on when it ends.",
    "webhook": "Sends a signed message to {to}.",
}
# What more happens where such a parameter is given.
_ALSO: Final[Mapping[str, str]] = {
    "allow": "Excepted: {allow}.",
    "environ": "The processes' environments are collected too; they often hold secrets.",
    "executable": "Copies of the processes' programs are collected too.",
    "end_sessions": "All that it runs in its sessions is ended too, which can't be undone.",
    "snapshot_first": "Snapshots of its disks are begun before.",
    "whole_namespace": "All pods of its namespace are cut off, not only the workload's.",
    "message": "Who is logged in reads: “{message}”",
}
_CAUSE = "@cause"
# What the host's own kernel ends; of the rest Vedette itself has to undo it.
_ENDS_ITSELF = frozenset({"disable_account", "quarantine", "suspend_process"})
# What is asked of a cloud's API, and of no host.
_BY_CLOUD = ("ec2_", "kubernetes_")


class _Given(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return name


def consequence(action: Action, hostname: str = "") -> str:
    """What happens if it goes on: the deed, and how it ends. `hostname` empty: there is no single host, or none is known."""
    host = hostname or "the host"
    given = _Given({name: _said(value) for name, value in action.parameters.items()})
    deed = DEEDS.get(action.kind)
    words = (
        f"Carries out {action.kind.replace('_', ' ')} on {host}."
        if deed is None
        else deed.format_map(_Given(given | {"host": host}))
    )
    also = [text.format_map(given) for name, text in _ALSO.items() if action.parameters.get(name)]
    return " ".join(filter(None, (words, *also, _term(action, host))))


def ends_itself(action: Action) -> bool:
    """Whether its lease ends where it is in force, without anybody's doing."""
    return action.kind in _ENDS_ITSELF


def _term(action: Action, host: str) -> str:
    if action.dry_run:
        asked = "the cloud's API" if action.kind.startswith(_BY_CLOUD) else host
        return (
            f"This is a dry run: {asked} is asked to plan it and to check whether it could carry it out. "
            "Nothing is changed."
        )
    if action.lease_seconds:
        most = f", and after {span(action.most_seconds)} in all" if action.most_seconds else ""
        who = f"{host} ends it by itself" if ends_itself(action) else "the Vedette server undoes it"
        return (
            f"It is a lease of {span(action.lease_seconds)}: {who} when it is not renewed{most}. "
            "It can be released at any time."
        )
    if action.grace_seconds:
        return (
            f"It begins after {span(action.grace_seconds)} of grace, in which it can be cancelled. "
            "Then it can't be undone."
        )
    return ""


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "that the incident's reasons name" if value == _CAUSE else str(value)
