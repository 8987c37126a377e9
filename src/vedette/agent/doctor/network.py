"""The way to the server, step by step: proxy, name, connection, TLS."""

import ipaddress
import os
import socket
import ssl
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509

from vedette.agent.doctor.finding import Finding, fine, problem, warning
from vedette.agent.doctor.patient import Address, Patient
from vedette.agent.door import pinned
from vedette.agent.enrolment import Enrolment
from vedette.agent.route import place
from vedette.core import ConfigError

__all__ = ["check_connection", "check_name", "check_proxy", "check_tls"]

_SOON = timedelta(days=14)
# OpenSSL's verification errors: x509_vfy.h.
_EXPIRED, _NOT_YET, _OTHER_NAME, _OTHER_ADDRESS = 10, 9, 62, 64
_OUR_AUTHORITIES = "Vedette local CA"


def check_proxy(patient: Patient) -> Finding:
    """The proxy, if there is one, connects to the server; its password is not for everybody to read."""
    proxy = patient.settings.proxy
    if proxy is None:
        heard = sorted(n for n in os.environ if n.upper() in {"HTTPS_PROXY", "ALL_PROXY"})
        return fine(
            "none is set"
            + (f" ({', '.join(heard)} in the environment is not read)" if heard else "")
        )
    if "@" in proxy and _open_to_all(patient):
        return warning(
            f"everybody can read {patient.config}, which holds the password for {place(proxy)}",
            f"chmod 600 {patient.config}",
        )
    try:
        patient.connect().close()
    except OSError as error:
        if "407" in str(error):
            return problem(
                f"{place(proxy)} does not take the name and password ({error})",
                "correct them in the setting `proxy`",
            )
        return problem(
            f"{place(proxy)} does not connect to {_shown(patient.server)}: {_words(error)}",
            "allow it there, or correct the setting `proxy`",
        )
    return fine(f"{place(proxy)} connects to {_shown(patient.server)}")


def check_name(patient: Patient) -> Finding:
    """The first hop's name leads to addresses."""
    host = patient.first_hop.host
    try:
        return fine(f"{ipaddress.ip_address(host)} is an address; no name is needed")
    except ValueError:
        pass
    try:
        return fine(
            f"{host} is {', '.join(sorted({one[4][0] for one in _addresses(patient.first_hop)}))}"
        )
    except OSError as error:
        return problem(
            f"{host} can't be resolved: {_words(error)}",
            "look at /etc/resolv.conf and /etc/hosts, and whether the network is up (ip address)",
        )


def check_connection(patient: Patient) -> Finding:
    """Each address of the first hop takes a connection."""
    hop = patient.first_hop
    try:
        addresses = _addresses(hop)
    except OSError:
        return problem(f"{hop.host} has no address to connect to", "see name, above")
    good, bad = [], []
    for family, kind, protocol, _, address in addresses:
        with socket.socket(family, kind, protocol) as one:
            one.settimeout(patient.timeout / len(addresses))
            try:
                one.connect(address)
                good.append(str(address[0]))
            except OSError as error:
                bad.append(f"{address[0]} ({_words(error)})")
    if not good:
        return problem(
            f"{_shown(hop)} takes no connection: {', '.join(bad)}",
            "see that the server runs and listens there, and that no firewall is between",
        )
    if bad:
        return warning(
            f"{', '.join(good)} takes connections, but {', '.join(bad)} does not",
            "take the dead address out of DNS: each connection may lose ten seconds to it",
        )
    return fine(f"{', '.join(good)} port {hop.port} takes connections")


def check_tls(patient: Patient) -> Finding:
    """The server's certificate is of the pinned authority, for its name, and valid."""
    try:
        context = pinned(Enrolment.ca_path(patient.state).read_text("ascii"))
    except (OSError, UnicodeDecodeError, ConfigError):
        return problem(
            "without the pinned authority no server can be verified", "see authority, above"
        )
    try:
        raw = patient.connect()
    except OSError as error:
        return problem(
            f"there is no connection to verify: {_words(error)}", "see connection, above"
        )
    try:
        with context.wrap_socket(raw, server_hostname=patient.server.host) as secure:
            ends = datetime.fromtimestamp(
                ssl.cert_time_to_seconds(str((secure.getpeercert() or {})["notAfter"])), UTC
            )
            version = secure.version()
    except ssl.SSLCertVerificationError as error:
        return _distrusted(patient, error)
    except (ssl.SSLError, OSError) as error:
        return problem(
            f"what answers at {_shown(patient.server)} does not speak TLS as it should: {_words(error)}",
            "see that the address is the Vedette server's own port, and what stands between",
        )
    text = f"{version}, verified against the pinned authority, valid until {ends:%Y-%m-%d}"
    if ends - patient.clock.now() < _SOON:
        return warning(
            f"the server's certificate expires soon: {text}",
            "restart the server: it renews its own",
        )
    return fine(text)


def _distrusted(patient: Patient, error: ssl.SSLCertVerificationError) -> Finding:
    """Why the certificate is not trusted, from OpenSSL's reason and from the certificate itself."""
    host = patient.server.host
    if error.verify_code == _EXPIRED:
        return problem(
            "the server's certificate has expired by this host's clock",
            "restart the server (it renews its own), and see clock, below",
        )
    if error.verify_code == _NOT_YET:
        return problem(
            "the server's certificate is not valid yet by this host's clock",
            "set this host's clock",
        )
    if error.verify_code in {_OTHER_NAME, _OTHER_ADDRESS}:
        return problem(
            f"the server's certificate is not for {host}: {error.verify_message}",
            f"add {host} to server.names in the server's settings and restart it",
        )
    issuer = _issuer(patient)
    if issuer == _OUR_AUTHORITIES:
        return problem(
            "the server has another certificate authority than the one pinned at enrolment: it was set up anew, or is another server",
            "if that is meant, vedette agent enroll --again TOKEN; if not, do not go on before you know why",
        )
    return problem(
        f"the certificate was issued by {issuer!r}, not by the pinned authority: something between opens TLS, or this is another server",
        f"let {host} through without inspection; do not go on before you know who it is",
    )


def _issuer(patient: Patient) -> str:
    """Who issued the certificate that is shown. Nothing is sent over this connection: it is not trusted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with context.wrap_socket(patient.connect(), server_hostname=patient.server.host) as shown:
            der = shown.getpeercert(binary_form=True) or b""
        names = x509.load_der_x509_certificate(der).issuer
    except (OSError, ValueError):
        return "nobody that can be read"
    common = names.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(common[0].value) if common else names.rfc4514_string()


def _addresses(hop: Address) -> list[tuple[int, int, int, str, tuple[Any, ...]]]:
    found = socket.getaddrinfo(hop.host, hop.port, type=socket.SOCK_STREAM)
    return [(f, k, p, name, address) for f, k, p, name, address in found]


def _open_to_all(patient: Patient) -> bool:
    return patient.config is not None and bool(patient.config.stat().st_mode & 0o004)


def _shown(address: Address) -> str:
    return f"{address.host} port {address.port}"


def _words(error: BaseException) -> str:
    return str(getattr(error, "strerror", "") or str(error) or type(error).__name__)
