"""Topics against a real broker: created once, checked, and never changed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)
from tenacity import TryAgain, retry, stop_after_delay, wait_fixed

from ops.kafka import BrokerAddress, free_port
from streams.kafka.admin import BrokerUnreachable, TopicProblem, wait_for_broker
from streams.kafka.topic_checks import TopicState
from streams.kafka.topic_plan import changelog_name, topic_plan
from streams.kafka.topics import check_topics, ensure_topics, topic_ids
from streams.settings import Settings

pytestmark = pytest.mark.kafka

SettingsFor = Callable[..., Settings]


@pytest.fixture
def admin(broker: BrokerAddress) -> AdminClient:
    return AdminClient({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})


@retry(stop=stop_after_delay(10), wait=wait_fixed(0.1))
def wait_until_known(admin: AdminClient, name: str) -> None:
    if name not in admin.list_topics(timeout=10).topics:
        raise TryAgain


def create(admin: AdminClient, name: str, partitions: int = 2, **config: str) -> None:
    options = {key.replace("_", "."): value for key, value in config.items()}
    topic = NewTopic(name, partitions, 1, config=options)
    admin.create_topics([topic], operation_timeout=30)[name].result(30)
    wait_until_known(admin, name)


def set_config(admin: AdminClient, topic: str, key: str, value: str) -> None:
    entry = ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin.incremental_alter_configs([resource])[resource].result(30)


def config_of(admin: AdminClient, topic: str) -> dict[str, str]:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    return {key: entry.value for key, entry in admin.describe_configs([resource])[resource].result(30).items()}


def states(found: list[TopicState]) -> set[str]:
    return {state.state for state in found}


@retry(stop=stop_after_delay(10), wait=wait_fixed(0.1))
def state_of(settings: Settings, name: str, state: str) -> TopicState:
    """The topic's state, once it is ``state``: the brokers learn of a change a moment after it was made."""
    found = next(found for found in check_topics(settings) if found.name == name)
    if found.state != state:
        raise TryAgain
    return found


def test_creates_all_and_then_nothing(settings_for: SettingsFor, admin: AdminClient) -> None:
    settings = settings_for()
    assert states(check_topics(settings)) == {"missing"}
    assert states(check_topics(settings)) == {"missing"}
    made = ensure_topics(settings)
    assert states(made) == {"created"}
    assert [state.name for state in made] == [spec.name for spec in topic_plan(settings)]
    ids = topic_ids(settings, [state.name for state in made])
    again = ensure_topics(settings)
    assert again == check_topics(settings)
    assert states(again) == {"present"}
    assert not any(state.message for state in again)
    assert topic_ids(settings, ids.keys()) == ids


def test_what_was_asked_for_is_what_the_broker_has(settings_for: SettingsFor, admin: AdminClient) -> None:
    settings = settings_for(topics={"partitions": 3, "retention": "2d"})
    ensure_topics(settings)
    for spec in topic_plan(settings):
        assert spec.config.items() <= config_of(admin, spec.name).items()
        assert state_of(settings, spec.name, "present").partitions == 3
    assert config_of(admin, settings.topics.name("outcomes"))["retention.ms"] == str(2 * 86_400_000)
    claims = config_of(admin, settings.topics.name("create_claims"))
    assert (claims["cleanup.policy"], claims["message.timestamp.type"]) == ("compact", "LogAppendTime")
    assert config_of(admin, changelog_name(settings))["cleanup.policy"] == "compact"


def test_two_at_once(settings_for: SettingsFor) -> None:
    settings = settings_for()
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: ensure_topics(settings), range(4)):
            assert all(state.usable and not state.message for state in found)


def test_creates_only_what_is_missing(settings_for: SettingsFor, admin: AdminClient) -> None:
    settings = settings_for()
    create(admin, settings.topics.work_orders, partitions=5, cleanup_policy="compact")
    made = {state.name: state for state in ensure_topics(settings)}
    # An input is the upstream's: any partition count, compaction too.
    assert made[settings.topics.work_orders] == TopicState(settings.topics.work_orders, "present", partitions=5)
    assert states([state for name, state in made.items() if name != settings.topics.work_orders]) == {"created"}


def test_a_count_that_changed_is_wrong(settings_for: SettingsFor, admin: AdminClient) -> None:
    settings = settings_for()
    ensure_topics(settings)
    intents = settings.topics.name("ticket_intents")
    admin.create_partitions([NewPartitions(intents, 4)])[intents].result(30)
    found = state_of(settings, intents, "wrong")
    assert not found.usable
    assert found.message == "has 4 partitions, topics.partitions is 2"
    assert "topics.partitions to 4" in found.remedy
    assert ensure_topics(settings) == check_topics(settings)


WRONG_CONFIG = [
    ("ticket_identities", "cleanup.policy", "delete", "--add-config cleanup.policy=compact"),
    ("ticket_identities", "cleanup.policy", "compact,delete", "--add-config cleanup.policy=compact"),
    ("entities", "cleanup.policy", "delete", "--add-config cleanup.policy=compact"),
    ("outcomes", "cleanup.policy", "compact", "--add-config cleanup.policy=delete"),
    ("create_claims", "message.timestamp.type", "CreateTime", "message.timestamp.type=LogAppendTime"),
]


@pytest.mark.parametrize(("kind", "key", "value", "remedy"), WRONG_CONFIG)
def test_a_setting_that_loses_something_is_wrong(
    settings_for: SettingsFor, admin: AdminClient, kind: str, key: str, value: str, remedy: str
) -> None:
    settings = settings_for()
    ensure_topics(settings)
    name = settings.topics.name(kind)
    set_config(admin, name, key, value)
    found = state_of(settings, name, "wrong")
    assert key in found.message
    assert remedy in found.remedy


def test_intents_that_expire_before_their_source_are_warned_of(settings_for: SettingsFor, admin: AdminClient) -> None:
    settings = settings_for(topics={"retention": "1d"})
    create(admin, settings.topics.work_orders, retention_ms=str(7 * 86_400_000))
    intents = next(state for state in ensure_topics(settings) if state.name == settings.topics.name("ticket_intents"))
    assert intents.usable
    assert "keeps records for 86400000 ms, the work order topic 604800000 ms" in intents.message
    assert "retention.ms" in intents.remedy


def test_too_few_replicas_are_warned_of(settings_for: SettingsFor) -> None:
    ensure_topics(settings_for())
    settings = settings_for(topics={"replication": 3})
    outcomes = state_of(settings, settings.topics.name("outcomes"), "present")
    assert outcomes.message == "has 1 replica, topics.replication is 3"


def test_more_replicas_than_brokers(settings_for: SettingsFor) -> None:
    settings = settings_for(topics={"replication": 99})
    found = ensure_topics(settings)
    assert states(found) == {"missing"}
    assert all("could not be created" in state.message for state in found)
    assert {state.remedy for state in found} == {"lower topics.replication, or add brokers"}


def test_ids_of_a_topic_that_is_not_there(settings_for: SettingsFor) -> None:
    with pytest.raises(TopicProblem, match=r"missing: nowhere") as caught:
        topic_ids(settings_for(), ["nowhere"])
    assert "willow-sync topics" in caught.value.remedy
    assert topic_ids(settings_for(), []) == {}


def test_no_broker(settings_for: SettingsFor) -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(BrokerUnreachable, match=f"within 1 s at {address}: .*refused") as caught:
        wait_for_broker(settings_for(kafka={"bootstrap_servers": address}), timeout=1)
    assert "kafka.bootstrap_servers" in caught.value.remedy


def test_a_host_that_does_not_exist(settings_for: SettingsFor) -> None:
    with pytest.raises(BrokerUnreachable, match=r"kafka\.invalid") as caught:
        wait_for_broker(settings_for(kafka={"bootstrap_servers": "kafka.invalid:9092"}), timeout=30)
    assert "host name" in caught.value.remedy


def test_tls_against_a_broker_that_speaks_none(settings_for: SettingsFor) -> None:
    with pytest.raises(BrokerUnreachable, match="SSL connection closed by peer") as caught:
        wait_for_broker(settings_for(kafka={"security_protocol": "SSL"}), timeout=2)
    assert "kafka.security_protocol" in caught.value.remedy


def test_a_certificate_file_that_is_not_there(settings_for: SettingsFor) -> None:
    settings = settings_for(kafka={"security_protocol": "SSL", "ssl_cafile": "/nowhere/ca.pem"})
    with pytest.raises(BrokerUnreachable, match="refuses the settings"):
        wait_for_broker(settings, timeout=30)
