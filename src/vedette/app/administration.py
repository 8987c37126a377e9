"""What an administrator does on the server itself: the first tokens. Each leaves its line in the audit log."""

from datetime import timedelta
from pathlib import Path

from vedette.app.settings import Settings
from vedette.app.wiring import opened_store
from vedette.console import new_token
from vedette.core import Clock, ConfigError, InvalidInput, TenantId, hash_secret, new_secret
from vedette.seal import EnrolmentToken, fingerprint
from vedette.store import Role

__all__ = ["LOCAL", "Administration", "enrolment_text"]

LOCAL = "user:local-administrator"


class Administration:
    """Works on the store and certificates of these settings, whether the server runs or not."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._tenant = TenantId(settings.tenant)

    def create_token(self, name: str, role: str, lasting: timedelta) -> str:
        """The text of a new API token; only its hash is kept."""
        if role not in {known.value for known in Role}:
            raise InvalidInput(f"{role!r} is no role; known: {', '.join(Role)}")
        text = new_token()
        with opened_store(self._settings, self._clock) as store:
            store.tokens.create(
                self._tenant,
                name,
                Role(role),
                hash_secret(text),
                expires_at=self._clock.now() + lasting,
                actor=LOCAL,
            )
        return text

    def create_enrolment(self, uses: int, lasting: timedelta, labels: dict[str, str]) -> str:
        """The text of a new enrolment token: server, secret, and the fingerprint of the CA to trust."""
        secret = new_secret()
        text = enrolment_text(self._settings, secret)
        with opened_store(self._settings, self._clock) as store:
            store.enrolments.create(
                self._tenant,
                hash_secret(secret),
                expires_at=self._clock.now() + lasting,
                uses=uses,
                labels=labels,
                actor=LOCAL,
            )
        return text

    def revoke_token(self, token: str, reason: str) -> None:
        """Raises NotFound where there is no such token."""
        with opened_store(self._settings, self._clock) as store:
            store.tokens.revoke(self._tenant, token, actor=LOCAL, reason=reason)

    def revoke_enrolment(self, enrolment: str, reason: str) -> None:
        """Raises NotFound where there is no such enrolment token."""
        with opened_store(self._settings, self._clock) as store:
            store.enrolments.revoke(self._tenant, enrolment, actor=LOCAL, reason=reason)


def enrolment_text(settings: Settings, secret: str) -> str:
    """An enrolment token's text for this server."""
    return EnrolmentToken(
        tenant=TenantId(settings.tenant),
        secret=secret,
        server=settings.public_url,
        ca_fingerprint=fingerprint(_ca_pem(settings.data / "tls" / "ca.pem")),
    ).encode()


def _ca_pem(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{path} can't be read ({error.strerror}): start the server once with `vedette up`"
        ) from error
