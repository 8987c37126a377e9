"""What a gatherer collected, read as anybody would."""

import io
import json
import tarfile
from typing import Any

import zstandard

from vedette.agent.collect.source import Source
from vedette.agent.evidence.archive import Packed
from vedette.agent.evidence.gatherer import Gatherer
from vedette.agent.evidence.request import asked
from vedette.agent.permission import Permission
from vedette.core import ManualClock, Row, digest

__all__ = ["Hurried", "Made", "Opened", "gathered"]


class Made:
    """Tables as a test has them."""

    names = frozenset({"processes", "users"})

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {"users": [{"username": f"u{n}"} for n in range(50)]}

    def only(self, names: frozenset[str]) -> tuple[dict[str, list[Row]], dict[str, str]]:
        found = {name: rows for name, rows in self.rows.items() if name in names}
        return found, dict.fromkeys(names - found.keys(), "hidden")


class Hurried(ManualClock):
    """A second passes with each look at the clock."""

    def monotonic(self) -> float:
        self.advance(1)
        return super().monotonic()


class Opened:
    """An archive, read as anybody would."""

    def __init__(self, packed: Packed) -> None:
        raw = zstandard.ZstdDecompressor().decompressobj().decompress(packed.content)
        with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
            self.names = tar.getnames()
            self.members = {
                one.name: found.read()
                for one in tar.getmembers()
                if (found := tar.extractfile(one)) is not None
            }
        self.manifest = json.loads(self.members["manifest.json"])
        assert self.names[0] == "manifest.json"
        assert self.names[1:] == [one["path"] for one in self.manifest["entries"]]
        for one in self.manifest["entries"]:
            data = self.members[one["path"]]
            assert (len(data), digest(data)) == (one["size"], f"sha256:{one['sha256']}")

    @property
    def omitted(self) -> dict[str, str]:
        return {one["what"]: one["why"] for one in self.manifest["omitted"]}

    def entry(self, path: str) -> dict[str, Any]:
        (found,) = [one for one in self.manifest["entries"] if one["path"] == path]
        return dict(found)


def gathered(
    source: Source,
    permission: Permission | None = None,
    clock: ManualClock | None = None,
    **wanted: Any,
) -> Opened:
    made = Gatherer(source, permission or Permission(), clock or ManualClock(), Made())
    return Opened(made.gather(asked(wanted), {"host": "h-1"}))
