"""The commands of `ingest`, one module for each idea. They import what is heavy when they run."""
