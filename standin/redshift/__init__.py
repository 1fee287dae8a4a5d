"""The Redshift face: a gateway that speaks Redshift to its clients and relays to a real Postgres.

`gateway` listens, `connection` relays one client's messages, `dialect` rewrites statements, `catalog` makes the rest of
the dialect in `pg_catalog`, `s3` executes COPY and UNLOAD, `process` runs the gateway in a process of its own.
"""
