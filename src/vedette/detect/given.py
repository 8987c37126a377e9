"""Metrics that a host always gave, and that no longer come though the agent names no reason."""

from collections.abc import Collection, Iterable, Mapping

import msgspec

from vedette.detect.short import short

__all__ = ["Given"]

_TAUGHT = 30  # looks in a row after which a metric is expected
_USUAL = 1_440  # looks without it, all in all, after which its absence is this host's way
_MOST = 128
_LONGEST = 128  # letters of a name that is followed
_TOLD = 3
_TWO_LOOKS = (".rate", "cpu.utilization")
"""They are the difference of two looks, so an agent that was started anew, or a counter that was set back, skips one."""


class Given(msgspec.Struct, array_like=True, gc=False):
    """What is known of a host's metrics.

    `steady` are the metrics that are expected, `young` in how many looks in a row others came; `missed` by name in how many
    looks a steady one did not come, and in how many of these just now.
    """

    steady: list[str] = []
    young: dict[str, int] = {}
    missed: dict[str, tuple[int, int]] = {}

    def lost(self, metrics: Mapping[str, float], voices: Collection[str]) -> list[str]:
        """Those that are missed now and matter: of a family that is gone as a whole, and those that an expert has a voice for.

        One of several of a family that goes is a disk that was unplugged, or an interface that has another name.
        """
        gone = [name for name in self.steady if name not in metrics]
        if not gone:
            return []
        here = {family(name) for name in metrics}
        late = [name for name in gone if not self._skips(name)]
        return [name for name in late if name in voices or family(name) not in here]

    def _skips(self, name: str) -> bool:
        return name.endswith(_TWO_LOOKS) and not self.missed.get(name, (0, 0))[1]

    def learn(self, metrics: Mapping[str, float]) -> None:
        """Takes over what came and what did not."""
        for name in list(self.missed):
            if name in metrics:
                total, _ = self.missed[name]
                self.missed[name] = total, 0
                if not total:
                    del self.missed[name]
        for name in [name for name in self.steady if name not in metrics]:
            skips = self._skips(name)
            total, run = self.missed.get(name, (0, 0))
            self.missed[name] = total + (not skips), run + 1
            if total + 1 >= _USUAL:
                self.steady.remove(name)
                del self.missed[name]
        self._grow(metrics)

    def _grow(self, metrics: Mapping[str, float]) -> None:
        new = metrics.keys() - set(self.steady)
        if not new and not self.young:
            return
        self.young = {
            name: self.young.get(name, 0) + 1
            for name in sorted(new)[: _MOST - len(self.steady)]
            if len(name) <= _LONGEST
        }
        taught = [name for name, looks in self.young.items() if looks >= _TAUGHT]
        if taught:
            self.steady = sorted([*self.steady, *taught])
            self.young = {name: n for name, n in self.young.items() if n < _TAUGHT}


def family(name: str) -> str:
    """What metrics are read together: the first two words of a name (`system.disk`)."""
    return ".".join(name.split(".", 2)[:2])


def told(names: Iterable[str]) -> str:
    """The sentence about lost metrics."""
    some = list(names)
    shown = ", ".join(short(name, 64) for name in some[:_TOLD])
    more = f" and {len(some) - _TOLD} more" if len(some) > _TOLD else ""
    return f"Metrics that always came are missing: {shown}{more}"
