"""``willow.ticket_metadata``: the lists that tickets choose from."""

from typing import TypeVar

from streams.willow import operations
from streams.willow.groups.base import PAGE_SIZE, GroupOfCalls
from streams.willow.models.ticket_metadata import (
    Category,
    CategoryPatch,
    CategoryWrite,
    JobType,
    JobTypePatch,
    JobTypeWrite,
    Priority,
    ServiceNeeded,
    ServiceNeededPatch,
    ServiceNeededWrite,
    Status,
)
from streams.willow.operation import Operation

M = TypeVar("M", bound=JobType)


class TicketMetadata(GroupOfCalls):
    """Entries are never deleted; a patch with ``is_active=False`` retires one."""

    async def categories(self) -> list[Category]:
        return await self._all(operations.LIST_CATEGORIES)

    async def put_category(self, category: CategoryWrite) -> Category:
        return await self._calls.one(operations.PUT_CATEGORY, category)

    async def patch_category(self, category_id: str, changed: CategoryPatch) -> None:
        await self._calls.done(operations.PATCH_CATEGORY, changed, category_id=category_id)

    async def job_types(self) -> list[JobType]:
        return await self._all(operations.LIST_JOB_TYPES)

    async def put_job_type(self, job_type: JobTypeWrite) -> JobType:
        return await self._calls.one(operations.PUT_JOB_TYPE, job_type)

    async def patch_job_type(self, job_type_id: str, changed: JobTypePatch) -> None:
        await self._calls.done(operations.PATCH_JOB_TYPE, changed, job_type_id=job_type_id)

    async def services_needed(self) -> list[ServiceNeeded]:
        return await self._all(operations.LIST_SERVICES_NEEDED)

    async def put_service_needed(self, service: ServiceNeededWrite) -> ServiceNeeded:
        return await self._calls.one(operations.PUT_SERVICE_NEEDED, service)

    async def patch_service_needed(self, service_needed_id: str, changed: ServiceNeededPatch) -> None:
        await self._calls.done(operations.PATCH_SERVICE_NEEDED, changed, service_needed_id=service_needed_id)

    async def statuses(self) -> list[Status]:
        return await self._calls.one(operations.LIST_STATUSES)

    async def priorities(self) -> list[Priority]:
        return await self._calls.one(operations.LIST_PRIORITIES)

    async def _all(self, operation: Operation[M]) -> list[M]:
        return [entry async for entry in self._calls.pages(operation, _id, (), (), PAGE_SIZE)]


def _id(entry: JobType) -> str:
    return entry.id
