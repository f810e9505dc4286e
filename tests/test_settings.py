"""Settings from YAML, the environment and secret files; what is refused, and in which words."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from streams.config import docs
from streams.config.errors import SettingsError
from streams.config.types import format_duration, parse_duration
from streams.config.yaml_text import read_yaml
from streams.settings import EnumerationMode, InputFormat, Settings
from streams.settings_source import load_settings

ENVIRONMENT = {
    "WILLOW_SYNC_WILLOW__BASE_URL": "https://example.app.willowinc.com",
    "WILLOW_SYNC_WILLOW__CLIENT_ID": "client",
    "WILLOW_SYNC_WILLOW__CLIENT_SECRET": "hunter2",
    "WILLOW_SYNC_SELECTED_SITES": "SITE1",
}
ENOUGH = """
willow: {base_url: "https://example.app.willowinc.com/api/v3/", client_id: client, client_secret: hunter2}
selected_sites: [SITE1]
"""

Load = Callable[..., Settings]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _load(yaml: str = ENOUGH, **environ: str) -> Settings:
    Path("given.yml").write_text(yaml, encoding="utf-8")
    return load_settings(Path("given.yml"), environ).settings


def _problems(yaml: str = ENOUGH, **environ: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        _load(yaml, **environ)
    assert "hunter2" not in str(caught.value)
    assert caught.value.remedy
    return caught.value.problems


class TestSources:
    def test_the_environment_alone_is_enough(self) -> None:
        settings = load_settings(None, ENVIRONMENT).settings
        assert settings.willow.base_url == "https://example.app.willowinc.com/api/v3"
        assert settings.selected_sites == ["SITE1"]

    def test_the_environment_wins_setting_by_setting_and_origins_tell(self) -> None:
        Path("willow-sync.yml").write_text(ENOUGH + "kafka: {bootstrap_servers: a:1, group_id: g}\n")
        loaded = load_settings(None, {"WILLOW_SYNC_KAFKA__BOOTSTRAP_SERVERS": "b:2"})
        assert loaded.settings.kafka.bootstrap_servers == "b:2"
        assert loaded.settings.kafka.group_id == "g"
        assert loaded.origins["kafka.bootstrap_servers"] == "WILLOW_SYNC_KAFKA__BOOTSTRAP_SERVERS"
        assert loaded.origins["kafka.group_id"] == "willow-sync.yml line 4"
        assert loaded.origins["kafka.security_protocol"] == "default"

    def test_the_file_s_name_from_the_environment(self) -> None:
        Path("other.yml").write_text(ENOUGH)
        settings = load_settings(None, {"WILLOW_SYNC_CONFIG": "other.yml"}).settings
        assert settings.willow.client_id == "client"

    def test_a_file_that_is_not_there_is_told_with_who_named_it(self) -> None:
        with pytest.raises(SettingsError, match=r"nowhere\.yml \(WILLOW_SYNC_CONFIG\): No such file") as refused:
            load_settings(None, {"WILLOW_SYNC_CONFIG": "nowhere.yml"})
        assert refused.value.remedy.startswith("Name a file that can be read")

    def test_lists_and_mappings_from_the_environment(self) -> None:
        settings = _load(
            WILLOW_SYNC_SELECTED_SITES="A, B",
            WILLOW_SYNC_WILLOW_BORN__PATTERNS="['a,b']",
            WILLOW_SYNC_ENUMERATIONS__JOB_STATUS__MODE="map",
            WILLOW_SYNC_ENUMERATIONS__JOB_STATUS__VALUES="{WIP: In Progress, No: Open}",
        )
        assert settings.selected_sites == ["A", "B"]
        assert settings.willow_born.patterns == ["a,b"]
        assert settings.enumerations.job_status.values == {"WIP": "In Progress", "No": "Open"}
        assert settings.enumerations.job_status.required

    def test_an_empty_variable_means_null_where_null_is_allowed(self) -> None:
        settings = _load(WILLOW_SYNC_WEB__PORT="", WILLOW_SYNC_PARK_TTL="null")
        assert settings.web.port is None
        assert settings.park_ttl is None

    def test_kubernetes_service_links_and_our_own_variables_are_no_settings(self) -> None:
        _load(
            WILLOW_SYNC_SERVICE_HOST="10.0.0.1",
            WILLOW_SYNC_SERVICE_PORT_HTTP="80",
            WILLOW_SYNC_PORT="tcp://10.0.0.1:80",
            WILLOW_SYNC_PORT_80_TCP_ADDR="10.0.0.1",
            WILLOW_SYNC_METRICS_SERVICE_PORT="80",
            WILLOW_SYNC_TEST_BOOTSTRAP="x",
            WILLOW_SYNC_CACHE="/tmp/x",
        )


class TestSecretFiles:
    def test_named_in_the_file_relative_to_it_without_the_last_line_break(self, tmp_path: Path) -> None:
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / "secret").write_text("hunter2\n")
        config = tmp_path / "sub" / "given.yml"
        config.write_text(ENOUGH.replace("client_secret: hunter2", "client_secret_file: secret"))
        loaded = load_settings(config, {})
        assert loaded.settings.willow.client_secret.get_secret_value() == "hunter2"
        assert "secret" in loaded.origins["willow.client_secret"]

    def test_named_in_the_environment_wins_over_the_file(self) -> None:
        Path("secret").write_text("other")
        settings = _load(WILLOW_SYNC_WILLOW__CLIENT_SECRET_FILE="secret")
        assert settings.willow.client_secret.get_secret_value() == "other"

    def test_a_file_that_cannot_be_read_is_one_problem(self) -> None:
        problems = _problems(WILLOW_SYNC_WILLOW__CLIENT_SECRET_FILE="nowhere")
        assert problems == [
            "willow.client_secret: cannot read nowhere (named by WILLOW_SYNC_WILLOW__CLIENT_SECRET_FILE): "
            "No such file or directory"
        ]

    def test_said_twice_in_one_place_is_refused(self) -> None:
        Path("secret").write_text("other")
        yaml = ENOUGH.replace("client_secret: hunter2", "client_secret: hunter2, client_secret_file: secret")
        assert "keep one" in _problems(yaml)[0]
        twice = {"WILLOW_SYNC_WILLOW__CLIENT_SECRET": "hunter2"}
        assert "keep one" in _problems(WILLOW_SYNC_WILLOW__CLIENT_SECRET_FILE="secret", **twice)[0]

    def test_an_empty_secret_file_is_refused(self) -> None:
        Path("secret").write_text("\n")
        problems = _problems(WILLOW_SYNC_WILLOW__CLIENT_SECRET_FILE="secret")
        assert problems == [
            "willow.client_secret: found nothing (file secret, named by "
            "WILLOW_SYNC_WILLOW__CLIENT_SECRET_FILE); allowed: text that is not empty"
        ]


class TestMapped:
    def test_nothing_need_be_set_and_the_token_comes_from_a_file_too(self) -> None:
        Path("secret").write_text("pat-hunter2\n")
        assert _load().mapped.token is None
        mapped = _load(WILLOW_SYNC_MAPPED__TOKEN_FILE="secret").mapped
        assert mapped.url == "https://api.mapped.com/graphql"
        assert mapped.token is not None
        assert mapped.token.get_secret_value() == "pat-hunter2"
        assert "hunter2" not in repr(mapped)

    @pytest.mark.parametrize("token", ["token hunter2", "hunter2\n", "hunter2é"])
    def test_a_token_that_would_break_the_header_is_refused_unseen(self, token: str) -> None:
        (problem,) = _problems(WILLOW_SYNC_MAPPED__TOKEN=token)
        assert problem.startswith("mapped.token: found …(masked) (WILLOW_SYNC_MAPPED__TOKEN); expected the token alone")

    @pytest.mark.parametrize(
        "url", ["api.mapped.com", "ftp://a/graphql", "https://me:hunter2@a/graphql", "https://a/#x"]
    )
    def test_an_address_that_is_none_is_refused(self, url: str) -> None:
        (problem,) = _problems(WILLOW_SYNC_MAPPED__URL=url)
        assert problem.startswith("mapped.url: found ")


class TestYaml:
    def test_words_that_yaml_would_turn_stay_keys(self) -> None:
        yaml = "enumerations: {job_status: {mode: map, values: {No: A, On: B, 1: C, null: D, 0x10: 2024-01-01}}}"
        values = _load(ENOUGH + yaml).enumerations.job_status.values
        assert values == {"No": "A", "On": "B", "1": "C", "null": "D", "0x10": "2024-01-01"}

    def test_quoted_null_is_text_and_plain_null_is_nothing(self) -> None:
        yaml = ENOUGH + 'org_id: null\nclosed_status: "Null status"\n'
        assert _load(yaml).org_id is None
        assert read_yaml('a: "null"').root == {"a": "null"}
        assert read_yaml("a: ~\nb:").root == {"a": None, "b": None}

    def test_a_key_twice_is_refused_with_both_lines(self) -> None:
        problems = _problems(ENOUGH + "enumerations:\n  sector:\n    values:\n      A: b\n      A: c\n")
        assert problems == ["given.yml line 8: enumerations.sector.values.A is there twice, first in line 7"]

    def test_a_syntax_error_names_the_place_and_never_quotes_the_line(self) -> None:
        problems = _problems("willow: {client_secret: hunter2\nx: [")
        assert problems[0].startswith("given.yml line 2")

    def test_a_group_with_every_line_commented_out_is_its_defaults(self) -> None:
        assert _load(ENOUGH + "kafka:\n  # group_id: x\n").kafka.group_id == "willow-sync"

    @pytest.mark.parametrize(
        ("yaml", "told"),
        [
            ("- a\n", "expected lines like"),
            ("a: &a [*a]\n", "levels deep"),
            ("willow: {client_secret: !vault x}\n", "the tag !vault is not supported"),
            ("? [a]\n: b\n", "a key must be text"),
            ("a: 1\n---\nb: 2\n", "not YAML"),
            ("a: \x07\n", "not YAML"),
        ],
    )
    def test_what_is_no_settings_file(self, yaml: str, told: str) -> None:
        assert told in _problems(yaml)[0]

    @given(st.text(max_size=60))
    def test_any_text_is_a_tree_or_problems(self, text: str) -> None:
        tree = read_yaml(text)
        assert tree.problems or isinstance(tree.root, dict | list | str | None)


class TestRefusals:
    def test_all_problems_at_once(self) -> None:
        assert len(_problems("kafka: {session_timeout: soon}\nfoo: 1\n", WILLOW_SYNC_BAR="1")) == 7

    @pytest.mark.parametrize(
        ("yaml", "line"),
        [
            (
                "conflate: newest",
                "conflate: found 'newest' (given.yml line 4); allowed: 'latest', 'keep_status",
            ),
            (
                "max_pending_records: 3",
                "max_pending_records: found '3' (given.yml line 4); allowed: greater than",
            ),
            (
                "park_ttl: soon",
                "park_ttl: found 'soon' (given.yml line 4); allowed: a number and ms, s, m, h or d, as in 30s",
            ),
            ("conflat: latest", "conflat: unknown setting (given.yml line 4); did you mean conflate?"),
            ("client_id: x", "client_id: unknown setting (given.yml line 4); did you mean willow.client_id?"),
            ("on_delete: close", "on_delete: close needs closed_status"),
            ("kafka: {heartbeat_interval: 5s}", "kafka: heartbeat_interval 5s must be less than a third"),
            (
                "kafka: {sasl_mechanism: PLAIN}",
                "kafka: security_protocol is PLAINTEXT and sasl_mechanism is PLAIN",
            ),
            ("topics: {entities: mapped.work-orders}", "topics: work_orders and entities are both"),
            (
                "topics: {prefix: 'a b'}",
                "topics.prefix: found 'a b' (given.yml line 4); allowed: letters, digits",
            ),
            (
                "external_id_template: WO",
                "external_id_template: found 'WO' (given.yml line 4); expected text with",
            ),
            (
                "willow_born: {patterns: ['[']}",
                "willow_born.patterns: found a list (given.yml line 4); '[' is not",
            ),
            (
                "enumerations: {sector: {mode: omit, default: A}}",
                "enumerations.sector: mode omit sends nothing",
            ),
            (
                "enumerations: {job_status: {mode: map}}",
                "enumerations.job_status: mode map is required and has",
            ),
            (
                "enumerations: {sector: {mode: map, values: {In Progress: A, in  progress: B}}}",
                "enumerations.sector: values: 'In Progress' and 'in  progress' are the same",
            ),
            ("web: yes", "web: found 'yes' (given.yml line 4); allowed: a group of settings"),
        ],
    )
    def test_the_line_says_name_found_origin_and_allowed(self, yaml: str, line: str) -> None:
        (problem,) = _problems(ENOUGH + yaml)
        assert problem.startswith(line)

    def test_sites_must_be_named(self) -> None:
        without = ENOUGH.replace("selected_sites: [SITE1]", "selected_sites: []")
        assert _problems(without) == [
            "selected_sites: found an empty list (given.yml line 3); allowed: at least one entry"
        ]
        both = ENOUGH.replace("[SITE1]", '["*", SITE1]')
        assert "not both" in _problems(both)[0]

    def test_a_number_without_a_unit_is_no_duration(self) -> None:
        (problem,) = _problems(ENOUGH.replace("client_id:", "request_timeout: 5, client_id:"))
        assert problem == (
            "willow.request_timeout: found '5' (given.yml line 2); allowed: a number and ms, s, m, h or d, as in 30s"
        )

    @pytest.mark.parametrize(
        ("setting", "value", "allowed"),
        [
            ("max_in_flight", "many", "a whole number"),
            ("max_in_flight", "1.5", "a whole number"),
            ("max_in_flight", "null", "a whole number"),
            ("requests_per_second", "fast", "a number"),
            ("client_secret", '""', "text that is not empty"),
        ],
    )
    def test_what_is_allowed_is_in_plain_words(self, setting: str, value: str, allowed: str) -> None:
        yaml = ENOUGH.replace("client_secret: hunter2", "") if setting == "client_secret" else ENOUGH
        (problem,) = _problems(yaml.replace("willow: {", f"willow: {{{setting}: {value}, "))
        assert problem.endswith(f"; allowed: {allowed}")

    def test_without_any_file_that_is_said_first(self) -> None:
        with pytest.raises(SettingsError) as caught:
            load_settings(None, {})
        first, *others = caught.value.problems
        assert first == "no settings file: ./willow-sync.yml is not there and --config was not given"
        assert others[0].startswith("willow.base_url: not set")
        with pytest.raises(SettingsError) as caught:
            load_settings(None, {**ENVIRONMENT, "WILLOW_SYNC_CONFLATE": "newest"})
        assert len(caught.value.problems) == 1

    def test_a_missing_group_names_each_setting_it_needs(self) -> None:
        names = [problem.split(":")[0] for problem in _problems("selected_sites: [SITE1]\n")]
        assert names == ["willow.base_url", "willow.client_id", "willow.client_secret"]

    def test_one_underscore_too_few_in_a_variable(self) -> None:
        (problem,) = _problems(WILLOW_SYNC_KAFKA_GROUP_ID="x")
        assert problem == "WILLOW_SYNC_KAFKA_GROUP_ID: unknown setting; did you mean WILLOW_SYNC_KAFKA__GROUP_ID?"

    def test_part_of_a_group_that_is_one_word(self) -> None:
        (problem,) = _problems(ENOUGH + "input_format: flat\n", WILLOW_SYNC_INPUT_FORMAT__ENTITIES="envelope")
        assert "write that one as a group" in problem

    def test_an_address_with_a_password_is_refused_and_not_repeated(self) -> None:
        yaml = ENOUGH.replace("https://", "https://user:hunter2@")
        assert "found 'https://…@example" in _problems(yaml)[0]

    def test_a_wrong_secret_is_not_repeated(self) -> None:
        problems = _problems(ENOUGH.replace("client_secret: hunter2", "client_secret: [hunter2]"))
        assert problems == ["willow.client_secret: found a list (given.yml line 2); allowed: text"]


class TestMeaning:
    def test_one_word_for_both_inputs(self) -> None:
        settings = _load(ENOUGH + "input_format: flat\n")
        assert settings.input_format.work_orders is settings.input_format.entities is InputFormat.FLAT

    def test_the_defaults_that_the_guarantees_are_told_with(self) -> None:
        settings = _load(ENOUGH)
        assert (settings.max_pending_records, settings.max_pending_bytes) == (20_000, 64 << 20)
        assert (settings.in_doubt.then, settings.in_doubt.settle) == ("create", timedelta(minutes=5))
        assert settings.on_missing_ticket == "reject"

    def test_the_contract_s_example(self) -> None:
        settings = _load(
            ENOUGH
            + """
enumerations:
  job_status:      {mode: map, values: {"WIP": "In Progress"}, default: null, required: true}
  job_sub_status:  {mode: map, values: {}, required: false}
  job_priority:    {mode: match_name}
  job_type:        {mode: match_name, default: "General"}
  sector:          {mode: pass_through}
  services_needed: {mode: omit}
in_doubt:  {then: create, settle: 5m}
web: {host: 127.0.0.1, port: 8087}
park_ttl: null
willow_born: {patterns: ["@willow"]}
topics:  {prefix: "willow-sync.", partitions: 8, replication: 1, retention: 14d}
"""
        )
        assert settings.enumerations.job_type.default == "General"
        assert settings.in_doubt.settle == timedelta(minutes=5)
        assert settings.topics.name("outcomes") == "willow-sync.outcomes"

    def test_an_entry_without_a_mode_keeps_its_field_s_own(self) -> None:
        settings = _load(ENOUGH + "enumerations: {job_sub_status: {required: false}, job_status: {default: Open}}")
        assert settings.enumerations.job_sub_status.mode is EnumerationMode.OMIT
        assert settings.enumerations.job_status.required

    def test_the_example_file_loads(self) -> None:
        example = Path(__file__).parents[1] / "ops" / "config" / "willow-sync.example.yml"
        text = example.read_text(encoding="utf-8").replace(
            "client_secret_file: /run/secrets/willow", "client_secret: hunter2"
        )
        assert _load(text).enumerations.job_status.values["WIP"] == "In Progress"

    def test_the_compose_file_s_variables_are_settings(self) -> None:
        text = (Path(__file__).parents[1] / "docker-compose.yml").read_text(encoding="utf-8")
        services = yaml.safe_load(text)["services"]
        for name in ("topics", "worker-1", "worker-2"):
            given = services[name]["environment"].items()
            environ = {key: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value) for key, value in given}
            settings = load_settings(None, environ).settings
            assert settings.topics.replication == 3
            assert settings.selected_sites == ["*"]

    @pytest.mark.parametrize(
        "given_url",
        [
            "https://Example.app.willowinc.com",
            "https://example.app.willowinc.com/",
            "https://example.app.willowinc.com/api/v3",
            " https://example.app.willowinc.com/api/v3/ ",
        ],
    )
    def test_spellings_of_one_instance_are_one_address(self, given_url: str) -> None:
        settings = load_settings(None, {**ENVIRONMENT, "WILLOW_SYNC_WILLOW__BASE_URL": given_url}).settings
        assert settings.willow.base_url == "https://example.app.willowinc.com/api/v3"


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=4000)))
def test_a_duration_is_read_back_to_the_millisecond(value: timedelta) -> None:
    whole = timedelta(milliseconds=round(value.total_seconds() * 1000))
    assert abs(parse_duration(format_duration(whole)) - whole) < timedelta(milliseconds=1)


@pytest.mark.parametrize("text", ["", "soon", "5", "0", "1.5", "-1s", "1w", "1e9", "9" * 40 + "d", "5 m 3 s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="allowed: a "):
        parse_duration(text)


def test_the_documentation_is_what_the_code_says() -> None:
    assert docs.FILE.read_text(encoding="utf-8") == docs.render(), "run: python -m streams.config.docs"
