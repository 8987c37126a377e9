"""The inventory expert under the contract of all experts."""

from typing import Any

import pytest
from tests.contracts.expert_suite import ExpertSuite
from tests.detect.scene import scene, tables

from vedette.detect import Expert
from vedette.detect.inventory import InventoryExpert, fit


class TestInventoryOnItsOwn(ExpertSuite):
    """With the reviewed priors alone."""

    @pytest.fixture
    def expert(self) -> Expert[Any]:
        return InventoryExpert()


class TestInventoryWithABundle(ExpertSuite):
    """With what a fleet of two taught."""

    @pytest.fixture
    def expert(self) -> Expert[Any]:
        return InventoryExpert(fit([[scene(seq, tables()) for seq in range(1, 40)]] * 2))
