"""The planner and the sink: they move records between topics, tables and the packages that decide."""
