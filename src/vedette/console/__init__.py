"""The people's door: REST API and server-rendered pages over the store."""

from vedette.console.api.route import people_components
from vedette.console.credential import TOKEN_PREFIX, new_token
from vedette.console.headers import CSP, secure_headers
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
from vedette.console.routes import people_problem_handlers, people_routes
from vedette.console.settings import Console, ConsoleSettings

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
