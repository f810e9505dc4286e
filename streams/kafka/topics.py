"""Creates the topics that are missing and checks the rest against the plan."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from streams.kafka.admin import REQUEST_TIMEOUT, TopicProblem, wait_for_broker
from streams.kafka.topic_checks import Found, TopicState, judge
from streams.kafka.topic_plan import TopicSpec, as_options, topic_plan
from streams.settings import Settings

VISIBLE_TIMEOUT = 15.0
"""Seconds until a topic that was created must be known to the broker we ask."""


def check_topics(settings: Settings) -> list[TopicState]:
    """The state of every topic of the plan; changes nothing.

    Raises BrokerUnreachable, and TopicProblem when the brokers refuse to tell."""
    admin = wait_for_broker(settings)
    specs = topic_plan(settings)
    found = _look(admin, [spec.name for spec in specs])
    return [judge(spec, found, settings) for spec in specs]


def ensure_topics(settings: Settings) -> list[TopicState]:
    """Creates what is missing and returns the state of every topic of the plan; changes nothing else.

    Safe to repeat and to run twice at once. What cannot be created is ``missing``, with the brokers' reason.

    Raises BrokerUnreachable, and TopicProblem when the brokers refuse to tell."""
    admin = wait_for_broker(settings)
    specs = topic_plan(settings)
    names = [spec.name for spec in specs]
    found = _look(admin, names)
    created, refused = _create(admin, [spec for spec in specs if spec.name not in found])
    if found.keys() | refused.keys() != set(names):
        found = _look_until(admin, names, set(names) - refused.keys())
    states = [refused.get(spec.name) or judge(spec, found, settings) for spec in specs]
    return [
        replace(state, state="created") if state.name in created and state.state == "present" else state
        for state in states
    ]


def topic_ids(settings: Settings, names: Collection[str]) -> dict[str, str]:
    """Kafka's id of each topic: it differs when a topic was deleted and made again under its name.

    Raises BrokerUnreachable, TopicProblem if one is missing."""
    if not names:
        return {}
    found = _look(wait_for_broker(settings), names)
    absent = sorted(set(names) - found.keys())
    if absent:
        raise TopicProblem(f"missing: {', '.join(absent)}", f"create them with {settings.make_topics}")
    return {name: found[name].topic_id for name in names}


def _look(admin: AdminClient, names: Collection[str]) -> dict[str, Found]:
    descriptions = _described(admin, names)
    configs = _configs(admin, descriptions)
    return {
        name: Found(
            str(topic.topic_id),
            len(topic.partitions),
            min(len(partition.replicas) for partition in topic.partitions),
            configs[name],
        )
        for name, topic in descriptions.items()
    }


def _described(admin: AdminClient, names: Collection[str]) -> dict[str, Any]:
    futures = admin.describe_topics(TopicCollection(list(names)), request_timeout=REQUEST_TIMEOUT)
    descriptions = {}
    for name, future in futures.items():
        try:
            descriptions[name] = future.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise _refused(f"topic {name} cannot be described", error, "DESCRIBE") from error
    return descriptions


def _configs(admin: AdminClient, names: Collection[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]
    configs = {}
    for resource, future in admin.describe_configs(resources, request_timeout=REQUEST_TIMEOUT).items():
        try:
            configs[resource.name] = {name: entry.value for name, entry in future.result().items()}
        except KafkaException as error:
            what = f"the settings of topic {resource.name} cannot be read"
            raise _refused(what, error, "DESCRIBE_CONFIGS") from error
    return configs


def _refused(what: str, error: KafkaException, operation: str) -> TopicProblem:
    return TopicProblem(
        f"{what}: {error.args[0].str()}",
        f"may this user {operation} the topic? if so, look at the brokers' logs and try again",
    )


def _look_until(admin: AdminClient, names: Collection[str], awaited: Collection[str]) -> dict[str, Found]:
    # A broker may be asked before the controller's news of the new topic has reached it.
    retrying = Retrying(
        stop=stop_after_delay(VISIBLE_TIMEOUT),
        wait=wait_fixed(0.1),
        retry=retry_if_result(lambda found: not found.keys() >= set(awaited)),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else {},
    )
    return retrying(_look, admin, names)


def _create(admin: AdminClient, specs: Collection[TopicSpec]) -> tuple[frozenset[str], dict[str, TopicState]]:
    """The topics that were created, and those that the brokers refused with their reason."""
    if not specs:
        return frozenset(), {}
    new = [
        NewTopic(
            spec.name,
            num_partitions=spec.partitions,
            replication_factor=spec.replication,
            config=dict(spec.config),
        )
        for spec in specs
    ]
    futures = admin.create_topics(new, operation_timeout=REQUEST_TIMEOUT, request_timeout=REQUEST_TIMEOUT)
    created, refused = set(), {}
    for spec in specs:
        try:
            futures[spec.name].result()
            created.add(spec.name)
        except KafkaException as error:
            # Two that start at once both find it missing, and one of them comes second.
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                refused[spec.name] = _not_created(spec, error.args[0])
    return frozenset(created), refused


_BY_HAND = "or have it made with {partitions} partitions, replication {replication} and --config {options}"
_CREATE_REMEDIES: Mapping[int, str] = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "let this user CREATE topics, " + _BY_HAND,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "let this user CREATE topics, " + _BY_HAND,
    KafkaError.INVALID_REPLICATION_FACTOR: "lower topics.replication, or add brokers",
    KafkaError.POLICY_VIOLATION: "set topics.partitions and topics.replication as the cluster's policy asks, "
    + _BY_HAND,
    KafkaError.TOPIC_EXCEPTION: "correct the name in the topics settings",
}


def _not_created(spec: TopicSpec, error: Any) -> TopicState:
    remedy = _CREATE_REMEDIES.get(error.code(), "look at the brokers' logs and try again, " + _BY_HAND)
    values = {
        "partitions": spec.partitions,
        "replication": spec.replication,
        "options": as_options(spec.config),
    }
    return TopicState(spec.name, "missing", f"could not be created: {error.str()}", remedy.format(**values))
