"""``willow-sync.dead-letters``: the original key, value and headers, untouched, plus these headers (contract §5)."""

PREFIX = "willow-sync.error."
CODE = PREFIX + "code"
MESSAGE = PREFIX + "message"
REMEDY = PREFIX + "remedy"
TOPIC = PREFIX + "topic"
PARTITION = PREFIX + "partition"
OFFSET = PREFIX + "offset"
TIME = PREFIX + "time"

MAX_HEADER_BYTES = 4096
"""All the headers we add together stay under this (contract §2)."""
