"""The decision on one record, and nothing else: input forms, places and twins, enumerations, field mapping,
plan.

Pure: no Faust, no Kafka, no HTTP, no clock. The same record, twin table, Willow lists and settings give the
same intent for ever, which is what lets a record be planned again after a crash, a wake-up or a replay.
"""
