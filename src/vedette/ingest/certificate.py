"""GET /v1/ca.pem: the certificate that agents pin by the fingerprint in their enrolment token."""

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from vedette.core import NotFound
from vedette.ingest.door import Door
from vedette.ingest.spec import problems

__all__ = ["PEM", "certificate_route"]

PEM = "application/x-pem-file"


def certificate_route(door: Door) -> HTTPRouteHandler:
    """The route that gives the CA's certificate. Public: a certificate is no secret, and trust comes from the token."""

    @get(
        "/ca.pem",
        media_type=PEM,
        summary="The local CA's certificate",
        description="Compare its fingerprint with the enrolment token's before trusting it.",
        responses=problems(404),
        security=[{}],
        tags=["machines"],
    )
    async def ca_certificate() -> Response[bytes]:
        if door.ca_pem is None:
            raise NotFound("this server's certificate is not of a local CA")
        return Response(door.ca_pem, media_type=PEM)

    return ca_certificate
