"""A data folder has one worker at a time; the next may have it as soon as the former ended, however it did."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from streams.data_dir import LOCK, DataDir, DataDirProblem
from streams.settings import Settings
from streams.worker import main

_HOLDS = """
import subprocess, sys, time
from pathlib import Path
from streams.data_dir import DataDir
with DataDir(Path(sys.argv[1])):
    child = subprocess.Popen(["sleep", "30"])
    print(child.pid, flush=True)
    time.sleep(30)
"""


@contextmanager
def holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the folder and has started a child."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDS, str(folder)], stdout=subprocess.PIPE, text=True, process_group=0
    )
    assert process.stdout is not None
    child = process.stdout.readline()
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        subprocess.run(["kill", child.strip()], check=False)


def test_a_second_process_is_refused_and_one_after_a_sigkill_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there yet"
    with holder(folder) as former:
        with pytest.raises(DataDirProblem, match="is used by another worker"), DataDir(folder):
            pass
        former.kill()
        former.wait()
        # Its child lives on, and must not hold the lock.
        with DataDir(folder):
            pass


def test_a_worker_whose_data_folder_is_taken_ends_before_it_reaches_for_the_broker(
    tmp_path: Path, settings_for: Callable[..., Settings]
) -> None:
    settings = settings_for(kafka={"bootstrap_servers": "127.0.0.1:1"})
    with DataDir(Path(settings.data_dir)), pytest.raises(DataDirProblem) as caught:
        main(settings)
    assert str(caught.value) == f"data_dir {tmp_path}/data is used by another worker"
    assert caught.value.remedy == (
        "Give each worker its own: WILLOW_SYNC_DATA_DIR=…, and its own web.port (0 takes any free one)."
    )


def test_a_folder_that_can_t_be_made_has_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataDirProblem, match=LOCK) as caught, DataDir(tmp_path / "file" / "data"):
        pass
    assert "data_dir" in caught.value.remedy
