"""Whether the server is reached by the very door that the agent uses: same server, authority, key and proxy."""

import queue
import threading
from collections.abc import Callable

from vedette.agent.actions.scene import Check
from vedette.agent.door import Door
from vedette.core import VedetteError

__all__ = ["REACH_SECONDS", "SelfTest"]

REACH_SECONDS = 10.0
# Name resolution is bounded by nobody but the host's resolver; what hangs in it is left in its thread (decision 9).
_LONGEST = 15.0
_NAME = "server_reached"


class SelfTest:
    """`door` makes a door without connections, for one use."""

    def __init__(self, door: Callable[[], Door]) -> None:
        self._door = door

    def reach(self) -> Check:
        """One signed request over a fresh connection, which changes nothing. Any answer will do: TLS says whose it is."""
        found: queue.SimpleQueue[Check] = queue.SimpleQueue()
        threading.Thread(target=lambda: found.put(self._ask()), name="reach", daemon=True).start()
        try:
            return found.get(timeout=_LONGEST)
        except queue.Empty:
            return Check(name=_NAME, ok=False, detail=f"no answer within {_LONGEST:g} seconds")

    def _ask(self) -> Check:
        try:
            door = self._door()
            try:
                answer = door.request("GET", "/v1/commands", query="wait=0")
            finally:
                door.close()
        except VedetteError as error:
            return Check(name=_NAME, ok=False, detail=error.detail)
        return Check(
            name=_NAME, ok=True, detail=f"it answered {answer.status} over a fresh connection"
        )
