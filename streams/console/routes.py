"""Where the console is served: ``/``, ``/orders?id=…`` and ``/status.json``."""

from collections.abc import Callable, Mapping

from aiohttp import web

from streams.console.order import OrderView
from streams.console.page import ask_page, order_page, status_page
from streams.console.snapshot import Snapshot
from streams.reading.plain import plain

#: Characters of an order's id that are asked for; Kafka's keys may be longer, work order ids are not.
MAX_ASKED = 512

#: Should an escape ever be forgotten, no script runs and nothing is loaded.
_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def routes(snapshot: Callable[[], Snapshot], order: Callable[[str], OrderView]) -> list[web.RouteDef]:
    """Both are called on the event loop and must not wait."""

    async def status(_: web.Request) -> web.Response:
        return _page(status_page(snapshot()))

    async def status_json(_: web.Request) -> web.Response:
        seen = snapshot()
        return web.json_response({**plain(seen), "lagRecords": seen.lag_records}, headers=_HEADERS)

    async def one_order(request: web.Request) -> web.Response:
        asked = request.query.get("id", "").strip()
        if problem := _problem(asked):
            return _page(ask_page(problem if "id" in request.query else None), 400 if "id" in request.query else 200)
        return _page(order_page(order(asked)))

    return [web.get("/", status), web.get("/status.json", status_json), web.get("/orders", one_order)]


def _problem(asked: str) -> str | None:
    if not asked:
        return "Give the order's id as its records have it (letters count)."
    if len(asked) > MAX_ASKED:
        return f"An id of {len(asked)} characters; at most {MAX_ASKED} are looked up. Use `willow-sync explain`."
    return None


def _page(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html", headers=_HEADERS)
