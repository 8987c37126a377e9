"""The policies in force: loaded as a whole from YAML, or not at all."""

from collections.abc import Collection, Iterable, Mapping
from copy import copy
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from vedette.core import Host, Incident, Inhibition, InvalidInput, Limits, Mode, digest
from vedette.decide import document
from vedette.decide.condition import Condition
from vedette.decide.contradictions import Placed, Warned, check
from vedette.decide.cost import Budget
from vedette.decide.inhibit import inhibitions
from vedette.decide.policy import (
    ESCALATE,
    OWN_TRIGGERS,
    STANDING_TRIGGERS,
    TRIGGERS,
    Guards,
    Policy,
    Step,
)
from vedette.decide.ports import Kinds
from vedette.decide.returning import LINKED_FOR

__all__ = ["PolicySet"]

_MAX_POLICIES = 100
_MAX_STEPS = 10
_MOST_APPROVALS = 5
_DAY = 86_400.0
_LONGEST_GATHER = 3_600.0
_REOPEN = 86_400.0


class PolicySet:
    """Checked policies with their compiled conditions, in the order written. `version` is the text's digest.

    `limits` hold for all of them together; `warnings` say what may contradict; `inhibitions` what explains what, and so holds
    its telling. For `reopen_seconds` after its closing an incident opens again by itself when its cause is seen again; 0: never.
    `lines` says in which line of the text each policy begins, from 1.
    """

    def __init__(
        self,
        text: str,
        rules: tuple[tuple[Policy, Condition], ...],
        limits: Limits,
        warnings: tuple[Warned, ...] = (),
        inhibitions: tuple[Inhibition, ...] = (),
        reopen_seconds: float = _REOPEN,
        lines: Mapping[str, int] | None = None,
    ) -> None:
        self.text = text
        self.version = digest(text.encode())
        self.rules = rules
        self.limits = limits
        self.warnings = warnings
        self.inhibitions = inhibitions
        self.reopen_seconds = reopen_seconds
        self.lines = dict(lines or {})

    @classmethod
    def parse(cls, text: str, *, kinds: Kinds, chains: Collection[str] | None = None) -> Self:
        """Loads policies written in YAML. `chains` are those that policies may start; None: it is not known which there are.

        Raises:
            InvalidInput: the first thing that is wrong, and its line and column (also as extensions).
        """
        root = document.compose(text)
        top = document.fields(
            root,
            "the document",
            required=("version", "policies"),
            optional=("limits", "inhibit", "reopen"),
        )
        document.whole(top["version"], "version", least=1, most=1)
        rules: dict[str, tuple[Policy, Condition]] = {}
        placed: list[Placed] = []
        changes, standing = (
            Budget("one change of an incident"),
            Budget("one host that falls silent or is heard"),
        )
        for node in document.items(top["policies"], "policies", most=_MAX_POLICIES):
            policy, condition, name = _policy(node, kinds, chains)
            if policy.name in rules:
                raise document.wrong(name, f"there are two policies named {policy.name!r}")
            if set(policy.on).issubset(STANDING_TRIGGERS):
                why = standing.spend(condition.cost, 1)
            else:
                why = changes.spend(condition.cost, min(len(policy.on), len(policy.then)))
            if why:
                raise document.wrong(name, f"policy {policy.name}: {why}")
            rules[policy.name] = (policy, condition)
            placed.append(Placed(policy, node))
        limits = _limits(top["limits"]) if "limits" in top else Limits()
        held = inhibitions(top["inhibit"], kinds) if "inhibit" in top else ()
        reopen = (
            document.seconds(top["reopen"], "reopen", most=LINKED_FOR.total_seconds(), least=0.0)
            if "reopen" in top
            else _REOPEN
        )
        lines = {one.policy.name: one.node.start_mark.line + 1 for one in placed}
        return cls(text, tuple(rules.values()), limits, check(placed), held, reopen, lines)

    @classmethod
    def default(cls, *, kinds: Kinds) -> Self:
        """The shipped policies: mail tells the owner, of incidents and of silent hosts; a quarantine in dry run waits."""
        source = files("vedette.decide").joinpath("default.yaml").read_text(encoding="utf-8")
        return cls.parse(source, kinds=kinds)

    def asking(self, conditions: Mapping[str, Condition]) -> Self:
        """The same, with these conditions in place of the policies' own, by the policies' names."""
        made = copy(self)
        made.rules = tuple((policy, conditions[policy.name]) for policy, _ in self.rules)
        return made

    @property
    def policies(self) -> tuple[Policy, ...]:
        """The policies without their compiled conditions."""
        return tuple(policy for policy, _ in self.rules)

    @property
    def chains(self) -> frozenset[str]:
        """Those that they start."""
        return frozenset(
            str(step.parameters["chain"])
            for policy in self.policies
            for step in policy.then
            if step.kind == ESCALATE
        )

    @property
    def asks_fleet(self) -> bool:
        """Whether a condition may ask how the fleet stands."""
        return any("fleet" in condition.text for _, condition in self.rules)

    def protects(self, host: Host, kind: str) -> str:
        """Which policy that does this protects the host from it, and by which label; empty where none does."""
        for policy in self.policies:
            shield = policy.guards.shields(host.labels)
            if shield and kind in {step.kind for step in policy.then}:
                return f"policy {policy.name} protects hosts with {shield} from {kind}"
        return ""

    def actions_since(self, taken_at: datetime, incidents: Iterable[Incident]) -> datetime:
        """From when on a Situation must hold the host's actions: all of its live incidents, and of every cooldown."""
        longest = max(policy.guards.cooldown_seconds for policy in self.policies)
        begun = (incident.begun_at for incident in incidents)
        return min((taken_at - timedelta(seconds=longest), *begun))


def _limits(node: yaml.Node) -> Limits:
    shares = ("tenant", "cohort", "model")
    found = document.fields(node, "limits", required=(), optional=(*shares, "least", "per"))
    given: dict[str, Any] = {
        name: document.share(found[name], name) for name in shares if name in found
    }
    if "least" in found:
        given["least"] = document.whole(found["least"], "least", least=0, most=1_000_000)
    if "per" in found:
        given["per_seconds"] = document.seconds(found["per"], "per", most=7 * _DAY)
    return Limits(**given)


def _policy(
    node: yaml.Node, kinds: Kinds, chains: Collection[str] | None
) -> tuple[Policy, Condition, yaml.Node]:
    found = document.fields(
        node,
        "a policy",
        required=("name", "then", "mode"),
        optional=("on", "when", "timezone", "within"),
    )
    steps = tuple(
        _step(step, kinds, chains)
        for step in document.items(found["then"], "then", most=_MAX_STEPS)
    )
    on = _triggers(found["on"]) if "on" in found else ("opened",)
    standing = not set(on).isdisjoint((*STANDING_TRIGGERS, *OWN_TRIGGERS))
    if standing:
        _check_standing(found, on, steps)
    elif any(step.disruptive for step in steps) and {"quiet", "closed"}.intersection(on):
        raise document.wrong(
            found["on"], "a disruptive action can't start on quiet or closed: the host is normal"
        )
    mode = Mode(document.choice(found["mode"], "mode", list(Mode)))
    guards = _guards(found["within"]) if "within" in found else Guards()
    if guards.approvals > 1 and mode is not Mode.APPROVE:
        raise document.wrong(
            document.at_path(found["within"], ["approvals"]),
            f"approvals asks people, and mode {mode.value} asks nobody; write mode: approve",
        )
    condition = (
        _condition(found["when"], standing=standing)
        if "when" in found
        else Condition("true", standing=standing)
    )
    policy = Policy(
        name=document.text(found["name"], "name"),
        on=on,
        when=condition.text,
        then=steps,
        mode=mode,
        guards=guards,
        timezone=_zone(found["timezone"]) if "timezone" in found else "UTC",
    )
    return policy, condition, found["name"]


def _zone(node: yaml.Node) -> str:
    name = document.text(node, "timezone")
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise document.wrong(
            node, f"{name!r} is no time zone such as Europe/Berlin or UTC"
        ) from None
    return name


def _triggers(node: yaml.Node) -> tuple[str, ...]:
    kinds = (TRIGGERS, STANDING_TRIGGERS, OWN_TRIGGERS)
    known = [word for kind in kinds for word in kind]
    entries = document.items(node, "on", most=len(known))
    chosen: dict[str, None] = {}
    for entry in entries:
        word = document.choice(entry, "an entry of on", known)
        if any((word in kind) != (other in kind) for other in chosen for kind in kinds):
            raise document.wrong(
                entry,
                f"{word} can't stand beside {next(iter(chosen))}: one is of an incident, of how a host stands, "
                "or of the service itself, and the other is not; write two policies",
            )
        chosen[word] = None
    return tuple(chosen)


def _check_standing(
    found: dict[str, yaml.Node], on: tuple[str, ...], steps: tuple[Step, ...]
) -> None:
    nodes = document.items(found["then"], "then", most=_MAX_STEPS)
    for node, step in zip(nodes, steps, strict=True):
        if step.on_host:
            raise document.wrong(
                document.at_path(node, ["action"]),
                f"{step.kind} can't start on {' or '.join(on)}: "
                + (
                    "there is no host to do it to"
                    if set(on).issubset(OWN_TRIGGERS)
                    else "a host that is not heard can't be seen to be ill"
                ),
            )
        if step.kind == ESCALATE and not set(on).issubset(OWN_TRIGGERS):
            raise document.wrong(
                node,
                f"there is no incident to acknowledge on {' or '.join(on)}; nothing to escalate",
            )
    if "when" in found and set(on).issubset(OWN_TRIGGERS):
        raise document.wrong(
            found["when"], f"there is no host to ask of on {' or '.join(on)}; leave `when` out"
        )
    if "within" in found:
        confirm = document.at_path(found["within"], ["confirm"])
        if confirm is not found["within"]:
            raise document.wrong(
                confirm, f"confirm counts abnormal snapshots; there are none on {' or '.join(on)}"
            )


def _step(node: yaml.Node, kinds: Kinds, chains: Collection[str] | None) -> Step:
    if document.at_path(node, [ESCALATE]) is not node:
        return _escalation(node, chains)
    found = document.fields(node, "an action", required=("action",), optional=("with", "dry_run"))
    name = document.choice(found["action"], "action", sorted(kinds))
    dry_run = document.flag(found["dry_run"], "dry_run") if "dry_run" in found else False
    given: Any = document.plain(found["with"]) if "with" in found else {}
    place = found.get("with", node)
    if not isinstance(given, dict):
        raise document.wrong(place, "with must be a mapping of names to values")
    try:
        parameters = kinds[name].check(given, dry_run=dry_run)
    except InvalidInput as error:
        path = error.extensions.get("at", [])
        raise document.wrong(document.at_path(place, path), f"{name}: {error.detail}") from error
    return Step(
        kind=name,
        parameters=parameters,
        dry_run=dry_run,
        disruptive=kinds[name].disruptive,
        on_host=kinds[name].on_host,
        lease_seconds=float(parameters.get("lease", 0.0)),
        most_seconds=float(parameters.get("at_most", 0.0)),
        grace_seconds=float(parameters.get("grace", 0.0)),
    )


def _escalation(node: yaml.Node, chains: Collection[str] | None) -> Step:
    found = document.fields(node, "an escalation", required=(ESCALATE,), optional=("dry_run",))
    chain = document.named(found[ESCALATE], ESCALATE)
    if chains is not None and chain not in chains:
        known = ", ".join(sorted(chains)) or "there are none"
        raise document.wrong(
            found[ESCALATE], f"there is no chain {chain!r} in the on-call document ({known})"
        )
    return Step(
        kind=ESCALATE,
        parameters={"chain": chain},
        dry_run=document.flag(found["dry_run"], "dry_run") if "dry_run" in found else False,
        disruptive=False,
        on_host=False,
        lease_seconds=0.0,
    )


def _guards(node: yaml.Node) -> Guards:
    found = document.fields(
        node,
        "within",
        required=(),
        optional=("confirm", "cooldown", "protected", "approval_expires", "approvals", "gather"),
    )
    given: dict[str, Any] = {}
    if "confirm" in found:
        given |= _confirmation(found["confirm"])
    if "cooldown" in found:
        given["cooldown_seconds"] = document.seconds(found["cooldown"], "cooldown", most=30 * _DAY)
    if "approval_expires" in found:
        given["approval_seconds"] = document.seconds(
            found["approval_expires"], "approval_expires", most=30 * _DAY
        )
    if "approvals" in found:
        given["approvals"] = document.whole(
            found["approvals"], "approvals", least=1, most=_MOST_APPROVALS
        )
    if "gather" in found:
        given["gather_seconds"] = document.seconds(
            found["gather"], "gather", most=_LONGEST_GATHER, least=0.0
        )
    if "protected" in found:
        given["protected"] = _protected(found["protected"])
    return Guards(**given)


def _confirmation(node: yaml.Node) -> dict[str, Any]:
    if not isinstance(node, yaml.MappingNode):
        return {"confirm": document.whole(node, "confirm", least=1, most=1000)}
    found = document.fields(node, "confirm", required=("of_ten",), optional=("experts",))
    given = {
        "confirm": document.whole(found["of_ten"], "of_ten", least=1, most=10),
        "lately": True,
    }
    if "experts" in found:
        given["experts"] = document.whole(found["experts"], "experts", least=2, most=3)
    return given


def _protected(node: yaml.Node) -> dict[str, tuple[str, ...]]:
    labels = document.plain(node)
    if not isinstance(labels, dict):
        raise document.wrong(node, "protected must be a mapping of labels to lists of values")
    return {
        label: tuple(
            document.text(value, "a label's value")
            for value in document.items(document.at_path(node, [label]), label, most=100)
        )
        for label in labels
    }


def _condition(node: yaml.Node, *, standing: bool) -> Condition:
    text = document.text(node, "when")
    try:
        return Condition(text, standing=standing)
    except InvalidInput as error:
        raise document.inside(
            node, error.extensions["line"], error.extensions["column"], f"when: {error.detail}"
        ) from error
