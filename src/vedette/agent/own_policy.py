"""What this host does by itself on a verdict: approved beforehand, by whoever writes its settings."""

from typing import Annotated

from msgspec import Meta

from vedette.core import Command, Record, Ruling, Severity, Verb, Wish, unfit

__all__ = ["OwnPolicy", "query_of"]


class OwnPolicy(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section `[self_quarantine]`. It is carried out only with the server's signed leave for that very verdict."""

    enabled: Annotated[
        bool, Meta(description="Whether the host quarantines itself on a signed verdict")
    ] = False
    min_severity: Annotated[
        Severity, Meta(description="On a verdict of this severity or worse")
    ] = Severity.CRITICAL
    confirmed: Annotated[
        bool,
        Meta(description="Only on one that more than one snapshot, or two experts, stand behind"),
    ] = True
    lease: Annotated[
        float, Meta(ge=60, le=86_400, description="For how long from each renewal, in seconds")
    ] = 600.0
    actions_per_day: Annotated[
        int, Meta(ge=0, le=100, description="How often within a day at most")
    ] = 2

    @property
    def wish(self) -> Wish:
        """As the server is told it."""
        return Wish(severity=self.min_severity, confirmed=self.confirmed, lease=self.lease)

    def objects(self, ruling: Ruling, within_the_day: int) -> str:
        """Why the host does not act on a verdict that is its own, whatever leave it bears; empty when it does."""
        if not self.enabled:
            return "this host does nothing by itself (its setting `self_quarantine.enabled`)"
        if why := unfit(self.wish, ruling):
            return f"by this host's own settings: {why}"
        if within_the_day >= self.actions_per_day:
            return (
                f"this host quarantines itself {self.actions_per_day} times a day at most (its setting "
                f"`self_quarantine.actions_per_day`), and has done so {within_the_day} times"
            )
        return _other(ruling.command, self.lease) if ruling.command else ""


def query_of(wish: Wish) -> str:
    """The query of a push by which the host asks for leave."""
    confirmed = "true" if wish.confirmed else "false"
    return f"self_quarantine={wish.severity}&confirmed={confirmed}&lease={wish.lease:g}"


def _other(command: Command, lease: float) -> str:
    """What in the leave is more than the host asked for."""
    if (command.kind, command.verb, command.dry_run) != ("quarantine", Verb.APPLY, False):
        return f"leave is for a quarantine, not for {command.verb} {command.kind}"
    seconds = command.parameters.get("lease_seconds")
    if not isinstance(seconds, int | float) or not 0 < seconds <= lease:
        return f"leave is for {seconds} seconds, and this host asked for {lease:g}"
    return ""
