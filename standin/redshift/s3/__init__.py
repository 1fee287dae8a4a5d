"""COPY from and UNLOAD to S3, executed for real against any S3 endpoint.

The seam with the dialect (pure, no I/O, light imports):

    command = parse_copy(text, case_sensitive=context.case_sensitive)       # CopyCommand; raises DialectError
    command = parse_unload(text, rewrite=one_select)                        # UnloadCommand; raises DialectError

`rewrite` turns the one SELECT inside of UNLOAD from Redshift's SQL to Postgres'. Both give a command that is
hashable, and whose `repr` and `shown` (the statement as it may be shown, logged and stored) hold no secret. It goes
into `Statement(text=command.shown, action=command)`; that text is never sent to Postgres.

The seam with the connection. Data travels through the COPY sub-protocol of the client's own backend, hence inside the
client's transaction, and with no file, pipe or file privilege. Parse and Bind of such a statement are answered by the
gateway itself (NoData at Describe). At every Execute (or simple Query), all of it anew:

    copy = command.begin(Client(...))             # no I/O
    try:
        rows = <run copy.columns_query on the backend, values as text>
        sql = copy.statement(rows)                # raises DialectError: no such table, no such column, ...
        <run sql: CopyInResponse comes, or an ErrorResponse, which is the client's answer>
        async for chunk in copy.chunks():         # bytes, at most about a megabyte each; raises DialectError
            <send CopyData(chunk), await drain>
        <send CopyDone; CommandComplete or ErrorResponse comes>
        copy.succeeded()                          # only after CommandComplete
    finally:
        await copy.close()                        # always; waits for the worker thread

When `chunks` raises, send CopyFail, drop the ErrorResponse that comes, and answer with the DialectError instead.

    unload = command.begin(Client(...))
    try:
        fields = <Parse, Describe of unload.query on the backend: (name as the client would see it, oid, typmod)>
        sql = unload.statement(fields)            # raises DialectError
        await unload.prepare()                    # looks at the prefix; raises DialectError: not empty, no bucket, ...
        <run sql: CopyOutResponse comes, or an ErrorResponse, which is the client's answer>
        for every CopyData (several payloads may be joined):
            await unload.receive(payload)         # waits while the worker is behind; raises DialectError
        <CommandComplete comes>
        await unload.finish()                     # the last parts are uploaded; raises DialectError
    finally:
        await unload.close()                      # always; what a failed UNLOAD wrote is removed

When `prepare`, `receive` or `finish` raises: cancel the backend's query if it still runs, see to it that an open
transaction block ends up failed (send anything that fails), and answer with the DialectError.

In the extended protocol inside a pipelined batch, use own named statement and portal with Flush, not a simple Query.
For both: `cancel()` (from any thread; the next chunk, receive or finish raises 57014; send CopyFail or nudge the
backend, which does not see a cancel request while it waits for data), `tag` (command tag for CommandComplete),
`notices` (INFO texts for the client, before CommandComplete), and `history` after success or failure: pairs of
(system table, {column: value as JSON can say it}), to be inserted through the gateway's own connection to the same
database, so that they stay when the client's transaction rolls back. `count` is what pg_last_copy_count() and
pg_last_unload_count() give. Values the tables do not have are dropped by the insertion.

Environment of the gateway's process: AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, AWS_REGION/AWS_DEFAULT_REGION, and the
usual AWS_* credentials for IAM_ROLE (the role itself is not assumed: the process' own credentials stand for it).
"""

from __future__ import annotations

from standin.redshift.s3.commands import Client, CopyCommand, UnloadCommand
from standin.redshift.s3.grammar import parse_copy, parse_unload

__all__ = ["Client", "CopyCommand", "UnloadCommand", "parse_copy", "parse_unload"]
