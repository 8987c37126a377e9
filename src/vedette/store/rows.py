"""Between records and rows: a column is named as the field it holds."""

from typing import Any, TypeVar

import sqlalchemy as sa

from vedette.core import InvalidInput, NotFound, Record, TenantId

__all__ = ["columns_of", "read", "tenant_of", "values_of"]

R = TypeVar("R", bound=Record)


def columns_of(table: sa.Table, record: type[Record]) -> list[sa.Column[Any]]:
    """The columns that make up the record."""
    return [table.c[name] for name in record.__struct_fields__]


def read(record: type[R], row: sa.Row[Any]) -> R:
    """The record in a row that has its columns (and perhaps more)."""
    mapping = row._mapping
    return record(**{name: mapping[name] for name in record.__struct_fields__})


def values_of(record: Record, **more: Any) -> dict[str, Any]:
    """The record as values of columns."""
    return {name: getattr(record, name) for name in record.__struct_fields__} | more


def tenant_of(
    connection: sa.Connection, table: sa.Table, identifier: str, tenant: TenantId | None
) -> TenantId:
    """The tenant given, or else the one whose row has this id (for the service's own parts, which serve all tenants).

    Raises:
        NotFound: no tenant has it.
        InvalidInput: more than one has it, so the caller must say which.
    """
    if tenant is not None:
        return tenant
    found = (
        connection.execute(sa.select(table.c.tenant).where(table.c.id == identifier).limit(2))
        .scalars()
        .all()
    )
    if not found:
        raise NotFound(f"no {table.name[:-1]} {identifier}")
    if len(found) > 1:
        raise InvalidInput(f"{table.name[:-1]} {identifier} is of more than one tenant; say which")
    return TenantId(found[0])
