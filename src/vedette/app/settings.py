"""Settings: one TOML file, then the environment; checked at start, with errors that say what to do."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from vedette.app.cloud_settings import Ec2Settings, KubernetesSettings, wrong_clouds
from vedette.app.ingest_settings import IngestSettings
from vedette.app.section import Section as _Section
from vedette.app.telling_settings import (
    ChatSettings,
    MailSettings,
    Name,
    RespondSettings,
    SesSettings,
    WebhookSettings,
    wrong_told,
)
from vedette.core import ConfigError

__all__ = [
    "DetectorSettings",
    "IngestSettings",
    "LogSettings",
    "MailSettings",
    "QueueSettings",
    "RespondSettings",
    "ServerSettings",
    "Settings",
    "StoreSettings",
    "load_settings",
    "redacted",
    "settings_for",
]

PREFIX = "VEDETTE_"
PLACES = (Path("vedette.toml"), Path("/etc/vedette/vedette.toml"))
SECRETS = (
    ("mail", "password"),
    ("ses", "secret_access_key"),
    ("webhook", "secret"),
    ("webhook", "old_secret"),
    ("chat", "url"),
)
NAMED = frozenset({"webhook", "chat"})


class ServerSettings(_Section, frozen=True, kw_only=True):
    """Where the server listens, and how machines and people reach it."""

    host: Annotated[str, Meta(description="Address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(description="Port to listen on, TLS only")] = 8443
    public_url: Annotated[
        str,
        Meta(description="https URL by which hosts and people reach it; empty: from name and port"),
    ] = ""
    names: Annotated[
        tuple[str, ...], Meta(description="DNS names and addresses in the server's certificate")
    ] = ("localhost", "127.0.0.1")
    metrics_host: Annotated[str, Meta(description="Address of /metrics, plain HTTP")] = "127.0.0.1"
    metrics_port: Annotated[int, Meta(description="Port of /metrics; 0 turns it off")] = 9464


class StoreSettings(_Section, frozen=True, kw_only=True):
    """Where history lives."""

    url: Annotated[
        str, Meta(description="SQLAlchemy URL; empty: SQLite file store.sqlite in data_dir")
    ] = ""
    evidence_days: Annotated[
        float,
        Meta(
            le=36_500, description="Days that sealed evidence is kept; then its bytes are removed"
        ),
    ] = 90.0


class QueueSettings(_Section, frozen=True, kw_only=True):
    """Where accepted snapshots wait."""

    url: Annotated[
        str, Meta(description="SQLAlchemy URL; empty: SQLite file queue.sqlite in data_dir")
    ] = ""
    max_depth: Annotated[
        int, Meta(description="Waiting snapshots above which hosts are told to come later (503)")
    ] = 100_000
    dead_letter_days: Annotated[
        float, Meta(description="Days that snapshots which could not be read are kept for replay")
    ] = 30.0
    dead_letter_mib: Annotated[
        int,
        Meta(description="MiB that they may take in all; beyond it those rejected longest ago go"),
    ] = 1_024


class DetectorSettings(_Section, frozen=True, kw_only=True):
    """The workers that open and judge snapshots."""

    workers: Annotated[int, Meta(description="Worker processes")] = 1
    batch: Annotated[int, Meta(description="Snapshots judged in one transaction, at most")] = 256
    lease_seconds: Annotated[
        float, Meta(description="How long a worker may hold a host's snapshots before another may")
    ] = 60.0
    behind_seconds: Annotated[
        float,
        Meta(description="Time that a batch may spend on old snapshots while live ones may come"),
    ] = 0.05
    model: Annotated[str, Meta(description="Folder of a model bundle; empty: the shipped one")] = ""
    budget: Annotated[
        float,
        Meta(
            description="False incidents accepted of one host in a month of 30 days, 0.01 to 1000"
        ),
    ] = 1.0


class LogSettings(_Section, frozen=True, kw_only=True):
    """Logs go to standard error."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="Least level that is written"),
    ] = "info"
    format: Annotated[
        Literal["json", "text"], Meta(description="json for machines, text for people")
    ] = "json"


class Settings(_Section, frozen=True, kw_only=True):
    """Everything a server process may be told."""

    data_dir: Annotated[
        str, Meta(description="Folder of SQLite files, keys and certificates; mode 0700")
    ] = "var"
    tenant: Annotated[str, Meta(description="The tenant that this server works for")] = "default"
    server: ServerSettings = ServerSettings()
    store: StoreSettings = StoreSettings()
    queue: QueueSettings = QueueSettings()
    ingest: IngestSettings = IngestSettings()
    detector: DetectorSettings = DetectorSettings()
    respond: RespondSettings = RespondSettings()
    mail: MailSettings = MailSettings()
    ses: SesSettings = SesSettings()
    ec2: Ec2Settings = Ec2Settings()
    kubernetes: KubernetesSettings = KubernetesSettings()
    webhook: dict[Name, WebhookSettings] = {}
    chat: dict[Name, ChatSettings] = {}
    log: LogSettings = LogSettings()

    @property
    def data(self) -> Path:
        """The data folder, absolute."""
        return Path(self.data_dir).expanduser().absolute()

    @property
    def store_url(self) -> str:
        """The store's URL, with the embedded default filled in."""
        return self.store.url or f"sqlite:///{self.data / 'store.sqlite'}"

    @property
    def queue_url(self) -> str:
        """The queue's URL, with the embedded default filled in."""
        return self.queue.url or f"sqlite:///{self.data / 'queue.sqlite'}"

    @property
    def public_url(self) -> str:
        """How hosts and people reach this server."""
        return self.server.public_url or f"https://{self.server.names[0]}:{self.server.port}"


def load_settings(
    path: Path | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """Reads the TOML file (given, or VEDETTE_CONFIG, or the first of the usual places), then the environment.

    A variable is named VEDETTE_<SECTION>__<FIELD>; with `_FILE` appended (in the file: `_file`) it names a file that holds
    the value.

    Raises:
        ConfigError: which setting is wrong, where it came from, and what would be right.
    """
    env = os.environ if environment is None else environment
    named = path or (Path(env["VEDETTE_CONFIG"]) if env.get("VEDETTE_CONFIG") else None)
    source = named or next((place for place in PLACES if place.is_file()), None)
    data = _filled(_read(source)) if source else {}
    for name, value in _from_environment(env):
        _put(data, name, value)
    try:
        settings = msgspec.convert(data, Settings, strict=False)
    except msgspec.ValidationError as error:
        origin = f"{source} and the environment" if source else "the environment"
        raise ConfigError(f"settings from {origin}: {_readable(error)}") from error
    _check(settings)
    return settings


def settings_for(settings: Settings, process: str) -> Settings:
    """The settings one process needs: secrets only where they are used."""
    if process == "responder":
        return settings
    change = msgspec.structs.replace
    return change(
        settings,
        mail=change(settings.mail, password=""),
        ses=change(settings.ses, secret_access_key=""),
        webhook={k: change(v, secret="", old_secret="") for k, v in settings.webhook.items()},
        chat={k: change(v, url="") for k, v in settings.chat.items()},
    )


def redacted(settings: Settings) -> dict[str, Any]:
    """The settings as plain data, for showing: secrets are replaced, passwords in URLs too; of webhooks the server alone is told."""
    data: dict[str, Any] = msgspec.to_builtins(settings)
    for section, field in SECRETS:
        tables = data[section].values() if section in NAMED else [data[section]]
        for table in tables:
            if table[field]:
                table[field] = "(set)"
    for section in ("store", "queue"):
        data[section]["url"] = _without_password(data[section]["url"])
    for table in data["webhook"].values():
        table["url"] = _server_of(table["url"])
    return data


def _server_of(url: str) -> str:
    """Receivers often give each sender a path or a query that is a secret."""
    scheme, separator, rest = url.partition("://")
    place = re.split(r"[/?]", rest, maxsplit=1)[0]
    return url if rest == place else f"{scheme}{separator}{place}/***"


def _without_password(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    credentials, at, place = rest.rpartition("@")
    if not at:
        return url
    return f"{scheme}{separator}{credentials.split(':')[0]}:***@{place}"


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"can't read the settings file {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error


def _from_environment(env: Mapping[str, str]) -> list[tuple[tuple[str, ...], str]]:
    found = []
    fields = set(Settings.__struct_fields__)
    for name, value in sorted(env.items()):
        if not name.startswith(PREFIX):
            continue
        keys = tuple(name.removeprefix(PREFIX).lower().split("__"))
        if keys[0] not in fields:
            if "__" in name:
                raise ConfigError(f"{name}: there is no section {keys[0]}; known: {sorted(fields)}")
            continue
        text = value
        if _names_file(keys[-1]):
            keys = (*keys[:-1], keys[-1].removesuffix("_file"))
            text = _content(name, value)
        found.append((keys, text))
    return found


def _filled(data: dict[str, Any], at: str = "") -> dict[str, Any]:
    """The tables with what stands in files put in the place of the files' names."""
    filled: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, dict):
            filled[key] = _filled(value, f"{at}{key}.")
        elif _names_file(key) and isinstance(value, str):
            if key.removesuffix("_file") in data:
                raise ConfigError(f"{at}{key} and {at}{key.removesuffix('_file')} are both set")
            filled[key.removesuffix("_file")] = _content(f"{at}{key}", value)
        else:
            filled[key] = value
    return filled


def _names_file(key: str) -> bool:
    return key.endswith("_file") and key != "ca_file"


def _content(name: str, path: str) -> str:
    try:
        return Path(path).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{name} names {path}: {getattr(error, 'strerror', 'no text')}"
        ) from error


def _put(data: dict[str, Any], keys: tuple[str, ...], value: str) -> None:
    place = data
    for key in keys[:-1]:
        place = place.setdefault(key, {})
        if not isinstance(place, dict):
            raise ConfigError(f"{'.'.join(keys)} is set, but {key} is not a table")
    lists = {
        ("server", "names"),
        ("mail", "recipients"),
        ("ec2", "never_touch"),
        ("kubernetes", "protected_namespaces"),
    }
    place[keys[-1]] = (
        [part.strip() for part in value.split(",") if part.strip()] if keys in lists else value
    )


def _readable(error: msgspec.ValidationError) -> str:
    text = str(error).replace("`$.", "`").replace("Object contains unknown field", "unknown field")
    return f"{text}. `vedette config show` lists every setting with its value"


def _out_of_bounds(settings: Settings) -> list[str]:
    server, mail = settings.server, settings.mail
    ports = {"server.port": server.port, "mail.port": mail.port}
    if server.metrics_port:
        ports["server.metrics_port"] = server.metrics_port
    above_zero: dict[str, float] = {
        "queue.max_depth": settings.queue.max_depth,
        "queue.dead_letter_days": settings.queue.dead_letter_days,
        "queue.dead_letter_mib": settings.queue.dead_letter_mib,
        "store.evidence_days": settings.store.evidence_days,
        "ingest.max_body_bytes": settings.ingest.max_body_bytes,
        "ingest.max_evidence_bytes": settings.ingest.max_evidence_bytes,
        "ingest.burst": settings.ingest.burst,
        "ingest.tenant_rate": settings.ingest.tenant_rate,
        "ingest.tenant_burst": settings.ingest.tenant_burst,
        "detector.lease_seconds": settings.detector.lease_seconds,
        "detector.behind_seconds": settings.detector.behind_seconds,
        "respond.tick_seconds": settings.respond.tick_seconds,
        "mail.timeout_seconds": mail.timeout_seconds,
    }
    return [
        f"{name} is {port}; ports go from 1 to 65535"
        for name, port in ports.items()
        if not 1 <= port <= 65535
    ] + [
        f"{name} is {value:g}; it must be above 0"
        for name, value in above_zero.items()
        if not value > 0
    ]


def _check(settings: Settings) -> None:
    wrong = _out_of_bounds(settings)
    if not settings.server.names:
        wrong.append("server.names is empty; the certificate needs at least one name or address")
    if settings.server.public_url and not settings.server.public_url.startswith("https://"):
        wrong.append("server.public_url must start with https://; TLS is never off")
    if settings.detector.workers < 1 or settings.detector.batch < 1:
        wrong.append("detector.workers and detector.batch must be 1 or more")
    if settings.ingest.interval <= 0 or settings.ingest.rate <= 0:
        wrong.append("ingest.interval and ingest.rate must be above 0")
    ingest = settings.ingest
    for name in (
        "max_hosts",
        "host_snapshots_per_day",
        "host_bytes_per_day",
        "tenant_snapshots_per_day",
        "tenant_bytes_per_day",
    ):
        if getattr(ingest, name) < 0:
            wrong.append(f"ingest.{name} must be 0 (no bound) or more")
    wrong.extend(wrong_told(settings.mail, settings.webhook, settings.chat))
    wrong.extend(wrong_clouds(settings.ec2))
    wrong.extend(
        f"{_without_password(url)} is no URL of SQLite (sqlite:///FILE) or PostgreSQL "
        "(postgresql+psycopg://USER@HOST/DATABASE)"
        for url in (settings.store_url, settings.queue_url)
        if not url.startswith(("sqlite:///", "postgresql+psycopg://"))
    )
    if wrong:
        raise ConfigError("; ".join(wrong))
