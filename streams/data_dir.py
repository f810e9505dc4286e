"""One worker per data folder."""

import fcntl
from pathlib import Path
from types import TracebackType
from typing import Self

LOCK = "worker.lock"


class DataDirProblem(Exception):
    """The data folder can't be this worker's; ``remedy`` says what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class DataDir:
    """``with DataDir(folder):`` it is this process's, until the end of the block or of the process.

    RocksDB's own lock comes too late: by then the second worker is a member of the group and was given partitions.
    Raises DataDirProblem."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # Not inherited by a program that we start (PEP 446): it would hold the lock after our death.
            self._file = (self._folder / LOCK).open("ab")
        except OSError as error:
            raise self._unusable(error) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise DataDirProblem(
                f"data_dir {self._folder} is used by another worker",
                "Give each worker its own: WILLOW_SYNC_DATA_DIR=…, and its own web.port (0 takes any free one).",
            ) from None
        except OSError as error:
            self._file.close()
            raise self._unusable(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The file stays: who deletes it lets two workers lock two files of one name.
        self._file.close()

    def _unusable(self, error: OSError) -> DataDirProblem:
        return DataDirProblem(
            f"data_dir {self._folder}: its {LOCK} can't be had: {error.strerror}",
            "Name a folder on a local disk that can be written to: data_dir.",
        )
