"""The behaviour expert under the contract of all experts."""

from typing import Any

import pytest
from tests.contracts.expert_suite import ExpertSuite
from tests.detect.scene import scene, tables

from vedette.detect import Expert
from vedette.detect.behaviour import BehaviourExpert, fit


class TestBehaviourOnItsOwn(ExpertSuite):
    """With the reviewed priors alone."""

    @pytest.fixture
    def expert(self) -> Expert[Any]:
        return BehaviourExpert()


class TestBehaviourWithABundle(ExpertSuite):
    """With what a fleet of two taught."""

    @pytest.fixture
    def expert(self) -> Expert[Any]:
        return BehaviourExpert(fit([[scene(seq, tables()) for seq in range(1, 40)]] * 2))
