"""The fuzz targets hold for their seeds, and for what Hypothesis makes of them. `make fuzz` guides them by coverage."""

import importlib.util
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fuzz.targets import TARGETS

NAMES = sorted(TARGETS)


def _tool() -> list[str]:
    spec = importlib.util.spec_from_file_location(
        "fuzz", Path(__file__).parents[2] / "tools" / "fuzz.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: list[str] = module.TARGETS
    return found


def test_the_tool_runs_every_target() -> None:
    assert sorted(_tool()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_target_holds_for_its_seeds(name: str) -> None:
    target = TARGETS[name]
    for seed in target.seeds:
        assert len(seed) <= target.max_len
        target.check(seed)


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_a_target_holds_for_its_seeds_altered(name: str, data: st.DataObject) -> None:
    target = TARGETS[name]
    changed = data.draw(st.sampled_from(target.seeds))
    if target.mutate is not None:
        random = Random(data.draw(st.integers(0, 2**32)))
        for _ in range(random.randint(0, 3)):
            changed = target.mutate(changed, random)
    at = data.draw(st.integers(0, len(changed)))
    junk = data.draw(st.binary(max_size=8) | st.sampled_from([*target.words, b""]))
    cut = data.draw(st.integers(0, 8))
    target.check(changed[:at] + junk + changed[at + cut :])
