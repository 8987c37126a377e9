"""Labelled series of metrics, read from a folder of `.npz` files."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.core import InvalidInput
from vedette.learn import Blame

__all__ = ["Series", "read_series", "same_layout"]

Floats = NDArray[Any]
Flags = NDArray[np.bool_]


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """`train` float64 [T, D] (normal, or taken for it), `test` float64 [N, D], `label` bool [N].

    `blamed` names the metrics to blame for events of `test`, where the folder says so; a row may lack values (NaN).
    """

    name: str
    train: Floats
    test: Floats
    label: Flags
    blamed: tuple[Blame, ...] = ()

    @property
    def size(self) -> int:
        """How many metrics it has."""
        return int(self.test.shape[1])


def read_series(folder: Path) -> list[Series]:
    """Every `.npz` of the folder, by name, with `interpretation/<stem>.txt` where there is one.

    Raises:
        InvalidInput: there is none, or one is not what it should be; names the file and what is wrong.
    """
    paths = sorted(folder.glob("*.npz"))
    if not paths:
        raise InvalidInput(f"{folder} has no .npz file; each should hold train, test and label")
    return [_read(path) for path in paths]


def same_layout(series: Sequence[Series]) -> list[list[Series]]:
    """Series with equally many metrics together, in order, so that they can be looked at in one go."""
    groups: dict[int, list[Series]] = {}
    for one in series:
        groups.setdefault(one.size, []).append(one)
    return list(groups.values())


def _read(path: Path) -> Series:
    try:
        with np.load(path, allow_pickle=False) as held:
            train, test, label = (np.asarray(held[key]) for key in ("train", "test", "label"))
            train, test = train.astype(np.float64), test.astype(np.float64)
    except KeyError as error:
        raise InvalidInput(
            f"{path} is no recording of metrics: it should hold train, test and label ({error.args[0]})"
        ) from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InvalidInput(f"{path} can't be read: {error}") from error
    _check(path, train, test, label)
    blamed = _blamed(path.parent / "interpretation" / f"{path.stem}.txt", test.shape)
    return Series(
        name=path.stem, train=train, test=test, label=label.reshape(-1) != 0, blamed=blamed
    )


def _check(path: Path, train: Floats, test: Floats, label: Floats) -> None:
    if test.ndim != 2 or not test.size:
        raise InvalidInput(f"{path}: test has shape {test.shape}, not (rows, metrics)")
    if train.ndim != 2 or train.shape[1] != test.shape[1]:
        raise InvalidInput(
            f"{path}: train has shape {train.shape}, which does not go with test's {test.shape}"
        )
    if label.size != len(test) or label.ndim > 2:
        raise InvalidInput(f"{path}: {label.size} labels for {len(test)} rows of test")
    if not np.isin(label, (0, 1)).all():
        raise InvalidInput(f"{path}: label has other values than 0 and 1")


def _blamed(path: Path, shape: tuple[int, ...]) -> tuple[Blame, ...]:
    if not path.is_file():
        return ()
    lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
    return tuple(_blame(path, line, shape) for line in lines if line)


def _blame(path: Path, line: str, shape: tuple[int, ...]) -> Blame:
    """`first-end:metric,metric`: rows from 0, without the end; metrics from 1. So the publishers' labels have it."""
    rows, size = shape
    try:
        span, _, metrics = line.partition(":")
        first, end = (int(part) for part in span.split("-"))
        places = tuple(sorted({int(metric) - 1 for metric in metrics.split(",")}))
    except ValueError as error:
        raise InvalidInput(f"{path}: {line!r} is not start-end:metric,metric") from error
    if not 0 <= first < rows or not all(0 <= place < size for place in places):
        raise InvalidInput(f"{path}: {line!r} lies outside of {rows} rows and {size} metrics")
    return Blame(first=first, last=min(max(end - 1, first), rows - 1), metrics=places)
