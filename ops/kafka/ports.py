"""TCP ports on the loopback address."""

import random
import socket
from pathlib import Path

from ops.kafka.errors import BrokerFailed

HOST = "127.0.0.1"
_LOWEST = 15_000
_LINUX_DEFAULT = 32_768
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def is_free(port: int) -> bool:
    """Whether a server could listen on ``port`` now."""
    with socket.socket() as probe:
        # As Java's server sockets do: the closing connections of the broker before do not keep its port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def is_open(port: int) -> bool:
    """Whether a server takes connections on ``port`` now."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0


def free_port(choice: random.Random | None = None) -> int:
    """A port that nothing listens on, below the range that the kernel gives to outgoing connections.

    From that range a client that retries while the broker is down can be given the broker's own port, and
    the broker then cannot come back. Raises BrokerFailed if 200 ports are all taken."""
    choice = choice or random.Random()
    ceiling = _first_outgoing_port()
    for _ in range(200):
        port = choice.randrange(_LOWEST, ceiling)
        if is_free(port):
            return port
    raise BrokerFailed(
        f"200 ports between {_LOWEST} and {ceiling} are all taken",
        "end what occupies them, or name a free port",
    )


def _first_outgoing_port() -> int:
    try:
        lowest = int(_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return _LINUX_DEFAULT
    return lowest if lowest > _LOWEST + 1000 else _LINUX_DEFAULT
