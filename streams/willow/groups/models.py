"""``willow.models``: the kinds of twins."""

from streams.willow import operations
from streams.willow.groups.base import GroupOfCalls
from streams.willow.models.ontology import ModelsQuery, TwinModel


class Models(GroupOfCalls):
    async def all(self, root_model: str | None = None, *, include_definitions: bool = False) -> list[TwinModel]:
        """List models; with ``root_model`` only that one and what it depends on. Definitions are long: a
        portfolio's models with them are some megabytes."""
        given: dict[str, str | bool] = {}
        if root_model is not None:
            given["root_model"] = root_model
        if include_definitions:
            given["include_model_definitions"] = True
        return await self._calls.one(operations.LIST_MODELS, query=ModelsQuery.model_validate(given))

    async def get(self, model_id: str) -> TwinModel:
        return await self._calls.one(operations.GET_MODEL, id=model_id)
