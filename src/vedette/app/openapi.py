"""What the OpenAPI document says of the whole application."""

from typing import TYPE_CHECKING

from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import OpenAPIType, Schema
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition

from vedette import __version__
from vedette.console import people_components
from vedette.core import Row
from vedette.ingest import machine_components

if TYPE_CHECKING:
    from litestar._openapi.schema_generation import SchemaCreator

__all__ = ["Rows", "openapi_config"]

_CELL = (OpenAPIType.STRING, OpenAPIType.NUMBER, OpenAPIType.BOOLEAN, OpenAPIType.NULL)


class Rows(OpenAPISchemaPlugin):
    """A table's row, told as JSON knows it.

    Without it the document would say `oneOf` with integer and number, which no integer fits: it is both.
    """

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        """Whether it is a row."""
        return bool(field_definition.annotation == Row)

    def to_openapi_schema(
        self, field_definition: FieldDefinition, schema_creator: "SchemaCreator"
    ) -> Schema:
        """An object of cells."""
        del field_definition, schema_creator
        return Schema(type=OpenAPIType.OBJECT, additional_properties=Schema(type=list(_CELL)))


def openapi_config() -> OpenAPIConfig:
    """Title, version, ways to sign in, and where the document is served."""
    return OpenAPIConfig(
        title="Vedette",
        version=__version__,
        path="/openapi",
        components=[machine_components(), people_components()],
        render_plugins=[JsonRenderPlugin(path="/openapi.json")],
    )
