"""What the people's door is given: the store, the clock, and how it should behave."""

from dataclasses import dataclass, field

from vedette.console.ports import DeadLetters, EnrolmentIssuer, Models, OnCalls, Policies
from vedette.core import Clock, Record
from vedette.store import Store

__all__ = ["Console", "ConsoleSettings"]


class ConsoleSettings(Record, frozen=True, kw_only=True):
    """How the console behaves; all have safe defaults. Durations are in seconds.

    `hsts_seconds` 0 sends no HSTS. `refresh_seconds` is how often an open page looks for news. `signin_attempts`
    failed sign-ins are allowed to one client address within `signin_window_seconds`.
    """

    version: str = ""
    cookie_name: str = "__Host-vedette"
    session_seconds: float = 12 * 3600.0
    refresh_seconds: float = 5.0
    hsts_seconds: int = 31_536_000
    signin_attempts: int = 10
    signin_window_seconds: float = 300.0


@dataclass(frozen=True, kw_only=True)
class Console:
    """Everything the routes need, handed over by the app."""

    store: Store
    clock: Clock
    policies: Policies
    oncall: OnCalls
    models: Models
    enrolments: EnrolmentIssuer
    letters: DeadLetters
    settings: ConsoleSettings = field(default_factory=ConsoleSettings)
