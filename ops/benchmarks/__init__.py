"""Speed and memory in one command: ``python -m ops.benchmarks`` (``make bench``).

Real processes on this machine: Apache Kafka, the Willow emulator, one worker. Each part prints its figure beside
its goal, as a ratio; nothing runs on afterwards.
"""
