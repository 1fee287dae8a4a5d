"""The collector: takes events over HTTP, holds them against their schema, and puts them on the stream.

- `schemas/event/`: what an event is, version by version; `schema.py` makes of it what msgspec decodes.
- `intake.py`: a body into records for the stream, and a reason for each event that is none. Pure.
- `enrichment.py`: what the collector adds: time, identity, site, truncated address, user agent. Pure.
- `sites.py`: who may send: write keys, origins, so many events a second.
- `spool.py`: the disk, for when the stream is not there.
- `outlet.py`: the stream, or else the disk. An event is acknowledged when one of them has it.
- `app.py`: the ASGI application, with `answers.py`, `openapi.py` and `metrics.py`.
- `serve.py`: the process.
"""
