"""Where a worker keeps its tables' local copies, and how long a rebalance waits for it."""

from pathlib import Path

import pytest

from streams.app import DRAIN_GRACE, DRAIN_MARGIN
from streams.kafka.faust_app import faust_app, tables_folder
from streams.settings import Settings


def settings_of(group: str, folder: Path, **changes: str) -> Settings:
    willow = {"base_url": "http://willow.example", "client_id": "a", "client_secret": "b", **changes}
    plain = {"willow": willow, "selected_sites": ["*"], "kafka": {"group_id": group}, "data_dir": str(folder)}
    return Settings.model_validate(plain)


def test_two_groups_with_one_data_dir_share_no_table(tmp_path: Path) -> None:
    """The second one took over the first one's states, and sought its own changelog at their offsets."""
    settings = [settings_of(group, tmp_path / "not" / "there") for group in ("one", "two")]
    folders = [Path(faust_app(item).conf.tabledir) for item in settings]
    assert folders[0] != folders[1]
    for folder, item in zip(folders, settings, strict=True):
        assert folder.is_relative_to(tables_folder(item))


@pytest.mark.parametrize("group", ["..", "a/../../b", "{conf}"])
def test_no_group_leads_out_of_the_data_dir(group: str, tmp_path: Path) -> None:
    assert tables_folder(settings_of(group, tmp_path)).parent == tmp_path


@pytest.mark.parametrize("timeout", ["1s", "30s", "10m"])
def test_a_rebalance_waits_for_the_longest_create_and_what_is_written_after_it(timeout: str, tmp_path: Path) -> None:
    """It is no setting of its own: none can be too short."""
    settings = settings_of("one", tmp_path, request_timeout=timeout)
    longest = settings.willow.request_timeout.total_seconds()
    assert faust_app(settings).conf.broker_rebalance_timeout >= longest + 15.0
    assert DRAIN_MARGIN + DRAIN_GRACE <= 15.0
