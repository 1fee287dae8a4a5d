"""Streams of events: how they are put on, how they are read, and the consumers that share them."""
