"""Who this agent is: what enrolment gave it, kept in files that only their owner can read."""

from datetime import datetime
from pathlib import Path

import msgspec

from vedette.core import ConfigError, HostId, Record, TenantId
from vedette.seal import IngestPublicKey, SigningKey, VerifyKey, read_private, write_file

__all__ = ["Enrolment"]

_FILE = "enrolment.json"
_KEY = "host.key"
_CA = "ca.pem"


class Enrolment(Record, frozen=True, kw_only=True):
    """`server` is an https URL; `ingest_key` and `command_key` are in their text forms; `interval` in seconds."""

    host: HostId
    tenant: TenantId
    server: str
    ingest_key: str
    command_key: str
    interval: float
    enrolled_at: datetime

    def save(self, state: Path, key: SigningKey, ca_pem: bytes) -> None:
        """Writes all of it. The file that says "enrolled" comes last, so that there is no half enrolment."""
        key.save(state / _KEY)
        write_file(state / _CA, ca_pem)
        write_file(state / _FILE, msgspec.json.encode(self))

    @classmethod
    def load(cls, state: Path) -> "Enrolment":
        """Reads it back.

        Raises:
            ConfigError: not enrolled, or the files are damaged or open to others; says what to do.
        """
        if not cls.exists(state):
            raise ConfigError(
                f"this host is not enrolled ({state / _FILE} is missing); run: vedette agent enroll TOKEN"
            )
        try:
            return msgspec.json.decode(read_private(state / _FILE), type=cls)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"{state / _FILE} is damaged ({error}); enroll again with a new token"
            ) from error

    @staticmethod
    def exists(state: Path) -> bool:
        """Whether there is an enrolment."""
        return (state / _FILE).is_file()

    @staticmethod
    def ca_path(state: Path) -> Path:
        """The only certificate authority that the agent trusts."""
        return state / _CA

    @staticmethod
    def signing_key(state: Path) -> SigningKey:
        """The host's own key. Raises ConfigError."""
        return SigningKey.load(state / _KEY)

    @property
    def sealing_key(self) -> IngestPublicKey:
        """What snapshots are sealed to."""
        return IngestPublicKey.from_text(self.ingest_key)

    @property
    def commanding_key(self) -> VerifyKey:
        """Whose commands are obeyed."""
        return VerifyKey.from_text(self.command_key)
