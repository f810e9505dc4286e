"""How the sink keeps its promises, free of Faust, Kafka and HTTP: reconcile, the create protocol, the fault table,
per-order sequencing, the offset watermark, breaker and rate limit."""
