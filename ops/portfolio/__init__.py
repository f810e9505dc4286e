"""A sample portfolio of believable data: places, things, twins and the histories of some 300 work orders, as
a Debezium connector would send them, each record with the outcomes that are allowed for it.

What is expected here is worked out from the data alone and never asks ``streams.planning``: it is what the
demo's checker compares with. The same seed and instant give the same bytes.
"""

from ops.portfolio.build import build_portfolio
from ops.portfolio.records import ExpectedOrder, Feed, Message, Portfolio, TicketView

__all__ = ["ExpectedOrder", "Feed", "Message", "Portfolio", "TicketView", "build_portfolio"]
