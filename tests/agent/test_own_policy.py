"""What a host does by itself: never beyond its own settings, whatever is signed."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from vedette.agent.own_policy import OwnPolicy
from vedette.core import (
    ActionId,
    Command,
    CommandId,
    Confirmation,
    Epoch,
    HostId,
    Label,
    Ruling,
    Severity,
    TenantId,
    VerdictId,
)

_NOW = datetime(2026, 3, 1, tzinfo=UTC)


def _command(seconds: float) -> Command:
    return Command(
        id=CommandId("c"),
        tenant=TenantId("t"),
        host=HostId("h"),
        action=ActionId("a"),
        kind="quarantine",
        parameters={"lease_seconds": seconds},
        dry_run=False,
        issued_at=_NOW,
        expires_at=_NOW,
        nonce="n",
    )


@given(
    label=st.sampled_from(Label),
    severity=st.sampled_from(Severity),
    least=st.sampled_from(Severity),
    behind=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    wants=st.booleans(),
    late=st.booleans(),
    seconds=st.floats(1, 600),
    done=st.integers(0, 3),
)
def test_a_host_never_acts_beyond_its_own_settings(
    label: Label,
    severity: Severity,
    least: Severity,
    behind: tuple[int, int],
    wants: bool,
    late: bool,
    seconds: float,
    done: int,
) -> None:
    policy = OwnPolicy(enabled=True, min_severity=least, confirmed=wants, lease=300.0)
    agent = Ruling(
        verdict=VerdictId("v"),
        tenant=TenantId("t"),
        host=HostId("h"),
        epoch=Epoch("e"),
        seq=1,
        digest="d",
        label=label,
        severity=severity,
        score=1.0,
        model="m",
        confirmation=Confirmation(abnormal=behind[0], of=10, experts=behind[1]),
        late=late,
        reasons=(),
        signed_at=_NOW,
        expires_at=_NOW,
        command=_command(seconds),
    )
    fits = (
        label is Label.ABNORMAL
        and not late
        and severity.rank >= least.rank
        and (not wants or max(behind) >= 2)
        and seconds <= 300
        and done < policy.actions_per_day
    )
    assert (policy.objects(agent, done) == "") is fits
    assert OwnPolicy(min_severity=least).objects(agent, 0)
