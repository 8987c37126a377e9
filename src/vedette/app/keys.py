"""Where each key lives, and which process may read it.

| file | read by |
|---|---|
| `keys/opening.ring` | detector |
| `keys/command.key` | responder |
| `keys/ingest.pub`, `keys/command.pub` | api |
| `tls/server.key` | api |
| `tls/ca.key` | the preparing process |
"""

from pathlib import Path

from vedette.app.settings import Settings
from vedette.core import ConfigError
from vedette.seal import IngestPublicKey, KeyRing, SigningKey, VerifyKey, write_file

__all__ = ["KeyFiles"]


class KeyFiles:
    """The key files below one data folder."""

    def __init__(self, settings: Settings) -> None:
        folder = settings.data / "keys"
        self.opening_ring = folder / "opening.ring"
        self.ingest_public = folder / "ingest.pub"
        self.command_key = folder / "command.key"
        self.command_public = folder / "command.pub"
        self.tls = settings.data / "tls"

    def make_missing(self) -> None:
        """Makes what is not there yet; never replaces a key.

        Raises:
            ConfigError: a public half is there without its private one: restore it from a backup.
        """
        self.opening_ring.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._refuse_half(self.opening_ring, self.ingest_public)
        self._refuse_half(self.command_key, self.command_public)
        if not self.opening_ring.exists():
            KeyRing.generate().save(self.opening_ring)
        if not self.command_key.exists():
            SigningKey.generate().save(self.command_key)
        ring, command = KeyRing.load(self.opening_ring), SigningKey.load(self.command_key)
        older = sorted(ring.kids - {ring.current.kid})
        texts = [ring.get(kid).public.to_text() for kid in (ring.current.kid, *older)]
        _write_public(self.ingest_public, "\n".join(texts))
        _write_public(self.command_public, command.public.to_text())

    def ingest_key(self) -> IngestPublicKey:
        """What agents seal to: the first that the file names."""
        return self._ingest_keys()[0]

    def openable_kids(self) -> frozenset[str]:
        """The ids of all keys that the detector can open."""
        return frozenset(key.kid for key in self._ingest_keys())

    def command_verify_key(self) -> VerifyKey:
        """What agents check commands with."""
        return VerifyKey.from_text(self.command_public.read_text(encoding="ascii").strip())

    def _ingest_keys(self) -> list[IngestPublicKey]:
        lines = self.ingest_public.read_text(encoding="ascii").split()
        return [IngestPublicKey.from_text(line) for line in lines]

    @staticmethod
    def _refuse_half(private: Path, public: Path) -> None:
        if public.exists() and not private.exists():
            raise ConfigError(
                f"{private} is missing though {public} is there: restore it from a backup, or move "
                f"{public} away and enrol every host anew"
            )


def _write_public(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="ascii").strip() != text:
        write_file(path, text.encode() + b"\n", mode=0o644)
