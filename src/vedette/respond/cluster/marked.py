"""A measure that changes fields of one object and marks it with its action: what is looked at, changed, read back and put back."""

from abc import ABC, abstractmethod
from typing import Any

from vedette.core import Conflict, NotFound
from vedette.respond.cloud_lease import was_put
from vedette.respond.cluster.change import allowed, change, mark_of, uid_of
from vedette.respond.cluster.cluster import Cluster
from vedette.respond.cluster.ref import Ref
from vedette.respond.kind import Job
from vedette.respond.ports import Enrolments

__all__ = ["Marked"]


class Marked(ABC):
    """See `Measure`. `word` is what was done to an object that bears a mark, such as `cordoned`."""

    word: str

    def __init__(self, cluster: Cluster, enrolments: Enrolments) -> None:
        self._cluster = cluster
        self._enrolments = enrolments

    @property
    def lacks(self) -> str:
        """The client, or settings."""
        return self._cluster.lacks

    def look(self, job: Job) -> dict[str, Any]:
        """What it is now, if it may be touched."""
        ref, thing = self._find(job)
        if mark_of(thing) not in {"", job.action.id}:
            raise Conflict(f"{ref} is {self.word} by action {mark_of(thing)}")
        return {**self._former(ref, thing), "uid": uid_of(thing)}

    def plan(self, job: Job, former: dict[str, Any]) -> dict[str, Any]:
        """What would be changed, and whether the API would take it."""
        check = allowed(self._cluster, self._ref(former), self._change(job, former))
        return {**former, "check": check}

    def put(self, job: Job, former: dict[str, Any]) -> None:
        """Changes it, unless that is done.

        Raises:
            Conflict: it is not as it was noted any more.
        """
        ref = self._ref(former)

        def made(thing: dict[str, Any]) -> dict[str, Any] | None:
            if _ours(job, former, thing) and self._is_changed(thing):
                return None
            if mark_of(thing) or {**self._former(ref, thing), "uid": uid_of(thing)} != former:
                raise Conflict(f"{ref} was changed by somebody meanwhile")
            return self._change(job, former)

        change(self._cluster, ref, made)

    def seen(self, job: Job, former: dict[str, Any]) -> dict[str, Any]:
        """It is as it was made."""
        thing = self._cluster.read(self._ref(former))
        if wrong := self._missing(thing, former, ours=_ours(job, former, thing)):
            raise Conflict(wrong)
        return self._evidence(former)

    def restore(self, job: Job, former: dict[str, Any]) -> dict[str, Any]:
        """Puts back what it was, unless somebody else changed it meanwhile; where its mark was taken off, that too.

        Raises:
            Conflict: it is as the action made it, and bears somebody else's mark.
        """
        by_others: list[bool] = []

        def back(thing: dict[str, Any]) -> dict[str, Any] | None:
            ours = _ours(job, former, thing)
            body = self._back(thing, former) if ours else self._unmarked(job, former, thing)
            if body is not None and not (ours and self._is_changed(thing)):
                by_others.append(True)
            return body

        try:
            # As the API answers the change: looked at once more, it might be what somebody else has made of it since.
            thing = change(self._cluster, self._ref(former), back)
        except NotFound:
            return {**self._named(former), "gone": True}
        return {
            **self._named(former),
            **self._stands(thing),
            "changed_by_others": bool(by_others),
        }

    def _unmarked(
        self, job: Job, former: dict[str, Any], thing: dict[str, Any]
    ) -> dict[str, Any] | None:
        """What is merged into what does not bear the action's mark; None where it is not as the action made it."""
        if uid_of(thing) != former["uid"] or not was_put(job) or not self._is_changed(thing):
            return None
        body = self._back(thing, former)
        if all(thing["spec"].get(field) == value for field, value in body["spec"].items()):
            return None
        if mark_of(thing):
            raise Conflict(
                f"{self._ref(former)} is {self.word} still, and bears the mark of action {mark_of(thing)};"
                " it is put back once that mark is taken off"
            )
        return body

    @abstractmethod
    def _find(self, job: Job) -> tuple[Ref, dict[str, Any]]:
        """The object that the action is about, if it may be touched."""

    @abstractmethod
    def _former(self, ref: Ref, thing: dict[str, Any]) -> dict[str, Any]:
        """Which it is, and what of it will be put back."""

    @abstractmethod
    def _ref(self, former: dict[str, Any]) -> Ref:
        """Which it is."""

    @abstractmethod
    def _change(self, job: Job, former: dict[str, Any]) -> dict[str, Any]:
        """What is merged into it, mark included."""

    @abstractmethod
    def _is_changed(self, thing: dict[str, Any]) -> bool:
        """Whether its fields are as the change makes them."""

    @abstractmethod
    def _missing(self, thing: dict[str, Any], former: dict[str, Any], *, ours: bool) -> str:
        """What is not as it was made; empty where all is. `ours`: it is the very object, and bears the action's mark."""

    @abstractmethod
    def _evidence(self, former: dict[str, Any]) -> dict[str, Any]:
        """What was read back."""

    @abstractmethod
    def _back(self, thing: dict[str, Any], former: dict[str, Any]) -> dict[str, Any]:
        """What is merged into it at the end, so that the mark is gone and what others changed stays."""

    @abstractmethod
    def _named(self, former: dict[str, Any]) -> dict[str, Any]:
        """Which it is, for people."""

    @abstractmethod
    def _stands(self, thing: dict[str, Any]) -> dict[str, Any]:
        """How it stands, for people."""


def _ours(job: Job, former: dict[str, Any], thing: dict[str, Any]) -> bool:
    return mark_of(thing) == job.action.id and uid_of(thing) == former["uid"]
