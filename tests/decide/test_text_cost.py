"""What all conditions of a text can cost together is bounded when it is loaded: one change asks every policy."""

from typing import Any

import pytest
from tests.decide.make import Course, policies, verdict

from vedette.core import InvalidInput
from vedette.decide.condition import Condition
from vedette.decide.cost import MAX_COST, MAX_TEXT_COST, Budget

# About three quarters of what one condition may cost.
COSTLY = 'verdict.subjects.exists(s, s.matches("^(process|cron):/(tmp|var/tmp|dev/shm)/.*"))'
MAIL = "{action: mail, with: {to: [ops@example.com]}}"


def text(count: int, *, on: str = "[opened]", actions: int = 1, when: str = COSTLY) -> str:
    then = ", ".join([MAIL] * actions)
    return "version: 1\npolicies:\n" + "".join(
        f"  - on: {on}\n    name: p{number}\n    when: '{when}'\n    then: [{then}]\n    mode: auto\n"
        for number in range(count)
    )


def most() -> int:
    """How many policies with the costly condition a text may have."""
    cost = Condition(COSTLY).cost
    assert MAX_COST / 2 < cost < MAX_COST
    return int(MAX_TEXT_COST // cost)


def test_the_policy_that_goes_beyond_is_named_with_its_place() -> None:
    assert len(policies(text(most())).policies) == most()
    with pytest.raises(InvalidInput) as caught:
        policies(text(most() + 3))
    # Each policy has five lines, after two of the document.
    line = 2 + 5 * most() + 2
    assert (caught.value.extensions["line"], caught.value.extensions["column"]) == (line, 11)
    assert f"policy p{most()}: up to here the conditions may cost " in caught.value.detail
    assert "and those of a text 200,000" in caught.value.detail


@pytest.mark.parametrize(
    ("on", "actions", "times"),
    [
        ("[opened]", 5, 1),
        ("[opened, raised, reopened]", 1, 1),
        ("[opened, raised]", 5, 2),
        ("[opened, raised, reopened]", 2, 2),
    ],
)
def test_a_condition_counts_once_for_each_trigger_that_an_action_may_answer(
    on: str, actions: int, times: int
) -> None:
    policies(text(most() // times, on=on, actions=actions))
    with pytest.raises(InvalidInput, match="those of a text"):
        policies(text(most() // times + 1, on=on, actions=actions))


def test_what_only_silence_asks_counts_apart() -> None:
    """No change of an incident asks it."""
    label = (
        'host.labels.exists(k, host.labels[k].matches("^(process|cron):/(tmp|var/tmp|dev/shm)/.*"))'
    )
    count = int(MAX_TEXT_COST // Condition(label, standing=True).cost)
    silent = text(count, on="[silent, heard]", actions=2, when=label).replace("name: p", "name: s")
    both = text(most()) + silent.partition("policies:\n")[2]
    assert len(policies(both).policies) == most() + count
    with pytest.raises(InvalidInput, match="steps for one host that falls silent or is heard"):
        policies(text(count + 1, on="[silent, heard]", when=label))


def test_as_many_policies_as_there_may_be_have_ordinary_conditions() -> None:
    ordinary = 'incident.severity in ["high", "critical"] && host.labels["env"] != "dev"'
    assert len(policies(text(100, when=ordinary)).policies) == 100


def test_just_the_bound_is_within_it() -> None:
    budget = Budget("one change")
    assert budget.spend(MAX_TEXT_COST / 2, 2) == ""
    assert "may cost 200,001 steps" in budget.spend(0.5, 2)


def test_one_change_asks_a_condition_once_for_each_trigger(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    holds = Condition.holds

    def counted(condition: Condition, values: dict[str, Any]) -> bool:
        asked.append(values["trigger"])
        return holds(condition, values)

    monkeypatch.setattr(Condition, "holds", counted)
    decision = Course(policies(text(1, actions=3, when="true"))).see(verdict(0))
    assert (len(decision.actions), asked) == (3, ["opened"])
