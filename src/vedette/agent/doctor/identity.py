"""Who the agent is: its enrolment, its keys, and the one authority that it trusts."""

from datetime import timedelta

from cryptography import x509

from vedette.agent.doctor.finding import Finding, fine, problem, warning
from vedette.agent.doctor.patient import Patient
from vedette.agent.enrolment import Enrolment
from vedette.agent.spool import Spool
from vedette.agent.state import SPOOL
from vedette.core import ConfigError, InvalidInput
from vedette.seal import fingerprint, read_header

__all__ = ["check_authority", "check_enrolment", "check_keys"]

_SOON = timedelta(days=30)
_LATELY = timedelta(days=1)
_AGAIN = "enroll again with a new token: vedette agent enroll --again TOKEN"


def check_enrolment(patient: Patient) -> Finding:
    """The host is enrolled, and the enrolment can be read. Keeps it for the checks that rest on it."""
    if not Enrolment.exists(patient.state):
        return problem(
            f"this host is not enrolled: {patient.state} holds no enrolment",
            "vedette agent enroll TOKEN, with a token of `vedette enrolments create`; or name the folder by --state-dir",
        )
    try:
        patient.enrolment = Enrolment.load(patient.state)
    except ConfigError as error:
        return problem(error.detail, _AGAIN)
    one = patient.enrolment
    return fine(
        f"host {one.host} of tenant {one.tenant} at {one.server}, since {one.enrolled_at:%Y-%m-%d}"
    )


def check_keys(patient: Patient) -> Finding:
    """All three keys can be used, what waits in the spool is of this identity, and no other machine has it too."""
    assert patient.enrolment is not None
    try:
        key = Enrolment.signing_key(patient.state)
        sealing = patient.enrolment.sealing_key
        patient.enrolment.commanding_key  # noqa: B018 - it raises where it is none
    except ConfigError as error:
        # A mode that is too open is mended by what the error says.
        return problem(error.detail, "as it says; if the key is damaged or lost, " + _AGAIN)
    except InvalidInput as error:
        return problem(f"a key of the enrolment can't be used: {error.detail}", _AGAIN)
    envelope = Spool.first(patient.state / SPOOL)
    if envelope is not None:
        try:
            header = read_header(envelope)
        except InvalidInput:
            return fine(f"they can be used; the host's is {key.kid}")
        if header.host != patient.enrolment.host or header.kid != sealing.kid:
            return warning(
                f"the spool holds snapshots of host {header.host} under key {header.kid}, not of this enrolment",
                "nothing: the server refuses them and they are counted; do not copy state folders",
            )
    conflict = patient.report.last_conflict_at
    if conflict is not None and patient.clock.now() - conflict < _LATELY:
        return warning(
            f"at {conflict:%Y-%m-%d %H:%M:%S} UTC the server had a number of this agent with other content: this machine was "
            "copied, or restored from a backup",
            "a restored machine needs nothing more; if another has this identity too, on one of them: "
            "vedette agent enroll --again TOKEN",
        )
    return fine(f"they can be used; the host's is {key.kid}")


def check_authority(patient: Patient) -> Finding:
    """The pinned certificate authority is there and valid."""
    path = Enrolment.ca_path(patient.state)
    try:
        pem = path.read_bytes()
        ends = x509.load_pem_x509_certificate(pem).not_valid_after_utc
    except FileNotFoundError:
        return problem(f"{path} is missing: no server can be trusted", _AGAIN)
    except ValueError as error:
        return problem(f"{path} is no certificate: {error}", _AGAIN)
    left = ends - patient.clock.now()
    text = f"fingerprint {fingerprint(pem)[:16]}, valid until {ends:%Y-%m-%d}"
    if left <= timedelta(0):
        return problem(
            f"the pinned authority has expired: {text}", _AGAIN + "; or set this host's clock"
        )
    if left < _SOON:
        return warning(f"the pinned authority expires soon: {text}", _AGAIN)
    return fine(text)
