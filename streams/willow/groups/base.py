"""What the groups share."""

from streams.willow.calls import Calls

PAGE_SIZE = 100
"""Items on a page where Willow publishes no maximum; it is its own default for tickets."""


class GroupOfCalls:
    """A part of a WillowClient; made by it. Every method raises one of the errors drawn in ``errors``."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
