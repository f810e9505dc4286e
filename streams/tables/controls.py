"""What operators tell all workers, read from ``willow-sync.create-claims`` (``schemas.control``)."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from schemas.control import GAP_KEY, PAUSE_KEY, PAUSE_PARTITION, TAKEN_OVER_KEY, PauseControl, PauseState
from streams.planning.forms import Header
from streams.tables.view import Handler

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pauses:
    """The newest word on pausing, and how many times it was ``resumed`` since the reader began."""

    newest: PauseControl | None = None
    resumes: int = 0

    @property
    def paused(self) -> PauseControl | None:
        """The pause that holds now."""
        return self.newest if self.newest and self.newest.state is PauseState.PAUSED else None


class Controls:
    """Filled by a View; all that is no control goes on to ``claims``. ``pauses`` is replaced whole, so that a reader in
    another thread sees one word or the next, never a mixture."""

    def __init__(self, claims: Handler) -> None:
        self._claims = claims
        self.pauses = Pauses()
        #: Instances and partitions whose tickets are written down as candidates.
        self.taken_over: set[tuple[str, int]] = set()

    def is_taken_over(self, instance: str, partition: int) -> bool:
        """Whether creates may begin: the instance's tickets are written down as candidates."""
        return (instance, partition) in self.taken_over

    def apply(
        self,
        partition: int,
        offset: int,
        timestamp_ms: int,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[Header] = (),
    ) -> None:
        if key is not None and key.startswith(TAKEN_OVER_KEY):
            # A tombstone takes it back: the tickets are listed once more.
            change = self.taken_over.discard if value is None else self.taken_over.add
            change((key.removeprefix(TAKEN_OVER_KEY).decode(errors="replace"), partition))
        elif key is not None and key.startswith(GAP_KEY):
            return  # for people to read
        elif key != PAUSE_KEY:
            self._claims.apply(partition, offset, timestamp_ms, key, value, headers)
        elif partition == PAUSE_PARTITION:
            self._pause(offset, value)

    def _pause(self, offset: int, value: bytes | None) -> None:
        try:
            control = PauseControl.model_validate_json(value or b"null")
        except ValidationError as error:
            # A newer version's word, or somebody's tombstone: what was said before holds.
            log.warning("%s at offset %d says nothing of ours, passed over: %s", PAUSE_KEY.decode(), offset, error)
            return
        resumed = control.state is PauseState.RESUMED
        self.pauses = Pauses(control, self.pauses.resumes + resumed)
