"""How a reason's subject names a process, and which rows a subject is about."""

from vedette.core import Row
from vedette.detect.behaviour.form import Form
from vedette.detect.behaviour.shape import form_of
from vedette.detect.short import SUBJECT_LETTERS, short

__all__ = ["subject_of", "subject_of_program", "subjects_of_process"]


def subject_of_program(seen: Form) -> str:
    """By what runs, whoever runs it: the script, else the program, else the name."""
    return f"process:{seen.script or seen.path or seen.name}"


def subject_of(seen: Form, uid: object) -> str:
    """The same, but a shell at work by itself is its user's."""
    of = f":{uid}" if seen.role == "shell" and not seen.script else ""
    return subject_of_program(seen) + of


def subjects_of_process(row: Row) -> frozenset[str]:
    """All subjects of reasons that a row of `processes` may be meant by."""
    seen = form_of(row)
    given = (subject_of_program(seen), subject_of(seen, row.get("uid")))
    return frozenset(short(subject, SUBJECT_LETTERS) for subject in given)
