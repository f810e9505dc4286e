"""The hardened edge to Apache Kafka: Faust's consumer with its gaps closed, the producer, topics, settings.

What is here knows brokers, partitions and offsets, and nothing of work orders and tickets beyond topic names.
"""
