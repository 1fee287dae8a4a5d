"""Gathers the operator's systems into the warehouse's raw schemas.

A source is described in one file of `ingestion/sources/`: where its data is (a transport), what it looks like
(a format), and what a good row is (a contract). `ingestion/landing.py` does the rest for every source alike.
"""
