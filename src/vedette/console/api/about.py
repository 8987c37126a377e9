"""/v1/me and /v1/models: who you are, which models decide."""

from litestar.di import NamedDependency

from vedette.console.api.replies import Me, ModelInfos
from vedette.console.api.route import reads
from vedette.console.person import Person
from vedette.console.settings import Console

__all__ = ["get_me", "list_models"]


@reads("/me", tag="about", summary="Who the server takes you for")
def get_me(console: NamedDependency[Console], person: NamedDependency[Person]) -> Me:
    """Name, role and tenant of the token."""
    return Me(
        tenant=person.tenant,
        name=person.name,
        role=person.role,
        version=console.settings.version,
    )


@reads("/models", tag="about", summary="The models that decide and watch")
def list_models(console: NamedDependency[Console], person: NamedDependency[Person]) -> ModelInfos:
    """Champion first."""
    del person
    return ModelInfos(items=tuple(console.models.all()))
