"""The read side: what stands in the topics and in Willow, gathered for the commands and the console.

Nothing here writes. Kafka is read by blocking calls, each bounded; who has an event loop runs them in a thread.
"""
