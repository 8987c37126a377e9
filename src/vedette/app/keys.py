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

    def lost(self) -> list[Path]:
        """What is not there and can't be made again: private keys, and the authority's certificate."""
        kept = (self.opening_ring, self.command_key, self.tls / "ca.pem")
        return [path for path in kept if not path.exists()]

    def halves(self) -> list[Path]:
        """Public halves that are there without their private ones."""
        pairs = (
            (self.opening_ring, self.ingest_public),
            (self.command_key, self.command_public),
        )
        return [public for private, public in pairs if public.exists() and not private.exists()]

    def make_missing(self) -> None:
        """Makes what is not there yet; never replaces a private key.

        Raises:
            ConfigError: a key is damaged.
        """
        self.opening_ring.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
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


def _write_public(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="ascii").strip() != text:
        write_file(path, text.encode() + b"\n", mode=0o644)
