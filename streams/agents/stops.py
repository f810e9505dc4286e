"""What holds the sink besides Willow itself: the brake, and operators who say ``pause`` and ``resume``."""

from collections.abc import Mapping
from typing import Any

from streams.delivery.brake import Brake
from streams.delivery.pause import BRAKE, OPERATOR, Breaker
from streams.tables.controls import Controls, Pauses

#: What ends a pulled brake.
RELEASE_REMEDY = "mend the cause, then run `willow-sync resume` (or restart this worker)"


class Stops:
    """Used from one event loop. A ``resume`` lifts a pause and the brake, if it is read after the brake was pulled:
    the log's order counts, for two machines' clocks would not agree on what was first."""

    def __init__(self, breaker: Breaker, controls: Controls) -> None:
        self._breaker, self._controls = breaker, controls
        self._brake = Brake()
        self._obeyed = Pauses()

    def decided(self, outcome: Mapping[str, Any]) -> None:
        """A record's final outcome, each once."""
        if self._brake.decided(outcome):
            self._breaker.hold(BRAKE, f"{self._brake.pulled}; {RELEASE_REMEDY}")

    def controls_changed(self) -> None:
        """The view of the controls has read on."""
        said = self._controls.pauses
        if said is self._obeyed:
            return
        resumed = said.resumes > self._obeyed.resumes
        self._obeyed = said
        if resumed:
            self._brake.release()
            self._breaker.lift(BRAKE, OPERATOR)
        if (pause := said.paused) is not None:
            note = f": {pause.note}" if pause.note else ""
            when = pause.at.isoformat(timespec="seconds")
            self._breaker.hold(OPERATOR, f"paused by {pause.by} at {when}{note}; `willow-sync resume` lifts it")
