"""How to reach the brokers, in librdkafka's words."""

from typing import Any

from streams.settings import KafkaSettings

_NAMES = {
    "bootstrap_servers": "bootstrap.servers",
    "security_protocol": "security.protocol",
    "sasl_mechanism": "sasl.mechanism",
    "sasl_username": "sasl.username",
    "sasl_password": "sasl.password",
    "ssl_cafile": "ssl.ca.location",
    "ssl_certfile": "ssl.certificate.location",
    "ssl_keyfile": "ssl.key.location",
}
"""Our setting → librdkafka's property."""


def confluent_config(kafka: KafkaSettings) -> dict[str, Any]:
    """Address and security for any confluent-kafka client; the password is in clear in it. Nothing else."""
    values = {theirs: getattr(kafka, ours) for ours, theirs in _NAMES.items()}
    if kafka.sasl_password is not None:
        values["sasl.password"] = kafka.sasl_password.get_secret_value()
    return {name: value for name, value in values.items() if value is not None}
