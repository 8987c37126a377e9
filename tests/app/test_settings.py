"""Settings: where they come from, and what is said of wrong ones."""

from pathlib import Path

import pytest

from vedette.app.settings import Settings, load_settings, redacted, settings_for
from vedette.core import ConfigError


def test_without_file_and_environment_the_defaults_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings(environment={})
    assert settings == Settings()
    assert settings.store_url == f"sqlite:///{tmp_path / 'var' / 'store.sqlite'}"
    assert settings.public_url == "https://localhost:8443"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "vedette.toml"
    file.write_text('[server]\nport = 1000\nhost = "0.0.0.0"\n')
    settings = load_settings(file, {"VEDETTE_SERVER__PORT": "2000"})
    assert (settings.server.port, settings.server.host) == (2000, "0.0.0.0")


def test_a_variable_can_name_a_file_that_holds_the_value(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2\n")
    env = {"VEDETTE_MAIL__PASSWORD_FILE": str(tmp_path / "secret")}
    assert load_settings(environment=env).mail.password == "hunter2"


def test_lists_in_the_environment_are_separated_by_commas() -> None:
    settings = load_settings(environment={"VEDETTE_MAIL__RECIPIENTS": "a@x.org, b@x.org,"})
    assert settings.mail.recipients == ("a@x.org", "b@x.org")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[server\n", "is not TOML"),
        ("[server]\nprt = 1\n", "unknown field `prt`"),
        ("[server]\nport = 'x'\n", "server.port"),
        ("[server]\nport = 70000\n", "ports go from 1"),
        ("[server]\nnames = []\n", "at least one name"),
        ("[server]\npublic_url = 'http://x'\n", "TLS is never off"),
        ("[detector]\nworkers = 0\n", "1 or more"),
        ("[ingest]\nrate = 0\n", "above 0"),
        ("[mail]\nsecurity = 'none'\npassword = 'x'\n", "starttls or tls"),
        ("[store]\nurl = 'mysql://u:secret@h/d'\n", "mysql://u:***@h/d"),
        ("server = 3\n", "server"),
    ],
)
def test_a_wrong_setting_is_named_with_what_to_do(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "vedette.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(file, {})
    assert said in caught.value.detail
    assert "secret" not in caught.value.detail


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"VEDETTE_SERVR__PORT": "1"}, "no section servr"),
        ({"VEDETTE_CONFIG": "/nowhere/x.toml"}, "can't read the settings file"),
        ({"VEDETTE_MAIL__PASSWORD_FILE": "/nowhere/x"}, "names /nowhere/x"),
        ({"VEDETTE_SERVER": "x", "VEDETTE_SERVER__PORT": "1"}, "not a table"),
    ],
)
def test_a_wrong_variable_is_named(env: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_settings(environment=env)


def test_names_that_are_no_settings_are_left_alone() -> None:
    env = {"VEDETTE_TOKEN": "x", "VEDETTE_REQUIRE": "all", "VEDETTE_AGENT_INTERVAL": "5"}
    assert load_settings(environment=env) == Settings()


def test_secrets_are_neither_shown_nor_given_to_processes_that_do_not_need_them() -> None:
    env = {
        "VEDETTE_MAIL__PASSWORD": "hunter2",
        "VEDETTE_STORE__URL": "postgresql+psycopg://vedette:hunter2@db/x",
    }
    settings = load_settings(environment=env)
    assert "hunter2" not in str(redacted(settings))
    assert settings_for(settings, "api").mail.password == ""
    assert settings_for(settings, "detector").mail.password == ""
    assert settings_for(settings, "responder").mail.password == "hunter2"
