"""The demo: real processes on Apache Kafka, a portfolio played to them, a worker killed in the middle, and an
independent checker that says afterwards whether every promise was kept.
"""
