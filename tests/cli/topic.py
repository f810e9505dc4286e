"""What a command wrote to a topic."""

from confluent_kafka import Consumer, Message

from streams.settings import Settings


def read(settings: Settings, topic: str, count: int) -> list[Message]:
    """The topic's first ``count`` records. Fails when none comes for 20 seconds."""
    consumer = Consumer(
        {
            "bootstrap.servers": settings.kafka.bootstrap_servers,
            "group.id": "reader",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    try:
        consumer.subscribe([topic])
        records: list[Message] = []
        while len(records) < count:
            batch = consumer.consume(count - len(records), timeout=20)
            assert batch, f"{len(records)} of {count} records arrived"
            records.extend(batch)
        return records
    finally:
        consumer.close()
