"""How often a condition had no value, counted by verdicts: a verdict that asks it several times is one."""

import pytest
from tests.decide.make import policies
from tests.decide.test_conditions import values

from vedette.core import InvalidInput
from vedette.decide.condition import Condition
from vedette.decide.watched import Watched

NEVER = 'host.labels["env"] == "prod"'
ONE = """
version: 1
policies: [{name: p, mode: auto, then: [{action: mail, with: {to: ["@owner"]}}]}]
"""


def test_asked_for_two_triggers_of_one_verdict_it_counts_once() -> None:
    watched = Watched(Condition(f'trigger == "raised" && {NEVER}'))
    (policy,) = policies(ONE).policies
    second = values() | {"verdict.seq": 2, "host.hostname": "later"}
    for given in (values(), second):
        assert not watched.holds(given | {"trigger": "opened"})
        for _ in range(2):
            with pytest.raises(InvalidInput, match="Key not found"):
                watched.holds(given | {"trigger": "raised"})
    assert watched.holds(values(env="prod") | {"trigger": "raised", "verdict.seq": 3})
    found = watched.found(policy, 3)
    assert found is not None
    assert (found.policy, found.line, found.asked, found.without) == ("p", 3, 3, 2)
    assert (found.hostname, found.always) == ("web-1", False)


def test_what_always_had_a_value_is_not_named() -> None:
    watched = Watched(Condition("true"))
    (policy,) = policies(ONE).policies
    assert watched.found(policy, 1) is None
    assert watched.holds(values())
    assert (watched.found(policy, 1), watched.text) == (None, "true")
