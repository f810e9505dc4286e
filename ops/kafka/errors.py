"""What can go wrong between a fresh machine and a running broker.

KafkaSetupError
├── FetchError      the jars could not be fetched, or were not what is pinned
├── JavaNotFound    no Java that is new enough
├── PortTaken       another process listens on the port
└── BrokerFailed    the broker ended by itself, or did not answer in time
"""


class KafkaSetupError(Exception):
    """Its text says what was found; ``remedy`` says what the operator can do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class FetchError(KafkaSetupError):
    pass


class JavaNotFound(KafkaSetupError):
    pass


class PortTaken(KafkaSetupError):
    pass


class BrokerFailed(KafkaSetupError):
    pass
