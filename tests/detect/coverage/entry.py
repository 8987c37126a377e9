"""One line of the coverage: a technique, what it leaves in a snapshot, and what the detector must say of it."""

from tests.detect.coverage.stage import Change

from vedette.core import Record, Severity

__all__ = ["Asks", "Entry", "Found", "Silent", "fact", "gauge", "silent", "title"]


class Found(Record, frozen=True, kw_only=True):
    """The host is abnormal at most `within` snapshots after the first that shows it, and the cause is named.

    Named is: among the first three reasons, by this expert, with this subject, and as this technique (or as the entry says).
    """

    expert: str
    subject: str
    within: int = 3


class Silent(Record, frozen=True, kw_only=True):
    """No alarm in so many snapshots from the first that shows it."""

    during: int = 8


class Asks(Record, frozen=True, kw_only=True):
    """A harmless change that nobody can tell from an intruder's: one alarm, no more severe than this."""

    subject: str
    at_most: Severity = Severity.MEDIUM
    during: int = 8


class Entry(Record, frozen=True, kw_only=True):
    """A technique, a fault or a harmless change, played on a host of `role` after its quiet life.

    `id` is an ATT&CK technique (`T1098.004`), a fault (`ops.full-disk`) or a harmless change (`benign.upgrade`); several
    entries may share one. `name` says in a few words what is done, `evidence` what of it a snapshot shows. Each of
    `steps` changes one snapshot; with `lasting`, all of them so far are there in the later ones too, else each in its
    own alone. `told_as` is the ATT&CK id under which it is told where that is no part of `id`'s technique, "none" where it is
    told as a fault. `before` alters the whole quiet life as well. `needs` names what an agent must collect beyond the
    tables of the first version.
    """

    id: str
    name: str
    evidence: str
    steps: tuple[Change, ...]
    expect: Found | Silent | Asks
    role: str = "web"
    lasting: bool = True
    before: Change | None = None
    needs: str = ""
    told_as: str = ""


def title(entry: Entry) -> str:
    """What tells an entry from all others."""
    return f"{entry.id}: {entry.name}"


def silent(
    kind: str,
    name: str,
    *steps: Change,
    role: str = "web",
    least: int = 8,
    before: Change | None = None,
    lasting: bool = False,
) -> Entry:
    """The entry of a harmless change, of which nothing may be told in all of its steps and in `least` snapshots."""
    return Entry(
        id=f"benign.{kind}",
        name=name,
        evidence="",
        steps=steps,
        expect=Silent(during=max(least, len(steps))),
        role=role,
        before=before,
        lasting=lasting,
    )


def gauge(
    kind: str,
    name: str,
    metric: str,
    *steps: Change,
    within: int = 3,
    before: Change | None = None,
    told_as: str = "",
) -> Entry:
    """The entry of a metric that vitals must tell."""
    return Entry(
        id=kind,
        name=name,
        evidence=f"metric `{metric}`",
        steps=steps,
        expect=Found(expert="vitals", subject=f"metric:{metric}", within=within),
        before=before,
        lasting=False,
        told_as=told_as,
    )


def fact(
    technique: str,
    name: str,
    evidence: str,
    change: Change,
    subject: str,
    *,
    within: int = 0,
    role: str = "web",
    before: Change | None = None,
    needs: str = "",
    told_as: str = "",
) -> Entry:
    """The entry of one change to what a host is made of, which inventory must tell."""
    return Entry(
        id=technique,
        name=name,
        evidence=evidence,
        steps=(change,),
        expect=Found(expert="inventory", subject=subject, within=within),
        role=role,
        before=before,
        needs=needs,
        told_as=told_as,
    )
