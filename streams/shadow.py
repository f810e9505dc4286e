"""A worker in shadow mode: the app with another outlet."""

from collections.abc import Mapping
from typing import Any

from streams.agents.outlet import Outlet
from streams.agents.shadow import (
    ShadowCalls,
    ShadowClaims,
    ShadowControls,
    ShadowIdentities,
    ShadowWriter,
    in_shadow,
)
from streams.app import SyncApp


class ShadowApp(SyncApp):
    """Takes the settings of a shadow (``ShadowSettings``)."""

    def _outlet(self) -> Outlet:
        identities = ShadowIdentities(self.identities)
        claims = ShadowClaims(self.claims)
        controls = ShadowControls(self.controls, claims)
        writer = ShadowWriter(self.producer, self.settings, identities, claims, controls, self._controls_changed)
        return Outlet(writer, ShadowCalls, identities, claims, controls, self._told)

    def words(self, outcome: Mapping[str, Any]) -> Mapping[str, Any]:
        return in_shadow(outcome)
