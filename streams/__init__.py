"""willow-sync: keeps the work orders of a building graph (Mapped) and the tickets of Willow in step."""

__version__ = "0.1.0"
