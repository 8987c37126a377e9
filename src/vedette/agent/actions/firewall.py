"""nftables by its own program: each change is one transaction of the kernel, so a ruleset is in force whole or not at all."""

import subprocess

from vedette.agent.actions.kind import CannotDo
from vedette.agent.actions.scene import Check, Ran, System

__all__ = ["Firewall"]

_ABSENT = "No such file or directory"
_MOST_WORDS = 500


class Firewall:
    """What rules this machine has, as `nft` tells it."""

    def __init__(self, system: System) -> None:
        self._system = system

    def listing(self) -> str:
        """All rules of all tables, byte for byte as nft prints them without what counts by itself.

        Stateless: counters, quotas and the age of timed elements change with the host's own traffic.
        """
        return self._done("--stateless", "list", "ruleset")

    def table(self, name: str) -> str | None:
        """One table of the inet family in the same form; None where it is not there."""
        ran = self._run("--stateless", "list", "table", "inet", name)
        if ran.status != 0 and _ABSENT in ran.stderr:
            return None
        return _output(ran)

    def load(self, script: str) -> None:
        """Takes a script whole, or nothing of it."""
        _output(self._run("--file", "-", stdin=script))

    def checks(self, script: str) -> tuple[Check, Check]:
        """Whether nft is there, and whether it and the kernel take the script. Changes nothing."""
        program = self._system.find("nft")
        if program is None:
            return (
                Check(name="nft_present", ok=False, detail="nft is not installed"),
                Check(name="plan_accepted", ok=False, detail="not checked: nft is not installed"),
            )
        present = Check(name="nft_present", ok=True, detail=program)
        try:
            self._done("--check", "--file", "-", stdin=script)
        except CannotDo as error:
            return present, Check(name="plan_accepted", ok=False, detail=str(error))
        return present, Check(
            name="plan_accepted", ok=True, detail="nft and the kernel accept the plan"
        )

    def _done(self, *arguments: str, stdin: str = "") -> str:
        return _output(self._run(*arguments, stdin=stdin))

    def _run(self, *arguments: str, stdin: str = "") -> Ran:
        program = self._system.find("nft")
        if program is None:
            raise CannotDo("nft is not installed")
        try:
            return self._system.run([program, *arguments], stdin)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CannotDo(f"nft can't be run: {error}") from error


def _output(ran: Ran) -> str:
    if ran.status != 0:
        words = ran.stderr.strip()[:_MOST_WORDS]
        raise CannotDo(words or f"nft ended with status {ran.status}")
    return ran.stdout
