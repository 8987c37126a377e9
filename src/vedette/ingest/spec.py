"""What the OpenAPI document says of machine routes beyond what their signatures show."""

from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import (
    Components,
    OpenAPIMediaType,
    Operation,
    RequestBody,
    Schema,
    SecurityScheme,
)

from vedette.ingest.problem import PROBLEM_JSON, ProblemDetails

__all__ = ["SIGNED", "described", "machine_components", "problems"]

_SCHEME: Final = "machineSignature"
SIGNED: Final[list[dict[str, list[str]]]] = [{_SCHEME: []}]
_MEANING: Final = {
    400: "The request can't be used as it is; sending it again won't help.",
    401: "The signature is missing, does not hold, is stale or was used; `server_time` is the server's Unix time.",
    403: "Known, but not allowed.",
    404: "No such thing.",
    409: "It contradicts what the server has.",
    413: "Over a bound of size.",
    429: "Over a rate, a quota or out of turn; Retry-After says when to come again.",
    503: "Can't be served now and nothing was kept; Retry-After says when to come again.",
}


def machine_components() -> Components:
    """The security scheme that machine routes name, for the application's OpenAPI settings."""
    return Components(
        security_schemes={
            _SCHEME: SecurityScheme(
                type="http",
                scheme="Signature",
                description=(
                    "HTTP Message Signature (RFC 9421), label `vedette`, Ed25519, over @method, @path, @query and "
                    "Content-Digest (RFC 9530), with created, nonce, keyid and alg."
                ),
            )
        }
    )


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """Documents these refusals, each as application/problem+json."""
    return {
        status: ResponseSpec(
            data_container=ProblemDetails,
            description=_MEANING[status],
            media_type=PROBLEM_JSON,
            generate_examples=False,
        )
        for status in statuses
    }


def described(media_type: str, body: Any, description: str) -> type[Operation]:
    """An operation whose raw handler takes a body of this media type: a record's class, or None for bytes."""
    schema = (
        Schema(content_media_type=media_type) if body is None else cast("Schema", _inlined(body))
    )
    request_body = RequestBody(
        content={media_type: OpenAPIMediaType(schema=schema)},
        description=description,
        required=True,
    )

    @dataclass
    class Described(Operation):
        """With the body that the handler reads by itself."""

        def __post_init__(self) -> None:
            self.request_body = request_body

    return Described


def _inlined(record: Any) -> dict[str, Any]:
    (schema,), parts = msgspec.json.schema_components([record], ref_template="{name}")

    def resolve(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                return resolve(parts[value["$ref"]])
            return {key: resolve(item) for key, item in value.items()}
        return [resolve(item) for item in value] if isinstance(value, list) else value

    return cast("dict[str, Any]", resolve(schema))
