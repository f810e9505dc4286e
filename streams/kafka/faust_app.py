"""Faust, set up as the trials on Apache Kafka showed it to be safe."""

import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote

import faust

from streams.kafka.record import RUN_RECORDS
from streams.kafka.transport import SCHEME, register
from streams.settings import Settings

#: The rebalance waits for creates; a coordinator that does not would hand their orders to another worker. More than
#: all that a drain may take: its margin, the end of what was cancelled, the planners' last acknowledgements.
REBALANCE_MARGIN = 20.0


def tables_folder(settings: Settings) -> Path:
    """Each group's own: its states and their offsets are of its own changelog, and a new group begins with none."""
    return Path(settings.data_dir).absolute() / f"group-{quote(settings.kafka.group_id, safe='')}"


def faust_app(settings: Settings) -> Any:
    """The app that a worker runs in; topics, tables and agents are still to be declared on it."""
    register()
    kafka = settings.kafka
    servers = kafka.bootstrap_servers.split(",")
    tables = tables_folder(settings)
    # Faust makes the folder itself only where its parent is there.
    tables.parent.mkdir(parents=True, exist_ok=True)
    return faust.App(
        kafka.group_id,
        broker=[f"{SCHEME}://{server.strip()}" for server in servers],
        store="rocksdb://",
        datadir=tables,
        processing_guarantee="at_least_once",
        broker_commit_interval=0.5,
        broker_session_timeout=kafka.session_timeout.total_seconds(),
        broker_heartbeat_interval=kafka.heartbeat_interval.total_seconds(),
        broker_rebalance_timeout=settings.willow.request_timeout.total_seconds() + REBALANCE_MARGIN,
        broker_max_poll_records=2000,
        # In runs: as many records as one poll may bring and more, since a full buffer holds up all other agents.
        stream_buffer_maxsize=4096 // RUN_RECORDS,
        stream_wait_empty=True,
        # Every position is sought explicitly (``Consumer.perform_seek``): records that are missing must not be skipped.
        consumer_auto_offset_reset="none",
        consumer_group_instance_id=kafka.instance_id,
        table_standby_replicas=1,
        topic_allow_declare=False,
        topic_disable_leader=True,
        agent_supervisor="mode.CrashingSupervisor",
        web_enabled=False,
        autodiscover=False,
        **_security(settings),
    )


def _security(settings: Settings) -> dict[str, Any]:
    kafka = settings.kafka
    options: dict[str, Any] = {}
    if kafka.security_protocol != "PLAINTEXT":
        context = None
        if kafka.security_protocol in ("SSL", "SASL_SSL"):
            context = ssl.create_default_context(cafile=kafka.ssl_cafile)
            if kafka.ssl_certfile:
                context.load_cert_chain(kafka.ssl_certfile, kafka.ssl_keyfile)
            options["ssl_context"] = context
        if kafka.security_protocol.startswith("SASL"):
            options["broker_credentials"] = faust.SASLCredentials(
                mechanism=kafka.sasl_mechanism,
                username=kafka.sasl_username,
                password=kafka.sasl_password.get_secret_value() if kafka.sasl_password else None,
                ssl_context=context,
            )
        else:
            options["broker_credentials"] = faust.SSLCredentials(context)
    return options
