"""Every expert that is listed keeps the contract: by itself, and with what the shipped bundle says."""

from typing import Any

import pytest
from tests.contracts.expert_suite import ExpertSuite

from vedette.detect import EXPERTS, Bundle, Expert

SHIPPED = Bundle.shipped().parts


@pytest.fixture(
    params=[(name, how) for name in EXPERTS for how in ("bare", "shipped")], ids="-".join
)
def expert(request: pytest.FixtureRequest) -> Expert[Any]:
    name, how = request.param
    return EXPERTS[name]({} if how == "bare" else SHIPPED[name])


class TestExperts(ExpertSuite):
    """The contract, for each of them."""

    @pytest.fixture
    def expert(self, expert: Expert[Any]) -> Expert[Any]:
        return expert
