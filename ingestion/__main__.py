"""`python -m ingestion` is `ingest`."""

from ingestion.cli import main

main(prog_name="ingest")
