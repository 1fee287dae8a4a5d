"""Streams that events are put on: one small interface, and an implementation each for Kafka and Kinesis."""
