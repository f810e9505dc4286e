"""`twins pull`: places and things for the entity topic from Willow's twins, for tenants that Mapped feeds.

What kind a twin is (``models``), the records (``entities``), and the order in which all is read (``walk``). It knows
nothing of Kafka.
"""

from streams.pulling.models import Kinds, NoModels, kinds_of
from streams.pulling.walk import Pulled, Walk

__all__ = ["Kinds", "NoModels", "Pulled", "Walk", "kinds_of"]
