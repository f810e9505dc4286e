"""Apache Kafka on this machine without Docker or an installed Java: pinned jars, and brokers as processes.

``prepare()`` fetches the jars (once) and finds a Java; ``Broker`` runs one node::

    with Broker(prepare(), Path("data")) as broker:
        print(broker.bootstrap_servers)
"""

from ops.kafka.broker import Broker, BrokerAddress
from ops.kafka.errors import BrokerFailed, FetchError, JavaNotFound, KafkaSetupError, PortTaken
from ops.kafka.fetch import FetchProgress
from ops.kafka.jars import KAFKA_VERSION
from ops.kafka.ports import free_port
from ops.kafka.properties import Voter
from ops.kafka.runtime import KafkaRuntime, prepare

__all__ = [
    "KAFKA_VERSION",
    "Broker",
    "BrokerAddress",
    "BrokerFailed",
    "FetchError",
    "FetchProgress",
    "JavaNotFound",
    "KafkaRuntime",
    "KafkaSetupError",
    "PortTaken",
    "Voter",
    "free_port",
    "prepare",
]
