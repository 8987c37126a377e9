"""Settings of clouds: off at first, checked at start, and what is in force can be released after they were turned off."""

from pathlib import Path

import pytest

from vedette.app.clouds import check_clouds, cloud_kinds
from vedette.app.settings import load_settings
from vedette.core import ConfigError, ManualClock, SystemClock
from vedette.store import Store


def test_every_cloud_is_off_at_first_and_its_actions_are_there_all_the_same(
    tmp_path: Path,
) -> None:
    settings = load_settings(environment={"VEDETTE_DATA_DIR": str(tmp_path)})
    assert not settings.ec2.enabled
    clock = ManualClock(SystemClock().now())
    store = Store(f"sqlite:///{tmp_path / 'store.sqlite'}", clock)
    names = {kind.schema.name for kind in cloud_kinds(settings, store.hosts, clock)}
    store.close()
    assert names == {
        "ec2_isolate",
        "ec2_stop",
        "kubernetes_cordon",
        "kubernetes_isolate",
        "kubernetes_scale",
    }


def test_settings_come_from_the_environment() -> None:
    settings = load_settings(
        environment={
            "VEDETTE_EC2__ENABLED": "true",
            "VEDETTE_EC2__NEVER_TOUCH": "i-1, i-2",
            "VEDETTE_EC2__ENDPOINT": "http://127.0.0.1:5000",
        }
    )
    assert settings.ec2.enabled
    assert settings.ec2.never_touch == ("i-1", "i-2")
    check_clouds(settings)
    cluster = load_settings(
        environment={
            "VEDETTE_KUBERNETES__ENABLED": "true",
            "VEDETTE_KUBERNETES__PROTECTED_NAMESPACES": "billing, vedette",
        }
    )
    assert cluster.kubernetes.protected_namespaces == ("billing", "vedette")
    check_clouds(cluster)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ENDPOINT", "http://ec2.example.com", "must start with https://"),
        ("ENDPOINT", "https://", "must start with https://"),
        ("ENDPOINT", "http://[", "must start with https://"),
        ("EXTERNAL_ID", "x", "no ec2.role_arn"),
        ("TIMEOUT_SECONDS", "0", "ec2.timeout_seconds"),
    ],
)
def test_what_cannot_be_used_is_an_error_that_names_it(name: str, value: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load_settings(environment={f"VEDETTE_EC2__{name}": value})


@pytest.mark.parametrize(("name", "extra"), [("EC2", "aws"), ("KUBERNETES", "kubernetes")])
def test_a_cloud_without_its_library_is_an_error_at_start(
    monkeypatch: pytest.MonkeyPatch, name: str, extra: str
) -> None:
    settings = load_settings(environment={f"VEDETTE_{name}__ENABLED": "true"})
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=rf"install vedette\[{extra}\]"):
        check_clouds(settings)
