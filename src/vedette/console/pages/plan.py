"""What a dry run found, laid out: checks as a list, rulesets as text, the rest as data."""

from typing import Any

import msgspec

from vedette.core import Record

__all__ = ["Check", "PlanView", "view_plan"]


class Check(Record, frozen=True, kw_only=True):
    """One thing the host made sure of before it would act."""

    name: str
    passed: bool
    detail: str = ""


class PlanView(Record, frozen=True, kw_only=True):
    """`notes` are (name, one line), `texts` (name, several lines), in the plan's own order."""

    checks: tuple[Check, ...]
    notes: tuple[tuple[str, str], ...]
    texts: tuple[tuple[str, str], ...]


def view_plan(plan: dict[str, Any] | None) -> PlanView | None:
    """Any plan at all: what looks like checks is shown as such, and nothing is left out."""
    if not plan:
        return None
    checks: list[Check] = []
    notes: list[tuple[str, str]] = []
    texts: list[tuple[str, str]] = []
    rest: dict[str, Any] = {}
    for name, value in plan.items():
        found = _checks(value) if name == "checks" else None
        if found is not None:
            checks += found
        elif isinstance(value, str):
            (texts if "\n" in value else notes).append((name, value))
        else:
            rest[name] = value
    if rest:
        texts.append(("details", _pretty(rest)))
    return PlanView(checks=tuple(checks), notes=tuple(notes), texts=tuple(texts))


def _checks(value: Any) -> list[Check] | None:
    """From a list of {name, passed or ok, detail} or a mapping of names to outcomes; None for anything else."""
    if isinstance(value, dict):
        value = [
            {"name": name, **outcome}
            if isinstance(outcome, dict)
            else {"name": name, "ok": outcome}
            for name, outcome in value.items()
        ]
    if not isinstance(value, list):
        return None
    found = [_check(item) for item in value]
    return [check for check in found if check is not None] if None not in found else None


def _check(item: Any) -> Check | None:
    if not isinstance(item, dict) or "name" not in item:
        return None
    passed = item.get("passed", item.get("ok"))
    if not isinstance(passed, bool):
        return None
    detail = item.get("detail", item.get("text", ""))
    return Check(name=str(item["name"]), passed=passed, detail=str(detail))


def _pretty(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
