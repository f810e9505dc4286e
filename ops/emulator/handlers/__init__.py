"""What answers each operation, one module per group of Willow's API; ``HANDLERS`` is operation → function."""
