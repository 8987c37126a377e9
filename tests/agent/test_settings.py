"""Settings: file, environment over it, and errors that say what to do."""

from pathlib import Path

import pytest

from vedette.agent import AgentSettings
from vedette.core import ConfigError


def test_the_environment_stands_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text('interval = 30\nspool_count = 7\n[labels]\nrole = "db"\n')
    settings = AgentSettings.load(
        file,
        {
            "VEDETTE_AGENT_INTERVAL": "2.5",
            "VEDETTE_AGENT_LABELS": "role=web, env=prod",
            "VEDETTE_AGENT_STATE_DIR": "/tmp/x",
            "VEDETTE_AGENT_ACTIONS": "quarantine",
            "VEDETTE_AGENT_NEVER_TOUCH": "network:10.1.0.0/16, account:root,",
            "OTHER": "1",
        },
    )
    assert settings.interval == 2.5
    assert settings.spool_count == 7
    assert settings.labels == {"role": "web", "env": "prod"}
    assert settings.state == Path("/tmp/x")
    assert settings.limits.open_sockets == settings.open_sockets
    permission = settings.permission
    assert permission.kinds == frozenset({"quarantine"})
    assert permission.never_touch == (("network", "10.1.0.0/16"), ("account", "root"))
    assert [str(one) for one in permission.networks()] == ["10.1.0.0/16"]


def test_without_file_and_environment_there_are_defaults() -> None:
    assert AgentSettings.load(None, {}) == AgentSettings()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("intervall = 3", "did you mean interval"),
        ("zzz = 3", "known are state_dir"),
        ("interval = -1", "interval"),
        ("interval = 'often'", "interval"),
        ("state_dir = 'here'", "absolute"),
        ("proxy = 'nonsense'", "proxy must be a URL"),
        ("spool_bytes = 5", "spool_bytes"),
        ("this is not toml", "is not TOML"),
        ("labels = 'role'", "name=value"),
        ("[labels]\n" + "".join(f"k{n} = 'v'\n" for n in range(65)), "may have 64, these are 65"),
        (f"[labels]\nrole = '{'v' * 257}'", "a value may have 256 letters, that of 'role' has 257"),
        (f"[labels]\n{'k' * 257} = 'v'", "a name may have 256 letters"),
        ("actions = ['dance']", "actions has 'dance'; this agent can do quarantine, "),
        ("max_lease = 0", "max_lease"),
        ("actions_per_hour = -1", "actions_per_hour"),
        ("never_touch = ['10.0.0.1']", "an entry is one of network:10.0.0.0/24"),
        ("never_touch = ['network:here']", "never_touch has the network 'here'"),
        (
            "never_touch = ['network:0.0.0.0/0']",
            "can't always stay reachable: 0.0.0.0/0 is too wide",
        ),
        (
            "never_touch = ['network:1.0.0.0/8', 'network:2.0.0.0/8', 'network:3.0.0.1']",
            "never_touch: together the exceptions cover",
        ),
        ("never_touch = ['process:sshd']", "named by its program's path"),
        ("never_touch = ['unit:sshd']", "an entry is one of"),
        ('[labels]\nrole = "a\\u0000b"', "the value of 'role' has a control character"),
    ],
)
def test_a_setting_that_can_not_be_used_is_told_with_advice(
    tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        AgentSettings.load(file, {})


def test_labels_at_their_bounds_are_taken(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text("[labels]\n" + "".join(f"k{n} = '{'ü' * 256}'\n" for n in range(64)))
    assert len(AgentSettings.load(file, {}).labels) == 64
    with pytest.raises(ConfigError, match="not UTF-8"):
        AgentSettings.load(None, {"VEDETTE_AGENT_LABELS": "role=\udcff"})


def test_a_named_file_must_be_there_and_readable(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not there"):
        AgentSettings.load(tmp_path / "none.toml", {})
    with pytest.raises(ConfigError, match="can't be read"):
        AgentSettings.load(tmp_path, {})
