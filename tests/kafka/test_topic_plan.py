from typing import Any

from streams.kafka.connection import confluent_config
from streams.kafka.topic_plan import as_options, topic_plan
from streams.settings import KafkaSettings, Settings


def settings(**changes: Any) -> Settings:
    willow = {"base_url": "https://w.example.com", "client_id": "i", "client_secret": "s"}
    return Settings.model_validate({"willow": willow, "selected_sites": ["*"], **changes})


def test_the_default_names() -> None:
    specs = topic_plan(settings())
    assert {spec.name: spec.config["cleanup.policy"] for spec in specs} == {
        "mapped.work-orders": "delete",
        "mapped.entities": "compact",
        "willow-sync.outcomes": "delete",
        "willow-sync.ticket-identities": "compact",
        "willow-sync.dead-letters": "delete",
        "willow-sync.ticket-intents": "delete",
        "willow-sync.replans": "delete",
        "willow-sync.create-claims": "compact",
        "willow-sync-orders-changelog": "compact",
    }
    assert [spec.name for spec in specs if not spec.ours] == ["mapped.work-orders", "mapped.entities"]
    assert {(spec.partitions, spec.replication) for spec in specs} == {(8, 1)}


def test_names_and_counts_are_settings() -> None:
    topics = {"prefix": "x.", "replans": "again", "work_orders": "wo", "partitions": 4, "replication": 3}
    specs = {spec.name: spec for spec in topic_plan(settings(topics=topics, kafka={"group_id": "g"}))}
    assert {"wo", "again", "x.outcomes", "g-orders-changelog"} <= specs.keys()
    assert {(spec.partitions, spec.replication) for spec in specs.values()} == {(4, 3)}
    assert {spec.config["min.insync.replicas"] for spec in specs.values()} == {"2"}


def test_options_in_the_form_of_kafkas_tools() -> None:
    assert as_options({"a": "1", "b": "x,y"}) == "a=1,b=[x,y]"


def test_a_plain_connection_names_the_servers_alone() -> None:
    assert confluent_config(KafkaSettings(bootstrap_servers="a:1,b:2")) == {
        "bootstrap.servers": "a:1,b:2",
        "security.protocol": "PLAINTEXT",
    }


def test_a_secured_connection() -> None:
    kafka = KafkaSettings.model_validate(
        {
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_username": "u",
            "sasl_password": "secret",
            "ssl_cafile": "/ca.pem",
        }
    )
    assert confluent_config(kafka) == {
        "bootstrap.servers": "localhost:9092",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "u",
        "sasl.password": "secret",
        "ssl.ca.location": "/ca.pem",
    }
