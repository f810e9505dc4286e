"""The operator's page of one worker: what it is doing, what holds it, and what it knows of an order. Reads memory and
the worker's own order table, never a topic; changes nothing."""
