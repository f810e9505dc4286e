"""Real brokers, started, stopped, killed; their data must be there again."""

import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from ops.kafka import Broker, BrokerAddress, BrokerFailed, KafkaRuntime, PortTaken, Voter, free_port
from ops.kafka.broker import new_cluster_id
from ops.kafka.ports import is_free

pytestmark = pytest.mark.kafka


def create(servers: str, topic: str, replication: int = 1) -> None:
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
    admin.create_topics([NewTopic(topic, 1, replication)], operation_timeout=30)[topic].result(30)


def produce(servers: str, topic: str, *values: bytes) -> None:
    """Returns once all are acknowledged by all replicas in sync."""
    refused: list[object] = []

    def delivered(error: object, _: object) -> None:
        if error:
            refused.append(error)

    producer = Producer({"bootstrap.servers": servers, "acks": "all", "log_level": 0})
    for value in values:
        producer.produce(topic, value, on_delivery=delivered)
    assert producer.flush(30) == 0
    assert refused == []


def read(servers: str, topic: str, count: int) -> list[bytes | None]:
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "reader", "log_level": 0})
    consumer.assign([TopicPartition(topic, 0, 0)])
    try:
        return [message.value() for message in consumer.consume(count, 30)]
    finally:
        consumer.close()


@retry(retry=retry_if_result(lambda gone: not gone), stop=stop_after_delay(10), wait=wait_fixed(0.05))
def gone(pid: int) -> bool:
    """Whether the process is gone, or only waits to be collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_acknowledged_records_survive_a_kill_and_a_stop(own_broker: Broker) -> None:
    servers, pid = own_broker.bootstrap_servers, own_broker.pid
    create(servers, "t")
    produce(servers, "t", b"1", b"2")
    own_broker.kill()
    assert own_broker.pid is None
    own_broker.restart()
    assert own_broker.bootstrap_servers == servers
    assert own_broker.pid != pid
    produce(servers, "t", b"3")
    own_broker.stop()
    own_broker.start()
    assert own_broker.bootstrap_servers == servers
    assert read(servers, "t", 3) == [b"1", b"2", b"3"]
    assert own_broker.log.stat().st_size > 0


def test_topics_are_not_made_by_mistake(own_broker: Broker) -> None:
    admin = AdminClient({"bootstrap.servers": own_broker.bootstrap_servers, "log_level": 0})
    admin.list_topics("mistyped", timeout=10)
    assert "mistyped" not in admin.list_topics(timeout=10).topics


@pytest.mark.acceptance
def test_several_side_by_side(broker: BrokerAddress, kafka_runtime: KafkaRuntime, tmp_path: Path) -> None:
    with Broker(kafka_runtime, tmp_path / "a, é") as other:
        pid = other.pid
        for number, servers in enumerate((broker.bootstrap_servers, other.bootstrap_servers)):
            create(servers, "side-by-side")
            produce(servers, "side-by-side", b"%d" % number)
        assert read(broker.bootstrap_servers, "side-by-side", 1) == [b"0"]
        assert read(other.bootstrap_servers, "side-by-side", 1) == [b"1"]
    assert pid
    assert gone(pid)


def test_a_taken_port(kafka_runtime: KafkaRuntime, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port}") as caught:
            Broker(kafka_runtime, tmp_path, port=port).start()
    assert "another port" in caught.value.remedy


def test_a_port_taken_behind_our_back(kafka_runtime: KafkaRuntime, tmp_path: Path) -> None:
    broker = Broker(kafka_runtime, tmp_path, port=free_port())
    broker.launch()
    with socket.socket() as other:
        # The JVM needs a second before it binds; we are faster.
        other.bind(("127.0.0.1", broker.port))
        other.listen()
        with pytest.raises(PortTaken):
            broker.wait_until_answers()
    assert not broker.running


def test_a_data_folder_in_use(own_broker: Broker, kafka_runtime: KafkaRuntime) -> None:
    second = Broker(kafka_runtime, own_broker.data_dir, log=own_broker.data_dir / "second.log")
    with pytest.raises(BrokerFailed, match="another broker uses the data folder") as caught:
        second.start()
    assert "name another folder" in caught.value.remedy
    own_broker.stop()
    assert "shut down completed" in own_broker.log.read_text()


def test_a_start_that_fails_shows_the_last_words(kafka_runtime: KafkaRuntime, tmp_path: Path) -> None:
    broker = Broker(kafka_runtime, tmp_path, properties={"num.io.threads": "0"})
    with pytest.raises(BrokerFailed, match=r"num\.io\.threads"):
        broker.start()
    assert not broker.running


def test_a_start_that_takes_too_long_leaves_nothing(kafka_runtime: KafkaRuntime, tmp_path: Path) -> None:
    broker = Broker(kafka_runtime, tmp_path)
    with pytest.raises(BrokerFailed, match="did not answer within 0 s"):
        broker.start(timeout=0)
    assert not broker.running
    assert is_free(broker.port)


def test_a_folder_that_cannot_be_written(kafka_runtime: KafkaRuntime, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BrokerFailed, match="cannot write"):
        Broker(kafka_runtime, tmp_path / "file" / "data").start()


STARTER = """
import sys, time
from pathlib import Path
from ops.kafka import Broker, prepare

broker = Broker(prepare(), Path(sys.argv[1]))
broker.start()
print(broker.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_dies_with_the_process_that_started_it(kafka_runtime: KafkaRuntime, tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTER, str(tmp_path / "data")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        starter.kill()
    assert gone(pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_runs_one_until_it_is_told_to_end(
    kafka_runtime: KafkaRuntime, tmp_path: Path, number: signal.Signals
) -> None:
    arguments = ["broker", "--port", "0", "--data-dir", str(tmp_path / "data")]
    command = [sys.executable, "-c", "from streams.cli import main; main()", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2], text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        log = process.stdout.readline().removeprefix("log: ").strip()
        create(address, "t")
        process.stdout.readline()
        process.send_signal(number)
        assert process.wait(60) == 0
    assert Path(log).exists()
    assert is_free(int(address.split(":")[1]))


@pytest.mark.acceptance
def test_a_quorum_of_three_goes_on_without_one(kafka_runtime: KafkaRuntime, tmp_path: Path) -> None:
    voters = [Voter(number, free_port()) for number in (1, 2, 3)]
    cluster_id = new_cluster_id()
    nodes = [
        Broker(kafka_runtime, tmp_path / str(id), node_id=id, voters=voters, cluster_id=cluster_id) for id in (1, 2, 3)
    ]
    with ExitStack() as stack:
        for broker in nodes:
            stack.callback(broker.kill)
            broker.launch()
        for broker in nodes:
            broker.wait_until_answers()
        servers = ",".join(broker.bootstrap_servers for broker in nodes)
        create(servers, "t", replication=3)
        produce(servers, "t", b"1")
        nodes[0].kill()
        produce(servers, "t", b"2")
        nodes[0].restart()
        assert read(servers, "t", 2) == [b"1", b"2"]


def test_cluster_ids_have_kafkas_form() -> None:
    ids = {new_cluster_id() for _ in range(500)}
    assert len(ids) == 500
    assert {len(text) for text in ids} == {22}
    assert not any(text.startswith("-") for text in ids)
