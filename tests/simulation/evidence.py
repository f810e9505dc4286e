"""What a run has written down, read along by the checker: outcomes, identities, intents, dead letters, states."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from ops.demo.evidence import Coordinates
from schemas import dead_letter
from streams.delivery.state import OrderState, outdated
from streams.reading.states import standing_of
from streams.settings import TopicSettings
from tests.acceptance.records import ESTATE, TICKET_URN
from tests.simulation.log import Entry
from tests.simulation.scenario import Record
from tests.simulation.world import World

_TWIN_URN = "urn:willowinc:twin:id:"

#: Writes what is not ours.
STRANGER = "a stranger"


class Groups(NamedTuple):
    workers: Mapping[str, tuple[str, ...]]
    changelogs: Mapping[str, str]

    def of(self, process: str) -> str:
        """The consumer group of a process."""
        name = process.partition(".")[0]
        return next(group for group, names in self.workers.items() if name in names)


class Evidence:
    """By the coordinates of the input record it speaks of."""

    def __init__(self, world: World, topics: TopicSettings, groups: Groups) -> None:
        self._world, self._topics, self._groups = world, topics, groups
        self.sent: dict[Coordinates, tuple[Entry, Record]] = {}
        self.said: dict[Coordinates, list[dict[str, Any]]] = defaultdict(list)
        """Final outcomes, in the order in which they were written."""
        self.replays: dict[str, Coordinates] = {}
        """Id of each replay that an operator asked for → its record."""
        self.replayed: dict[str, list[dict[str, Any]]] = defaultdict(list)
        """Id of a replay → its final outcomes."""
        self.parked: dict[Coordinates, dict[str, Any]] = {}
        self.parked_replays: dict[str, dict[str, Any]] = {}
        """Id of a replay → what it was parked with."""
        self.identities: dict[str, str] = {}
        self.intended: set[Coordinates] = set()
        self.buried: dict[Coordinates, Entry] = {}
        self.first_said_by: dict[Coordinates | str, str] = {}
        """The consumer group that wrote the first final outcome of a record, or of a replay (its id)."""
        self.belated: set[int] = set()
        """``id`` of the outcomes that a worker wrote which had been frozen."""
        self.states: dict[tuple[str, bytes], bytes] = {}
        """Changelog and order → its newest state."""
        self.twins = {entity["id"]: _twin(entity) for entity in ESTATE}
        self._read = 0

    def produced(self, entry: Entry, record: Record) -> None:
        self.sent[Coordinates(entry.topic, entry.partition, entry.offset)] = (entry, record)

    def finals(self, record: Record) -> list[dict[str, Any]]:
        """A record's own final outcomes, as they were written, without those of its replays."""
        at = next(at for at, (_, sent) in self.sent.items() if sent is record)
        return self.said[at]

    def state_of(self, order_id: str) -> OrderState | None:
        """As one of the groups has it."""
        self.read_on()
        raw = next((raw for (_, key), raw in self.states.items() if key == order_id.encode()), None)
        return OrderState.from_json(raw) if raw is not None else None

    def standing_at(self, order_id: str) -> Coordinates | None:
        """The newest decided record of an order."""
        state = self.state_of(order_id)
        standing = standing_of(state) if state is not None else None
        return source_of({"source": standing.source}) if standing is not None else None

    def read_on(self) -> None:
        everything = self._world.log.all
        readers = {
            self._topics.name("outcomes"): self._outcome,
            self._topics.name("ticket_identities"): self._identity,
            self._topics.name("ticket_intents"): self._intent,
            self._topics.name("dead_letters"): self._dead_letter,
            **dict.fromkeys(self._groups.changelogs.values(), self._state),
            self._topics.entities: self._entity,
        }
        for entry in everything[self._read :]:
            if (reader := readers.get(entry.topic)) is not None:
                reader(entry)
        self._read = len(everything)

    def _outcome(self, entry: Entry) -> None:
        said = orjson.loads(entry.value or b"")
        at, replay = source_of(said), said["replayId"]
        if said["final"]:
            (self.replayed[replay] if replay else self.said[at]).append(said)
            self.first_said_by.setdefault(replay or at, self._groups.of(entry.written_by))
            if entry.written_by in self._world.ever_frozen:
                # It may have left the process before it was frozen, and arrived when it was thawed.
                self.belated.add(id(said))
        else:
            self.parked[at] = said
            if replay:
                self.parked_replays[replay] = said

    def _identity(self, entry: Entry) -> None:
        if not entry.value:
            assert entry.key is not None
            self.identities.pop(entry.key.decode(), None)  # its ticket is gone
            return
        record = orjson.loads(entry.value)
        self.identities[record["entityId"]] = record["identity"]["value"].removeprefix(TICKET_URN)

    def _intent(self, entry: Entry) -> None:
        if entry.written_by != STRANGER:
            self.intended.add(source_of(orjson.loads(entry.value or b"")))

    def _dead_letter(self, entry: Entry) -> None:
        headers = {name: value.decode() for name, value in entry.headers}
        topic, partition, offset = (headers[n] for n in (dead_letter.TOPIC, dead_letter.PARTITION, dead_letter.OFFSET))
        self.buried[Coordinates(topic, int(partition), int(offset))] = entry

    def _state(self, entry: Entry) -> None:
        assert entry.key is not None
        assert entry.value is not None
        # As a recovery reads it: what a former owner sent late does not count.
        if not outdated(entry.value, self.states.get((entry.topic, entry.key))):
            self.states[entry.topic, entry.key] = entry.value

    def _entity(self, entry: Entry) -> None:
        document = orjson.loads(entry.value or b"")
        self.twins[document["id"]] = _twin(document)


def in_a_word(said: Mapping[str, Any]) -> str:
    """An outcome's reason code, or where it has none the outcome itself."""
    word: str = (said["reason"] or {}).get("code") or said["outcome"]
    return word


def source_of(record: Mapping[str, Any]) -> Coordinates:
    source = record["source"]
    return Coordinates(source["topic"], source["partition"], source["offset"])


def _twin(entity: Mapping[str, Any]) -> str | None:
    values = [identity["value"] for identity in entity.get("identities") or ()]
    return next((value.removeprefix(_TWIN_URN) for value in values if value.startswith(_TWIN_URN)), None)
