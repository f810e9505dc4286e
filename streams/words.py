"""Words for people that more than one room of the house says."""


def counted(count: int, noun: str) -> str:
    """``1 order``, ``2 orders``, ``2 entities``."""
    return f"{count} {noun if count == 1 else plural(noun)}"


def one_or_more(count: int, things: str) -> str:
    """A plural in ``-s``, or its singular where there is one."""
    return things.removesuffix("s") if count == 1 else things


def plural(noun: str) -> str:
    """``orders``, ``entities``."""
    return f"{noun.removesuffix('y')}ies" if noun.endswith("y") else f"{noun}s"
