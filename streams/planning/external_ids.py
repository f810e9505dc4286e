"""The ticket's ``externalId`` and the work order it names (setting ``external_id_template``)."""

from dataclasses import dataclass

_ID = "{id}"


@dataclass(frozen=True, slots=True)
class ExternalIds:
    """``template`` contains ``{id}`` once or more, as the settings make sure."""

    template: str

    def of(self, order_id: str) -> str:
        return self.template.replace(_ID, order_id)

    def order_of(self, external_id: str) -> str | None:
        """The order whose externalId this is; None if the template makes no such id of any order."""
        before, _, after = self.template.partition(_ID)
        if after.count(_ID):
            # Named twice: the first part that both agree on.
            length = (len(external_id) - len(self.template.replace(_ID, ""))) // self.template.count(_ID)
            found = external_id[len(before) : len(before) + length]
        elif len(external_id) > len(before) + len(after):
            found = external_id[len(before) : len(external_id) - len(after)]
        else:
            return None
        return found if found and self.of(found) == external_id else None
