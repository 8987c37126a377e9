"""What the OpenAPI document says of the whole application."""

from typing import TYPE_CHECKING

import msgspec
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

__all__ = ["Bodies", "Rows", "openapi_config"]

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


class Bodies(OpenAPISchemaPlugin):
    """A record that refuses fields it does not know, told as one that has no others; the framework leaves that out."""

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        """Whether it is one."""
        return not field_definition.is_union and (
            field_definition.is_subclass_of(msgspec.Struct)
            and field_definition.type_.__struct_config__.forbid_unknown_fields
        )

    def to_openapi_schema(
        self, field_definition: FieldDefinition, schema_creator: "SchemaCreator"
    ) -> Schema:
        """The framework's own schema of the record, closed."""
        framework = next(
            plugin
            for plugin in schema_creator.plugins
            if plugin is not self and schema_creator.plugin_supports_field(plugin, field_definition)
        )
        schema = framework.to_openapi_schema(field_definition, schema_creator)
        schema.additional_properties = False
        return schema


def openapi_config() -> OpenAPIConfig:
    """Title, version, ways to sign in, and where the document is served."""
    return OpenAPIConfig(
        title="Vedette",
        version=__version__,
        path="/openapi",
        components=[machine_components(), people_components()],
        render_plugins=[JsonRenderPlugin(path="/openapi.json")],
    )
