"""One broker per data folder."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ops.kafka.errors import BrokerFailed


@contextmanager
def folder_lock(folder: Path) -> Iterator[IO[bytes]]:
    """Holds the folder's lock; a child that inherits the file (``pass_fds``) keeps it until the child ends.

    Kafka's own lock comes too late: by then a second broker has been at the first one's metadata log, and the
    first can no longer stop. Raises BrokerFailed if the lock is held, OSError if it cannot be written."""
    with (folder / "lock").open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BrokerFailed(
                f"another broker uses the data folder {folder}",
                f"stop it (`fuser {folder / 'lock'}` names it), or name another folder",
            ) from error
        yield file
