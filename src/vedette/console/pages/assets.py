"""Our own style, script and picture, under names that bear their content's hash so that they may be cached for ever."""

import hashlib
from importlib.resources import files
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from vedette.core import NotFound, Record

__all__ = ["Asset", "Assets", "asset"]

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Asset(Record, frozen=True, kw_only=True):
    """One file as it is served."""

    name: str
    body: bytes
    media_type: str
    etag: str


class Assets:
    """All files of `static/`, read once."""

    def __init__(self) -> None:
        self._hashed: dict[str, str] = {}
        self._served: dict[str, Asset] = {}
        for file in files("vedette.console").joinpath("static").iterdir():
            self._add(file.name, file.read_bytes())

    def path(self, name: str) -> str:
        """Where `name` is served: `/static/vedette.<hash>.css`."""
        return f"/static/{self._hashed[name]}"

    def find(self, hashed: str) -> Asset:
        """The file under its hashed name.

        Raises:
            NotFound: no such name.
        """
        try:
            return self._served[hashed]
        except KeyError:
            raise NotFound(f"there is no {hashed!r} here") from None

    def _add(self, name: str, body: bytes) -> None:
        digest = hashlib.sha256(body).hexdigest()[:16]
        stem, _, suffix = name.rpartition(".")
        self._hashed[name] = f"{stem}.{digest}.{suffix}"
        self._served[self._hashed[name]] = Asset(
            name=name, body=body, media_type=_TYPES[f".{suffix}"], etag=f'"{digest}"'
        )


@get("/static/{name:str}", include_in_schema=False, sync_to_thread=False)
def asset(
    request: Request[Any, Any, Any], assets: NamedDependency[Assets], name: FromPath[str]
) -> Response[bytes]:
    """Open to everybody: there is nothing secret in it."""
    found = assets.find(name)
    headers = {"cache-control": "public, max-age=31536000, immutable", "etag": found.etag}
    known = request.headers.get("if-none-match", "")
    if found.etag in (tag.strip() for tag in known.split(",")):
        return Response(b"", status_code=304, headers=headers, media_type=found.media_type)
    return Response(found.body, headers=headers, media_type=found.media_type)
