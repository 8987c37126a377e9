"""Looks for those who wait for verdicts, in a thread of the responder's process, so that a slow mail keeps nobody waiting."""

import threading
from typing import Final, Self

import structlog

from vedette.core import Unavailable
from vedette.respond import Witness

__all__ = ["Witnessing"]

_log = structlog.get_logger()
_LOOK_SECONDS: Final = 0.05
_FORGET_LOOKS: Final = 400


class Witnessing:
    """Use as a context manager. A failure that is not the store's ends the process (`stop`), which is then begun again."""

    def __init__(self, witness: Witness, stop: threading.Event) -> None:
        self._witness = witness
        self._stop = stop
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="witness", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._look_on()
        except Exception:
            _log.exception("witness.broken")
            self._stop.set()
            raise

    def _look_on(self) -> None:
        looks = 0
        while not self._over.is_set():
            signed = 0
            try:
                signed = self._witness.look()
                looks += 1
                if looks % _FORGET_LOOKS == 0:
                    self._witness.forget()
            except Unavailable as error:
                _log.warning("witness.unavailable", detail=error.detail)
                self._over.wait(1.0)
            if not signed:
                self._over.wait(_LOOK_SECONDS)
