"""The broker's ``server.properties``, as data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ops.kafka.ports import HOST

DATA_FOLDER = "data"
"""Below the broker's working folder. Relative on purpose: Kafka would split an absolute path at a comma."""


@dataclass(frozen=True, slots=True)
class Voter:
    """A node of the KRaft quorum: its id and the port of its controller."""

    node_id: int
    port: int


_SMALL_AND_FAST: Mapping[str, str] = {
    # 50 partitions of internal topics cost seconds at the first use; one worker group needs none of them.
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "2",
    "share.coordinator.state.topic.num.partitions": "1",
    "group.initial.rebalance.delay.ms": "0",
    # Kafka's own least, 6 s, would be the shortest time in which a test can see a worker's death.
    "group.min.session.timeout.ms": "1000",
    # A mistyped name must be an error here as it is in production, not a new topic of one partition.
    "auto.create.topics.enable": "false",
    # After SIGKILL the controller refuses the same broker until its old session has ended (Kafka: 9 s).
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    # Kafka's 128 MiB would be a quarter of the heap, and is taken at the start.
    "log.cleaner.dedupe.buffer.size": str(32 << 20),
    # Kafka's 15 s between looks for something to compact is longer than most tests.
    "log.cleaner.backoff.ms": "1000",
}


def server_properties(
    *, node_id: int, port: int, voters: Sequence[Voter], extra: Mapping[str, str]
) -> Mapping[str, str]:
    """The properties of node ``node_id``, broker and controller in one; ``extra`` wins."""
    controller = next(voter.port for voter in voters if voter.node_id == node_id)
    copies = str(min(3, len(voters)))
    in_sync = "2" if len(voters) >= 3 else "1"
    return {
        "process.roles": "broker,controller",
        "node.id": str(node_id),
        "controller.quorum.voters": ",".join(f"{voter.node_id}@{HOST}:{voter.port}" for voter in voters),
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": DATA_FOLDER,
        "default.replication.factor": copies,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": in_sync,
        **_SMALL_AND_FAST,
        **extra,
    }


def properties_file(properties: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in properties.items())
