"""A Mapped to read from: its GraphQL API as far as it is published, over the sample portfolio or a file.

Strict: a field, a filter or a type that is not in the schema refuses the whole query, in GraphQL's form.
``MappedEmulator`` runs in the caller's event loop; ``willow-sync mapped-emulator`` runs it as a process.
"""

from ops.mapped.graph import Graph, load_graph, portfolio_graph
from ops.mapped.language import GraphQLFault, parse
from ops.mapped.server import DEFAULT_TOKEN, MappedEmulator

__all__ = ["DEFAULT_TOKEN", "Graph", "GraphQLFault", "MappedEmulator", "load_graph", "parse", "portfolio_graph"]
