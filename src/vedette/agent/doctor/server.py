"""What the server says to a signed request: whether it knows this host, and what time it has."""

from email.utils import parsedate_to_datetime

import httpx

from vedette.agent.doctor.finding import Finding, fine, problem, unknown, warning
from vedette.agent.doctor.patient import Patient
from vedette.agent.door import Answer, Door, PassingOffset, Unreachable, pinned
from vedette.agent.enrolment import Enrolment
from vedette.agent.route import Route
from vedette.core import ConfigError, Record

__all__ = ["Exchange", "ask", "check_clock", "check_request"]

_ROUNDING = 2.0
_FRESH = 300.0
_DAY = 86_400.0
_CLOCK = "set the clock, and keep it by chrony or systemd-timesyncd (timedatectl)"


class Exchange(Record, frozen=True, kw_only=True):
    """One request and what came of it. `offset` is the server's lead over this clock in seconds, None if it was not told."""

    answer: Answer | None = None
    error: str = ""
    offset: float | None = None


def ask(patient: Patient) -> Exchange:
    """Asks for commands without waiting for any: that changes nothing, as they are given again until they are answered."""
    assert patient.enrolment is not None
    try:
        route = Route(
            patient.enrolment.server,
            context=pinned(Enrolment.ca_path(patient.state).read_text("ascii")),
            timeout=patient.timeout,
            proxy=patient.settings.proxy,
        )
        key = Enrolment.signing_key(patient.state)
    except (OSError, UnicodeDecodeError, ConfigError) as error:
        return Exchange(error=str(error))
    kept = PassingOffset()
    door = Door(route, key=key, clock=patient.clock, journal=kept)
    try:
        answer = door.request("GET", "/v1/commands", query="wait=0")
    except Unreachable as error:
        return Exchange(error=error.detail)
    finally:
        door.close()
    return Exchange(answer=answer, offset=kept.offset or _lead(patient, answer))


def check_request(exchange: Exchange) -> Finding:
    """The server takes what this host signs."""
    answer = exchange.answer
    if answer is None:
        return problem(f"no signed request got through: {exchange.error}", "see the steps above")
    if answer.status == httpx.codes.OK:
        return fine("the server takes what this host signs")
    said = f"the server says: {answer.problem()}"
    advice = {
        "revoked-host": "the host was revoked on purpose; if it is to come back, vedette agent enroll --again TOKEN",
        "unknown-signer": "the server does not know this host's key: vedette agent enroll --again TOKEN",
        "stale-signature": _CLOCK,
    }.get(answer.kind)
    if advice:
        return problem(said, advice)
    if answer.status == httpx.codes.TOO_MANY_REQUESTS:
        return warning(
            said, "run it again in a minute; if it lasts, is this identity used on two machines?"
        )
    if answer.status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return problem(
            said, "look at the server's log and its /health/ready; snapshots wait in the spool"
        )
    return problem(said, "compare the versions of agent and server, and what stands between them")


def check_clock(exchange: Exchange) -> Finding:
    """This host's clock and the server's agree."""
    if exchange.offset is None:
        return unknown("the server did not tell its time", "see the steps above")
    lead = exchange.offset
    if abs(lead) <= _ROUNDING:
        return fine("it agrees with the server's")
    text = f"it is {abs(lead):.0f} s {'behind' if lead > 0 else 'ahead of'} the server's"
    if abs(lead) <= _FRESH:
        return warning(text, _CLOCK)
    if lead < -_DAY:
        return problem(
            f"{text}; the server refuses snapshots of a time more than a day ahead", _CLOCK
        )
    return warning(f"{text}; requests are corrected, taken_at is not", _CLOCK)


def _lead(patient: Patient, answer: Answer) -> float | None:
    if answer.date is None:
        return None
    try:
        theirs = parsedate_to_datetime(answer.date).timestamp()
    except (TypeError, ValueError):
        return None
    lead = theirs - patient.clock.now().timestamp()
    return 0.0 if abs(lead) <= _ROUNDING else lead
