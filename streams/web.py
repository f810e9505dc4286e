"""The worker's own pages: ``/healthz`` (it runs), ``/readyz`` (503 and why, while it is not ready), ``/metrics``, and
the console's (``streams.console``)."""

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from aiohttp import web

from streams.settings import Web


class PortTaken(Exception):
    remedy = (
        "Choose another web.port; 0 takes any free one, null none at all. A second worker on one machine needs its own "
        "data_dir too."
    )


class Pages:
    """``async with Pages(...)`` serves them, and the routes in ``more``; ``address`` says where. Does nothing if
    ``web.port`` is null."""

    def __init__(
        self,
        settings: Web,
        *,
        ready: Callable[[], list[str]],
        metrics: Callable[[], bytes],
        more: Iterable[web.RouteDef] = (),
    ) -> None:
        self._settings, self._ready, self._metrics, self._more = settings, ready, metrics, more
        self._runner: web.AppRunner | None = None
        self.address: str | None = None

    async def __aenter__(self) -> Self:
        if self._settings.port is None:
            return self
        app = web.Application()
        app.add_routes(
            [
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._scrape),
                *self._more,
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._settings.host, self._settings.port)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise PortTaken(f"web.host:port {self._settings.host}:{self._settings.port}: {error.strerror}") from error
        host, port = self._runner.addresses[0][:2]
        self.address = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _readyz(self, _: web.Request) -> web.Response:
        missing = self._ready()
        return web.json_response({"ready": not missing, "missing": missing}, status=503 if missing else 200)

    async def _scrape(self, _: web.Request) -> web.Response:
        return web.Response(body=self._metrics(), content_type="text/plain", charset="utf-8")
