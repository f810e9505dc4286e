"""What surrounds the program: Apache Kafka without Docker, Willow's emulator, sample data, benchmarks.

Nothing here is needed by a worker in production; it imports `schemas`, never the agents.
"""
