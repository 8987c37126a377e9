"""The people's door: REST API and server-rendered pages over the store.

What makes routes is loaded when it is first asked for: only the process that serves them needs Litestar, which is slow
to start. The others take records and protocols.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from vedette.console.credential import TOKEN_PREFIX, new_token
from vedette.console.ports import (
    DeadLetter,
    DeadLetters,
    Draft,
    EnrolmentIssuer,
    IssuedEnrolment,
    LetterChoice,
    ModelInfo,
    Models,
    OnCalls,
    OnCallText,
    Policies,
    PolicyText,
)
from vedette.console.settings import Console, ConsoleSettings

if TYPE_CHECKING:
    from vedette.console.api.route import people_components
    from vedette.console.headers import CSP, secure_headers
    from vedette.console.routes import people_problem_handlers, people_routes
else:
    _SERVED = {
        "CSP": "headers",
        "people_components": "api.route",
        "people_problem_handlers": "routes",
        "people_routes": "routes",
        "secure_headers": "headers",
    }

    def __getattr__(name: str) -> object:
        if name not in _SERVED:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_SERVED[name]}"), name)


__all__ = [
    "CSP",
    "TOKEN_PREFIX",
    "Console",
    "ConsoleSettings",
    "DeadLetter",
    "DeadLetters",
    "Draft",
    "EnrolmentIssuer",
    "IssuedEnrolment",
    "LetterChoice",
    "ModelInfo",
    "Models",
    "OnCallText",
    "OnCalls",
    "Policies",
    "PolicyText",
    "new_token",
    "people_components",
    "people_problem_handlers",
    "people_routes",
    "secure_headers",
]
