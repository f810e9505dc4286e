"""What is remembered: compacted topics read whole by each worker (twins, identities, claims), and the order table."""
