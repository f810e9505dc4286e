"""What the commands that look at a portfolio share: orders that were named must be there."""

from collections.abc import Iterable

from streams.cli.common import CliError
from streams.reading.survey import Survey


def must_be_known(survey: Survey, orders: Iterable[str]) -> None:
    """Raises CliError: nothing found of a wrong id would look like an order that is in order."""
    unknown = [order for order in orders if survey.ledger.get(order) is None]
    if unknown:
        raise CliError(
            f"unknown: {', '.join(unknown)}; no record in {survey.settings.topics.work_orders}, no state, no identity",
            "Take the order's id as its records have it (letters count).",
        )
