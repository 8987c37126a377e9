"""What policies are made of: actions with their parameters, and the variables of conditions."""

from pages.table import Undocumented, said, table

from vedette.decide import STANDING_VARIABLES, VARIABLES
from vedette.respond import schemas

__all__ = ["actions", "variables"]

_MEANING = {
    "trigger": "What the incident did: opened, raised, reopened, quiet or closed; or the host: silent or heard",
    "verdict.label": "Of the snapshot that led here: normal, abnormal or unknown",
    "verdict.score": "How sure, 0 to 1; 0.5 is the threshold",
    "verdict.severity": "none, low, medium, high or critical",
    "verdict.late": "Whether the snapshot came after later ones",
    "verdict.seq": "The snapshot's number within its epoch",
    "verdict.taken_at": "When the snapshot was taken",
    "verdict.subjects": "What the reasons speak of, such as a table's row or a metric",
    "verdict.attack": "Techniques of MITRE ATT&CK that the reasons name, such as T1053.003",
    "verdict.experts": "Each expert's own score by its name",
    "verdict.model": "The digest of the model bundle that judged",
    "incident.state": "open, quiet or closed",
    "incident.severity": "The highest so far",
    "incident.title": "As on its page",
    "incident.causes": "What its verdicts had in common",
    "incident.attack": "Techniques of all its verdicts",
    "time.hour": "Of the snapshot's moment in the policy's `timezone`, from 0 to 23",
    "time.minute": "From 0 to 59",
    "time.weekday": "From 1 (Monday) to 7",
    "incident.verdicts": "How many abnormal verdicts it joins",
    "incident.returns": "How often it opened again by itself after it was closed",
    "incident.peak_score": "The highest score so far",
    "incident.opened_at": "When its first snapshot was taken",
    "incident.last_abnormal_at": "When its last abnormal snapshot was taken",
    "fleet.hosts": "How many hosts are enrolled",
    "fleet.abnormal": "On how many of them the last verdict is abnormal, with this one",
    "fleet.share_abnormal": "The second as a share of the first, 0 to 1",
    "host.id": "The host's id",
    "host.hostname": "Its name, as it says itself",
    "host.role": "Its label role; empty without one",
    "host.os": "Its operating system's name",
    "host.labels": "All its labels by name",
}


def actions() -> str:
    """The chapter on actions."""
    parts = ["## Actions\n\nWhat a policy may name after `action:`, and what `with:` may hold.\n"]
    for name, schema in sorted(schemas().items()):
        rows = [
            [f"`{one}`", said(f"{name}.{one}", what)] for one, what in schema.parameters.items()
        ]
        kind = "takes something away from the host" if schema.disruptive else "harms nothing"
        parts.append(f"### {name}\n\nIt {kind}.\n\n" + table(("parameter", "what"), rows))
    return "\n".join(parts)


def variables() -> str:
    """The chapter on what conditions may ask.

    Raises:
        Undocumented: a variable has no meaning here, or a meaning no variable.
    """
    if odd := set(VARIABLES) ^ set(_MEANING):
        raise Undocumented(
            f"tools/pages/rules.py and the variables of policies differ: {sorted(odd)}"
        )
    rows = [
        [f"`{name}`", f"`{str(kind).lower()}`", _MEANING[name]] for name, kind in VARIABLES.items()
    ]
    only = ", ".join(f"`{name}`" for name in STANDING_VARIABLES)
    words = f"For `when:` in policies, in CEL. Policies on `silent` or `heard` have only {only}."
    return f"## Variables of conditions\n\n{words}\n\n" + table(("variable", "type", "what"), rows)
