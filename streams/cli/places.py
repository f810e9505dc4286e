"""``P:OFFSET`` on the command line."""

from typing import Any

import click


class Place(click.ParamType):
    """A partition and an offset, as in ``3:1207``."""

    name = "P:OFFSET"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        partition, _, offset = str(value).partition(":")
        if not (partition.isdecimal() and offset.isdecimal()):
            self.fail(f"found {value!r}, expected PARTITION:OFFSET as in 3:1207", param, ctx)
        return int(partition), int(offset)


PLACE = Place()
