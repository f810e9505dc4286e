"""The settings of a shadow (contract §9), made from those of the workers whose deployment it stands beside."""

from typing import ClassVar, Self

from streams.settings import InDoubt, Settings, TopicSettings

#: Topics that a shadow writes; all others it shares with the workers, and only reads.
OWN_TOPICS = ("outcomes", "ticket_intents", "replans")

SHADOW = "shadow-"


class ShadowSettings(Settings):
    """A group, topics and a data folder of its own; the rest is the workers'."""

    make_topics: ClassVar[str] = "`willow-sync topics --shadow`"

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Raises pydantic.ValidationError if another topic has the name of one of the shadow's."""
        topics = settings.topics
        names = {kind: topics.prefix + SHADOW + kind.replace("_", "-") for kind in OWN_TOPICS}
        changes = {
            "kafka": settings.kafka.model_copy(update={"group_id": f"{settings.kafka.group_id}-shadow"}),
            "topics": TopicSettings.model_validate({**topics.model_dump(), **names}),
            # A doubt is the real workers', and theirs to end: a claim that it released itself would still be open.
            "in_doubt": InDoubt(then="hold", settle=settings.in_doubt.settle),
            "data_dir": f"{settings.data_dir}/shadow",
        }
        same = {name: getattr(settings, name) for name in cls.model_fields}
        return cls.model_construct(**{**same, **changes})
