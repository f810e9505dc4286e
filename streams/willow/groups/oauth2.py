"""``willow.oauth2``."""

from streams.willow import operations, reading
from streams.willow.groups.base import GroupOfCalls
from streams.willow.models.oauth2 import TokenAnswer


class OAuth2(GroupOfCalls):
    async def token(self) -> TokenAnswer:
        """A new token, for a program that makes calls of its own. The client's own calls need none of this: they
        fetch and renew theirs by themselves."""
        return await self._calls.caller.token(reading.whole(operations.TOKEN))
