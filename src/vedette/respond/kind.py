"""What a kind of action is: the schema that policies are checked against, and what carries it out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from vedette.core import Action, ActionEvent, Incident, Record
from vedette.respond.outcome import Outcome

__all__ = ["Job", "Kind", "Lasting", "Schema"]


class Job(Record, frozen=True, kw_only=True):
    """One action with what is needed to carry it out. `events` are its steps so far, oldest first.

    `renewed_for` is how many seconds a renewal is for. `incident` is the one that it answers; None where it answers how hosts stand (`Action.about`),
    or is a digest of those that are `gathered`. `under_way`: an attempt may still be going on elsewhere, or its calls on their way: of one that was begun of late
    nobody has said what came of it.
    """

    action: Action
    incident: Incident | None
    events: tuple[ActionEvent, ...]
    now: datetime
    renewed_for: float = 0.0
    gathered: tuple[Incident, ...] = ()
    under_way: bool = False


class Schema(Protocol):
    """Known wherever policies are loaded; needs no settings and no secrets."""

    @property
    def name(self) -> str:
        """As policies write it; also the folder's name."""

    @property
    def disruptive(self) -> bool:
        """Whether it takes something away from the host."""

    @property
    def on_host(self) -> bool:
        """Whether it is done to one host; what is not tells people, and may be gathered with what other hosts tell."""

    @property
    def parameters(self) -> Mapping[str, str]:
        """What policies may write under `with`: each parameter's name, and what it is."""

    def check(self, parameters: Mapping[str, Any], *, dry_run: bool) -> dict[str, Any]:
        """The parameters with defaults filled in, as plain JSON types; a `lease`, its `at_most` and a `grace` come back in seconds.

        Raises:
            InvalidInput: what is wrong; the extension `at` is the path to it inside the parameters.
        """


class Kind(Protocol):
    """What carries it out, in the responder's process alone."""

    @property
    def schema(self) -> Schema:
        """Its schema."""

    @property
    def remote(self) -> bool:
        """Whether somebody else carries it out, who is asked by `probe` until the answer is there."""

    def plan(self, job: Job) -> dict[str, Any]:
        """What would be done, found without any effect.

        Raises:
            InvalidInput: it can't be done as things are set up; says what to set.
        """

    def apply(self, job: Job) -> Outcome:
        """Does it, or for a dry run goes as far as it can without effect. The attempt is on disk already.

        May be called again for the same action after a crash, so a repeat must be recognisable to whoever receives it.
        Prepared is written down, and it is called once more with that among the events.
        """

    def probe(self, job: Job) -> Outcome:
        """What is seen of it by now, without doing anything."""


@runtime_checkable
class Lasting(Kind, Protocol):
    """A kind whose effect stays and can be undone (a lease), or can be called off within its grace."""

    @property
    def ends_itself(self) -> bool:
        """Whether its lease ends where it is in force when nobody renews it, and its grace passes there.

        Otherwise the responder waits for the grace before it begins, and undoes the lease at its end, as often as that takes.
        """

    def lasts_until(self, job: Job) -> datetime | None:
        """Until when a lease may be in force at the most though nobody undoes it; None where it lasts until somebody does."""

    def unsettled(self, job: Job) -> bool:
        """Whether it may be in force beyond `Action.lease_until` by a renewal of which nothing more will be heard.

        Its end must be told to whoever has it in force then.
        """

    def renew(self, job: Job, *, due: bool) -> Outcome:
        """Asks once more for a lease's full length if that is due, and gives what is known of the asking.

        Verified, Released when nothing is in force any more, Retry, Refused, or Waiting. `Action.attempts` numbers the
        renewals, so that a repeat is the same one.
        """

    def recall(self, job: Job) -> Outcome:
        """Has the effect undone, or called off within its grace, and gives what is known of that.

        Released, Cancelled, Refused when it is too late or for now, Acknowledged when it was asked for just now, or Waiting. Called
        again and again until there is an answer; for what has no effect yet, or no more, too.
        """
