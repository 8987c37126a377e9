"""The agent's settings: one TOML file, and VEDETTE_AGENT_* in the environment over it."""

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from vedette.agent.actions import ACTIONS
from vedette.agent.collect.collector import Limits
from vedette.agent.evidence.settings import EvidenceSettings
from vedette.agent.own_policy import OwnPolicy
from vedette.agent.permission import Permission, read_untouchables
from vedette.core import ConfigError, Record

__all__ = ["AgentSettings"]

_PREFIX = "VEDETTE_AGENT_"
_DEFAULT_FILE = Path("/etc/vedette/agent.toml")
_MIB = 1024 * 1024

Seconds = Annotated[float, Meta(ge=0.1, le=86_400)]
# As the contract has them (core.HostDescription): a host that says more is refused by its server, each time.
_MOST_LABELS, _LABEL_LENGTH = 64, 256
Count = Annotated[int, Meta(ge=1, le=1_000_000)]


class AgentSettings(Record, frozen=True, kw_only=True):
    """`interval` in seconds; the server's when not set. `labels` are the host's (`role` names its cohort).

    The spool holds at most `spool_bytes` and `spool_count` snapshots; then the oldest go. `root` is where the watched
    host's files are (an agent in a container sees them under a mount). `command_wait` is the long poll, in seconds.
    What `actions`, `max_lease`, `actions_per_hour` and `never_touch` say holds whatever the server tells.
    """

    state_dir: Annotated[
        str, Meta(description="The agent's folder: identity, journal, spool; also `--state-dir`")
    ] = "/var/lib/vedette-agent"
    interval: Annotated[
        Seconds | None, Meta(description="Seconds between looks; none: as the server says")
    ] = None
    labels: Annotated[
        dict[str, str], Meta(description="The host's labels; `role` names its cohort")
    ] = {}
    root: Annotated[
        str, Meta(description="Where the watched host's files are; for an agent in a container")
    ] = "/"
    proxy: Annotated[
        str | None,
        Meta(description="URL of an HTTP proxy (CONNECT), with name and password if it wants them"),
    ] = None
    spool_bytes: Annotated[
        int, Meta(ge=_MIB, description="Most bytes of waiting snapshots; then the oldest go")
    ] = 256 * _MIB
    spool_count: Annotated[
        Count, Meta(description="Most waiting snapshots; then the oldest go")
    ] = 20_000
    full_every: Annotated[
        Count,
        Meta(description="Looks after which an unchanged table goes in full again; 1: always"),
    ] = 60
    open_sockets: Annotated[
        int, Meta(ge=0, le=20_000, description="Most rows of `process_open_sockets`")
    ] = 2_000
    cmdline_bytes: Annotated[
        int, Meta(ge=64, le=65_536, description="Most bytes of a command line")
    ] = 4_096
    suid_fast_entries: Annotated[
        Count, Meta(description="Files of writable places to look at each time")
    ] = 5_000
    suid_slow_entries: Annotated[
        int, Meta(ge=1, le=100_000_000, description="Files of a thorough walk, at most")
    ] = 1_000_000
    suid_slow_seconds: Annotated[
        Seconds, Meta(description="Seconds between two thorough walks")
    ] = 600.0
    cpu_percent: Annotated[
        float,
        Meta(ge=0.5, le=100, description="Most CPU time on average, in percent of one core"),
    ] = 10.0
    memory_mib: Annotated[
        int, Meta(ge=32, le=65_536, description="Most resident memory after a look, in MiB")
    ] = 256
    collect_timeout: Annotated[
        Seconds, Meta(description="Most seconds for one table or metric family")
    ] = 10.0
    request_timeout: Annotated[Seconds, Meta(description="Longest wait for the server")] = 30.0
    backoff_cap: Annotated[
        Seconds, Meta(description="Most seconds between tries, if the server asks for no more")
    ] = 300.0
    command_wait: Annotated[
        float, Meta(ge=0, le=60, description="Seconds of a long poll for commands")
    ] = 25.0
    wait_for_verdict: Annotated[
        float,
        Meta(
            ge=0,
            le=60,
            description="Seconds to wait for the verdict with each push (whole ones); 0: not at all",
        ),
    ] = 0.0
    self_quarantine: OwnPolicy = OwnPolicy()
    evidence: EvidenceSettings = EvidenceSettings()
    actions: Annotated[
        tuple[str, ...] | None,
        Meta(
            description="Kinds of actions that the host lets itself be told; none given: quarantine alone"
        ),
    ] = None
    max_lease: Annotated[
        float, Meta(ge=1, le=604_800, description="Longest lease that the host takes, in seconds")
    ] = 86_400.0
    actions_per_hour: Annotated[
        int,
        Meta(
            ge=0,
            le=1_000,
            description="Most disruptive commands an hour, and, counted apart, most collects; the rest is refused",
        ),
    ] = 10
    never_touch: Annotated[
        tuple[str, ...],
        Meta(
            max_length=64,
            description="What no action may touch: `network:10.0.0.0/24` stays reachable, `process:PATH`, `account:NAME`, `file:PATH`",
        ),
    ] = ()

    @classmethod
    def load(cls, file: Path | None, environ: Mapping[str, str]) -> "AgentSettings":
        """Reads the file (or /etc/vedette/agent.toml if it is there), then the environment.

        Labels in the environment are `role=web,env=prod`; lists have commas between their entries, and settings of a section two
        underscores after its name.

        Raises:
            ConfigError: a file that can't be read or parsed, an unknown name, a value out of its range.
        """
        values = _from_file(file)
        for name, text in environ.items():
            if name.startswith(_PREFIX):
                _place(values, name.removeprefix(_PREFIX).lower(), text)
        if isinstance(values.get("labels"), str):
            values["labels"] = _labels(values["labels"])
        for name in ("actions", "never_touch"):
            if isinstance(values.get(name), str):
                values[name] = _list(values[name])
        evidence = values.get("evidence")
        if isinstance(evidence, dict) and isinstance(evidence.get("paths"), str):
            values["evidence"] = evidence | {"paths": _list(evidence["paths"])}
        known = cls.__struct_fields__
        for name in values:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
                raise ConfigError(f"the agent has no setting {name!r}; {hint}")
        try:
            settings = msgspec.convert(values, cls, strict=False)
        except msgspec.ValidationError as error:
            raise ConfigError(f"an agent setting can't be used: {error}") from error
        settings.check()
        return settings

    def check(self) -> None:
        """What types can't say. Raises ConfigError."""
        for name in ("state_dir", "root"):
            if not Path(getattr(self, name)).is_absolute():
                raise ConfigError(f"{name} must be an absolute path, not {getattr(self, name)!r}")
        _check_labels(self.labels)
        self._check_own()
        for kind in self.actions or ():
            if kind not in ACTIONS:
                raise ConfigError(f"actions has {kind!r}; this agent can do {', '.join(ACTIONS)}")
        read_untouchables(self.never_touch)
        self.evidence.check()
        if self.proxy is not None and not _is_proxy(self.proxy):
            # It is not repeated here: it may hold a password.
            raise ConfigError(
                "proxy must be a URL such as http://proxy:3128 or http://name:password@proxy:3128, by http or https"
            )

    def _check_own(self) -> None:
        own = self.self_quarantine
        if 0 < self.wait_for_verdict < 1:
            raise ConfigError("wait_for_verdict must be 0, or 1 second or more")
        if not own.enabled:
            return
        if not self.wait_for_verdict:
            raise ConfigError(
                "self_quarantine is enabled, but the agent waits for no verdict: set wait_for_verdict, such as 5"
            )
        if objection := self.permission.forbids("quarantine", by_default=True):
            raise ConfigError(f"self_quarantine is enabled, but {objection}")
        if objection := self.permission.objects_to_lease(own.lease):
            raise ConfigError(f"self_quarantine.lease: {objection}")

    @property
    def state(self) -> Path:
        """The folder of all that the agent keeps."""
        return Path(self.state_dir)

    @property
    def permission(self) -> Permission:
        """What the host lets itself be told."""
        return Permission(
            kinds=None if self.actions is None else frozenset(self.actions),
            max_lease=self.max_lease,
            per_hour=self.actions_per_hour,
            never_touch=read_untouchables(self.never_touch),
            evidence=self.evidence,
            own=self.state_dir,
        )

    @property
    def limits(self) -> Limits:
        """What one look at the host may cost."""
        return Limits(
            open_sockets=self.open_sockets,
            cmdline_bytes=self.cmdline_bytes,
            suid_fast_entries=self.suid_fast_entries,
            suid_slow_entries=self.suid_slow_entries,
            suid_slow_seconds=self.suid_slow_seconds,
            collect_timeout=self.collect_timeout,
        )


def _place(values: dict[str, Any], name: str, text: str) -> None:
    """A setting of a section is written with two underscores after the section's name."""
    section, within, key = name.partition("__")
    if not within:
        values[name] = text
        return
    there = values.get(section)
    values[section] = {**(there if isinstance(there, dict) else {}), key: text}


def _check_labels(labels: dict[str, str]) -> None:
    if len(labels) > _MOST_LABELS:
        raise ConfigError(
            f"labels: a host may have {_MOST_LABELS}, these are {len(labels)}; leave some out"
        )
    for name, value in labels.items():
        for what, word in (("name", name), ("value", value)):
            if len(word) > _LABEL_LENGTH:
                raise ConfigError(
                    f"labels: a {what} may have {_LABEL_LENGTH} letters, that of {name[:64]!r} has {len(word)}; shorten it"
                )
            if any(
                ord(one) < 0x20 or ord(one) == 0x7F or 0xD800 <= ord(one) < 0xE000 for one in word
            ):
                raise ConfigError(
                    f"labels: the {what} of {name[:64]!r} has a control character, or is not UTF-8; take it out"
                )


def _is_proxy(text: str) -> bool:
    try:
        url = urlsplit(text)
        return url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        return False


def _from_file(file: Path | None) -> dict[str, Any]:
    path = file or _DEFAULT_FILE
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        if file is None:
            return {}
        raise ConfigError(f"{path} is not there; give the settings' file with its path") from error
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error


def _list(text: str) -> list[str]:
    return [word for part in text.split(",") if (word := part.strip())]


def _labels(text: str) -> dict[str, str]:
    labels = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, given, value = item.partition("=")
        if not given or not name.strip():
            raise ConfigError(f"a label is name=value, not {item!r}")
        labels[name.strip()] = value.strip()
    return labels
