"""Destinations from the settings to policies, processes and trials."""

import base64
import importlib.util
import json
from pathlib import Path

import pytest
from tests.app.test_cli import Run, vedette
from tests.respond.receiver import Receiver
from tests.respond.smtp_server import MailBox

from vedette.app.destinations import destinations_of, kinds_of
from vedette.app.policy_book import PolicyBook
from vedette.app.settings import Settings, load_settings, redacted, settings_for
from vedette.app.wiring import check_files, open_store
from vedette.core import ConfigError, InvalidInput, SystemClock, TenantId

__all__ = ["vedette"]

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
FILE = f"""
data_dir = "data"
[webhook.siem]
url = "https://siem.example.com/hook"
secret = "{SECRET}"
[chat.ops]
url = "json://localhost/hunter2"
[chat.oncall]
url_file = "oncall.url"
urgent = true
"""
POLICY = """version: 1
policies:
  - name: tell
    then:
      - action: {kind}
        with: {{to: [{to}]}}
    mode: auto
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "oncall.url").write_text("json://localhost/pager\n")
    found = tmp_path / "told.toml"
    found.write_text(FILE)
    return found


def test_urls_and_secrets_are_only_with_the_process_that_tells(file: Path) -> None:
    settings = load_settings(file, {})
    assert settings.chat["oncall"].url == "json://localhost/pager"
    for shown in (str(redacted(settings)), str(settings_for(settings, "api"))):
        assert SECRET not in shown
        assert "hunter2" not in shown
        assert "pager" not in shown
    assert settings_for(settings, "responder") == settings
    assert destinations_of(settings_for(settings, "api")) == destinations_of(settings)
    assert [kind.schema.name for kind in kinds_of(settings)] == ["mail", "webhook", "chat", "page"]
    check_files(settings)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://siem.example.com", "https://siem.example.com"),
        (
            "https://siem.example.com:8443/in/s3cret?token=s3cret",
            "https://siem.example.com:8443/***",
        ),
    ],
)
def test_of_a_webhook_the_server_alone_is_shown(url: str, shown: str) -> None:
    settings = load_settings(
        None, {"VEDETTE_WEBHOOK__SIEM__URL": url, "VEDETTE_WEBHOOK__SIEM__SECRET": SECRET}
    )
    assert redacted(settings)["webhook"]["siem"]["url"] == shown


def test_a_destination_can_come_from_the_environment_alone(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    env = {
        "VEDETTE_WEBHOOK__SIEM__URL": "https://siem.example.com",
        "VEDETTE_WEBHOOK__SIEM__SECRET_FILE": str(tmp_path / "secret"),
        "VEDETTE_WEBHOOK__SIEM__CA_FILE": "/etc/ca.pem",
        "VEDETTE_CHAT__OPS__URL": "json://localhost",
        "VEDETTE_CHAT__OPS__URGENT": "true",
    }
    settings = load_settings(environment=env)
    assert settings.webhook["siem"].secret == SECRET
    assert settings.webhook["siem"].ca_file == "/etc/ca.pem"
    assert destinations_of(settings).urgent == ("ops",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[webhook.siem]\nurl='http://x'\nsecret='s'\n", "webhook.siem.url must start with https"),
        ("[webhook.siem]\nurl='https://'\nsecret='s'\n", "name a host"),
        ("[webhook.siem]\nurl='https://[x'\nsecret='s'\n", "webhook.siem.url is no URL"),
        ("[webhook.siem]\nurl='https://u:p@x'\nsecret='s'\n", "neither a password"),
        ("[webhook.siem]\nurl='https://x'\n", "never sent unsigned"),
        ("[webhook.siem]\nurl='https://x'\nsecret='s'\ntimeout_seconds=0\n", "timeout_seconds"),
        ("[webhook.Siem]\nurl='https://x'\nsecret='s'\n", "matching regex"),
        ("[webhook.siem]\nurls='https://x'\n", "unknown field `urls`"),
        ("[webhook.siem]\nsecret_file='/nowhere/x'\n", "webhook.siem.secret_file names /nowhere/x"),
        ("[webhook.siem]\nsecret='s'\nsecret_file='x'\n", "are both set"),
        ("[chat.ops]\nurgent=true\n", "chat.ops.url is not set"),
        ("[chat.mail]\nurl='json://x'\n", "can't be called mail"),
        (
            "[chat.x]\nurl='json://x'\n[webhook.x]\nurl='https://x'\nsecret='s'\n",
            "a name of its own",
        ),
    ],
)
def test_a_wrong_destination_is_named_with_what_to_do(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "v.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path / "v.toml", {})
    assert said in caught.value.detail


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (SECRET, "hunter2", "webhook.siem: a secret must be whsec_"),
        ("json://localhost/hunter2", "nothing://hunter2", "chat.ops.url is no URL that Apprise"),
        ('hook"', 'hook"\nca_file = "/nowhere.pem"', "webhook.siem.ca_file /nowhere.pem"),
    ],
)
def test_what_can_not_be_used_is_found_before_the_start(
    file: Path, old: str, new: str, said: str
) -> None:
    file.write_text(FILE.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        check_files(load_settings(file, {}))
    assert said in caught.value.detail
    assert "hunter2" not in caught.value.detail


@pytest.mark.parametrize(
    ("kind", "to", "said"),
    [
        ("webhook", "siem, gone", "line 6, column 27: webhook: there is no destination 'gone'"),
        ("chat", "siem", "known: oncall, ops"),
        ("page", "ops", "set chat.NAME.url and chat.NAME.urgent = true"),
    ],
)
def test_a_policy_that_names_nobody_known_is_an_error_with_its_place(
    vedette: Run, file: Path, kind: str, to: str, said: str
) -> None:
    policy = file.parent / "policy.yaml"
    policy.write_text(POLICY.format(kind=kind, to=to))
    found = vedette("policy", "check", policy, "--config", file)
    assert found.code == 2
    assert said in found.error


def test_without_settings_names_are_left_to_the_server(vedette: Run, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY.format(kind="page", to="anyone"))
    assert vedette("policy", "check", policy).code == 0


def test_the_server_takes_only_destinations_that_it_has_and_outlives_their_end(
    file: Path,
) -> None:
    settings, clock, tenant = load_settings(file, {}), SystemClock(), TenantId("default")
    settings.data.mkdir()
    store = open_store(settings, clock)
    store.migrate()
    book = PolicyBook(settings, store, clock)
    with pytest.raises(InvalidInput, match="no destination 'gone'"):
        book.apply(tenant, POLICY.format(kind="chat", to="gone"), actor="user:ann", reason="x")
    applied = book.apply(tenant, POLICY.format(kind="chat", to="ops"), actor="user:ann", reason="x")
    later = PolicyBook(Settings(data_dir=settings.data_dir), store, clock)
    assert later.of(tenant).version == applied.version
    store.close()


def test_a_trial_says_whether_it_was_taken_by_its_exit_code(vedette: Run, tmp_path: Path) -> None:
    with Receiver(tmp_path) as hook, MailBox(tmp_path / "mail") as mailbox:
        mail = mailbox.settings()
        (tmp_path / "vedette.toml").write_text(
            f'[webhook.siem]\nurl = "https://127.0.0.1:{hook.port}/"\nsecret = "{SECRET}"\n'
            f'ca_file = "{hook.ca_file}"\n[chat.ops]\nurl = "json://127.0.0.1:1/"\n'
            '[chat.oncall]\nurl = "json://127.0.0.1:1/"\nurgent = true\n'
            f'[mail]\nhost = "127.0.0.1"\nport = {mail.port}\nusername = "{mail.username}"\n'
            f'password = "{mail.password}"\nca_file = "{mail.ca_file}"\n'
            'sender = "v@example.com"\nrecipients = ["owner@example.com"]\n'
        )
        listed = vedette("notify", "list")
        assert listed.out.splitlines() == [
            "mail\tto owner@example.com",
            "siem\twebhook",
            "ops\tchat",
            "oncall\tpage or chat",
        ]
        taken = vedette("notify", "test", "siem")
        assert (taken.code, taken.out) == (0, "accepted for siem (HTTP 204)\n")
        assert json.loads(hook.requests[0].body)["type"] == "trial"
        assert vedette("notify", "test", "mail").code == 0
        ((_, message),) = mailbox.inbox.mails
        assert message["Subject"] == "[Vedette] a trial of this destination"
        for name in ("ops", "oncall"):
            failed = vedette("notify", "test", name)
            assert failed.code == 1
            assert "Apprise could not send it" in failed.error
        unknown = vedette("notify", "test", "gone")
        assert unknown.code == 2
        assert "known: mail, siem, ops, oncall" in unknown.error


def test_mail_by_ses_needs_its_library_and_no_mail_server(
    vedette: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "vedette.toml").write_text(
        '[mail]\ntransport = "ses"\nsender = "v@example.com"\nrecipients = ["o@example.com"]\n'
        '[ses]\nregion = "eu-central-1"\nendpoint = "http://127.0.0.1:1"\n'
        'access_key_id = "a"\nsecret_access_key = "hunter2"\n'
    )
    assert vedette("config", "check").code == 0
    assert "hunter2" not in vedette("config", "show").out
    assert vedette("notify", "list").out == "mail\tto o@example.com\n"
    found = vedette("notify", "test", "mail")
    assert found.code == 1
    assert "SES http://127.0.0.1:1" in found.error
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    found = vedette("config", "check")
    assert found.code == 2
    assert "install vedette[aws]" in found.error


def test_a_trial_without_a_mail_server_says_what_to_set(vedette: Run) -> None:
    assert vedette("notify", "list").out == ""
    found = vedette("notify", "test", "mail")
    assert found.code == 2
    assert "set mail.host" in found.error
