"""Where a worker keeps its tables' local copies."""

from pathlib import Path

import pytest

from streams.kafka.faust_app import faust_app, tables_folder
from streams.settings import Settings


def settings_of(group: str, folder: Path) -> Settings:
    willow = {"base_url": "http://willow.example", "client_id": "a", "client_secret": "b"}
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
