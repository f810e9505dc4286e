"""The listening socket, which an outage closes and opens again on the same port."""

import socket

from aiohttp import web

from ops.emulator.wire import abort


class Door:
    """Open or shut. While it is shut connections are refused, and those there were have been reset."""

    def __init__(self, runner: web.ServerRunner, host: str, port: int) -> None:
        self._runner = runner
        self._host, self._port = host, port
        self._site: web.TCPSite | None = None
        self._held: list[socket.socket] = []

    async def open(self) -> int:
        """Returns the port; a second call changes nothing. Raises OSError when the address can't be had."""
        if self._site is None:
            site = web.TCPSite(self._runner, self._host, self._port)
            await site.start()
            self._site = site
            self._port = self._runner.addresses[0][1]
            self._let_go()
        return self._port

    async def shut(self) -> None:
        if self._site is None:
            return
        addresses = [address[:2] for address in self._runner.addresses]
        await self._site.stop()
        self._site = None
        for host, port in addresses:
            self._hold(host, port)
        if self._runner.server is not None:
            for connection in self._runner.server.connections:
                abort(connection.transport)

    def close(self) -> None:
        """Gives the port away. The runner closes what is open."""
        self._let_go()

    def _hold(self, host: str, port: int) -> None:
        """Bound and not listening: callers are refused, and the system gives the port to no caller as the own end
        of a connection, which would then be connected to itself."""
        held = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((host, port))
        self._held.append(held)

    def _let_go(self) -> None:
        while self._held:
            self._held.pop().close()
