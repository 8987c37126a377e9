"""How times, states and numbers are said to people."""

from datetime import UTC, datetime

from markupsafe import Markup

__all__ = [
    "absolute",
    "actor_name",
    "deadline",
    "plain",
    "relative",
    "share",
    "size",
    "span",
    "stamp",
]

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def absolute(moment: datetime) -> str:
    """`2026-11-22 20:00:05 UTC`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def relative(moment: datetime, now: datetime) -> str:
    """`4 min ago`, `in 22 min`, `just now`; a date beyond two months."""
    seconds = (now - moment).total_seconds()
    if abs(seconds) < 5:
        return "just now"
    if abs(seconds) > 60 * _DAY:
        return moment.astimezone(UTC).strftime("%Y-%m-%d")
    words = span(abs(seconds))
    return f"{words} ago" if seconds > 0 else f"in {words}"


def span(seconds: float) -> str:
    """A duration in its largest whole unit: `45 s`, `15 min`, `2 h`, `3 d`."""
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def stamp(moment: datetime | None, now: datetime, *, both: bool = False) -> Markup:
    """A `time` element: relative words titled with the absolute time, or (`both`) the two side by side."""
    if moment is None:
        return Markup('<span class="muted">never</span>')
    machine = _machine(moment)
    words, exact = relative(moment, now), absolute(moment)
    if both:
        return Markup('<time datetime="{}">{} <span class="muted">({})</span></time>').format(
            machine, exact, words
        )
    return Markup('<time datetime="{}" title="{}">{}</time>').format(machine, exact, words)


def deadline(moment: datetime, now: datetime) -> Markup:
    """A `time` element with both; the page's module says the second in the zone of who looks."""
    return Markup(
        '<time datetime="{}" data-local>{} <span class="muted">({})</span></time>'
    ).format(_machine(moment), relative(moment, now), absolute(moment))


def _machine(moment: datetime) -> str:
    exact = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return exact.replace("+00:00", "Z")


def plain(name: str) -> str:
    """`awaiting_approval` as `awaiting approval`."""
    return name.replace("_", " ")


def actor_name(actor: str) -> str:
    """An actor as people say it: the name of a person, `the host`, a token, or Vedette and its part."""
    kind, _, name = actor.partition(":")
    if kind == "user":
        return name
    if kind == "host":
        return "the host"
    if kind == "enrolment":
        return "an enrolment token"
    return f"Vedette ({name})" if name else actor


def share(part: float) -> str:
    """A part of 1 as whole per cent."""
    return f"{round(100 * min(max(part, 0.0), 1.0))} %"


def size(count: int) -> str:
    """Bytes in the unit that gives the shortest number: `812 B`, `43 KiB`, `2.1 MiB`."""
    for step, unit in ((2**20, "MiB"), (2**10, "KiB")):
        if count >= step:
            number = count / step
            return f"{number:.1f} {unit}" if number < 10 else f"{number:.0f} {unit}"
    return f"{count} B"
