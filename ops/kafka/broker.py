"""One Apache Kafka node as a child process: format, start, wait until it answers, stop, kill, restart."""

import base64
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from ops.kafka.errors import BrokerFailed, KafkaSetupError, PortTaken
from ops.kafka.failures import diagnose, last_words, port_taken
from ops.kafka.folder_lock import folder_lock
from ops.kafka.ports import HOST, free_port, is_free, is_open
from ops.kafka.properties import DATA_FOLDER, Voter, properties_file, server_properties
from ops.kafka.runtime import KafkaRuntime
from ops.tether import tethered

START_TIMEOUT = 60.0
"""Seconds until a started broker must answer; 3 s on an idle machine, more after a kill or under load."""
STOP_TIMEOUT = 20.0
"""Seconds that a broker gets to close its logs after SIGTERM."""
_FORMAT_TIMEOUT = 60.0
_PORT_ATTEMPTS = 3

_JVM_OPTIONS = ("-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""A short start and a small process count here, not the throughput after an hour."""
_LOG4J = Path(__file__).with_name("log4j2.xml")


class BrokerAddress(Protocol):
    """A broker that others may share: where it is, and nothing that stops it."""

    @property
    def bootstrap_servers(self) -> str: ...


def new_cluster_id() -> str:
    """A random id in Kafka's form; never starts with a dash, which Kafka's tools would read as an option."""
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text


class Broker:
    """A node of Apache Kafka on the loopback address, plaintext, broker and KRaft controller in one process.

    ``data_dir`` holds its data, its ``server.properties`` and, unless ``log`` names another place, its
    ``broker.log``; what the JVM itself says goes to ``broker.out`` beside the log. ``port`` 0 takes a free
    one, kept over restarts. ``properties`` are added to ours and win.

    For a quorum give every node its ``node_id``, the same ``voters`` and the same ``cluster_id``,
    ``launch()`` all of them, and then ``wait_until_answers()`` for each.

    As a context manager it starts and stops. The process dies with the thread that launched it (on Linux, see
    ``ops.tether``)."""

    def __init__(
        self,
        runtime: KafkaRuntime,
        data_dir: Path,
        *,
        port: int = 0,
        log: Path | None = None,
        properties: Mapping[str, str] | None = None,
        node_id: int = 1,
        voters: Sequence[Voter] = (),
        cluster_id: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runtime = runtime
        self._given_voters = tuple(voters)
        self._properties = dict(properties or {})
        self._node_id = node_id
        self._cluster_id = cluster_id
        self._sleep = sleep
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        self._voters = self._given_voters
        self.port = port
        self.data_dir = data_dir.absolute()
        self.log = (log or self.data_dir / "broker.log").absolute()

    @property
    def bootstrap_servers(self) -> str:
        """``host:port``; known once the broker was launched."""
        return f"{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def running(self) -> bool:
        return self.pid is not None

    def start(self, timeout: float = START_TIMEOUT) -> None:
        """Starts the node and returns when it answers. ``timeout`` in seconds.

        Raises PortTaken, and BrokerFailed if it ends or does not answer in time; nothing runs on then."""
        any_port = self.port == 0 and not self._given_voters
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            try:
                self.launch()
                self.wait_until_answers(timeout)
                return
            except PortTaken:
                # A port that we chose can be taken before the broker binds it; one that was named is final.
                if not any_port or attempt == _PORT_ATTEMPTS:
                    raise
                self.port = 0

    def launch(self) -> None:
        """Formats the data folder if it is new and starts the process, without waiting for it.

        Raises PortTaken, BrokerFailed."""
        if self.running:
            raise BrokerFailed(f"the broker at {self.bootstrap_servers} runs already", "stop it first")
        self._choose_ports()
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with folder_lock(self.data_dir) as lock:
                self._launch(lock)
        except OSError as error:
            raise BrokerFailed(
                f"cannot write the broker's files: {error}", "name a data folder that this user may write"
            ) from error

    def wait_until_answers(self, timeout: float = START_TIMEOUT) -> None:
        """Returns when the broker answers a metadata request; kills it otherwise.

        Raises PortTaken, BrokerFailed."""
        try:
            self._wait(self._clock() + timeout, timeout)
        except BaseException:
            self.kill()
            raise

    def stop(self, timeout: float = STOP_TIMEOUT) -> None:
        """SIGTERM, and SIGKILL after ``timeout`` seconds; returns when the process is gone."""
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """SIGKILL: what a machine's failure leaves, acknowledged records included."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def restart(self, timeout: float = START_TIMEOUT) -> None:
        """Stops it if it runs, and starts it again on the same data and port. Raises as ``start``."""
        self.stop()
        self.launch()
        self.wait_until_answers(timeout)

    def __enter__(self) -> "Broker":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def failure(self) -> KafkaSetupError:
        """Why the process ended by itself, from its exit code and what it wrote since its start."""
        return diagnose(
            self._said(),
            exit_code=self._process.poll() if self._process else None,
            port=self.port,
            data_dir=self.data_dir,
            log=self.log,
        )

    @property
    def _out(self) -> Path:
        return self.log.with_suffix(".out")

    def _choose_ports(self) -> None:
        if self.port == 0:
            self.port = free_port()
        elif not is_free(self.port):
            raise port_taken(self.port)
        if not self._given_voters:
            self._voters = (Voter(self._node_id, free_port()),)

    def _launch(self, lock: IO[bytes]) -> None:
        self._write_files()
        with self._out.open("ab") as out:
            # Kafka writes this file last: a format that was cut off is done again.
            if not (self.data_dir / DATA_FOLDER / "meta.properties").exists():
                self._format(out, lock)
            self._process = self._spawn(out, lock, "kafka.Kafka", "server.properties")

    def _write_files(self) -> None:
        config = server_properties(node_id=self._node_id, port=self.port, voters=self._voters, extra=self._properties)
        (self.data_dir / "server.properties").write_text(properties_file(config))
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        self._out.write_bytes(b"")

    def _format(self, out: IO[bytes], lock: IO[bytes]) -> None:
        cluster_id = self._cluster_id or new_cluster_id()
        arguments = ("format", "--ignore-formatted", "-t", cluster_id, "-c", "server.properties")
        process = self._spawn(out, lock, "kafka.tools.StorageTool", *arguments)
        try:
            code = process.wait(_FORMAT_TIMEOUT)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            process.kill()
            process.wait()
        if code != 0:
            raise BrokerFailed(
                f"the data folder {self.data_dir} could not be formatted: {last_words(self._said())}",
                f"read {self._out}; is the disk full, or the folder not writable?",
            )

    def _spawn(self, out: IO[bytes], lock: IO[bytes], main_class: str, *arguments: str) -> subprocess.Popen[bytes]:
        options = (*_JVM_OPTIONS, f"-Dlog4j2.configurationFile={_LOG4J.as_uri()}", f"-Dbroker.log={self.log}")
        return subprocess.Popen(
            tethered(self._runtime.command(options, main_class, *arguments)),
            cwd=self.data_dir,
            pass_fds=(lock.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            # A group of its own: Ctrl-C must reach the clients first, and the broker only through stop().
            process_group=0,
        )

    def _wait(self, deadline: float, timeout: float) -> None:
        admin = AdminClient({"bootstrap.servers": self.bootstrap_servers, "log_level": 0})
        while self.running:
            # Not before the port is open: the client would wait longer and longer between its attempts.
            if is_open(self.port):
                try:
                    if admin.list_topics(timeout=1).brokers:
                        return
                except KafkaException:
                    pass
            if self._clock() > deadline:
                raise BrokerFailed(
                    f"the broker at {self.bootstrap_servers} did not answer within {timeout:g} s",
                    f"read {self.log}; is the machine short of memory or processor time?",
                )
            self._sleep(0.05)
        raise self.failure()

    def _said(self) -> str:
        # From this start only: an old failure further up in the log is not the cause of this one.
        said = self._out.read_bytes() if self._out.exists() else b""
        if self.log.exists():
            with self.log.open("rb") as log:
                log.seek(self._log_start if self.log.stat().st_size >= self._log_start else 0)
                said += log.read()
        return said.decode(errors="replace")
