"""The server's processes: api, detector, responder, and the supervisor that keeps them up."""

from vedette.app.processes.data_lock import DataLock
from vedette.app.processes.supervisor import Supervisor

__all__ = ["DataLock", "Supervisor"]
