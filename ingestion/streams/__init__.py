"""Streams of events: their readers, and the consumers that share them."""
