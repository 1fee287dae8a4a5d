"""What of a client's statements takes time: questions to the backend, COPY and UNLOAD, Queries in several steps.

Everything happens on the client's own backend, hence in its transaction. Steps travel in the extended protocol with a
Flush after each, under names of the gateway's own, so that they can stand between the messages of a client's batch
without ending it. An error in one of them makes Postgres skip the rest of the batch, as an error of the client's would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin.redshift import errors, protocol
from standin.redshift.columns_needed import describe_relations
from standin.redshift.connection import not_in_transaction, refusal
from standin.redshift.dialect.statement import ColumnsNeeded, DialectError, Statement
from standin.redshift.replies import Answer, Batch, Completion, Expect, Failed, QuietSync, checked
from standin.redshift.transfer import execute_action

if TYPE_CHECKING:
    from collections.abc import Sequence

    from standin.redshift.connection import Connection
    from standin.redshift.dialect.statement import Columns
    from standin.redshift.translation import Translation

# each round asks for relations that the round before made visible: subqueries within subqueries
_ROUNDS = 32
_TRANSACTION_CONTROL = frozenset({"begin", "start", "commit", "end", "rollback", "abort"})


class Execution:
    """Works for one connection, one piece of work at a time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # -------------------------------------------------------------------------------------------- for the client

    async def query(self, text: bytes) -> None:
        """Execute a simple Query, all its answers and its ReadyForQuery included."""
        connection = self._connection
        await connection.answers.settle()
        connection.resolve_doubt()
        try:
            known = await self._translate(text)
        except DialectError as error:
            connection.refuse_query(error)
            return
        except Failed as failure:
            self._tell(failure)
            await self._sync(quiet=False)
            return
        # questions were asked in a batch, which Postgres would take the Query into, and would not commit
        await self._sync(quiet=True)
        statements = known.batch.statements
        in_doubt = connection.in_doubt or known.sets_case
        if len(statements) > 1 and (in_doubt or not known.is_plain):
            await self._several(statements, text.decode())
            connection.resolve_doubt()
        elif known.is_plain:
            self._whole(known, text)
            connection.in_doubt = in_doubt
        elif statements[0].action is not None:
            await self._act(statements[0])
            await self._sync(quiet=False)
        elif statements[0].outside_transaction and connection.answers.status == b"T":
            connection.refuse_query(not_in_transaction(statements[0]))
        else:
            self._whole(known, text)

    async def parse(self, name: bytes, text: bytes, declared: bytes) -> None:
        """Prepare a statement whose rewriting must know columns."""
        connection = self._connection
        await self._catch_up()
        connection.resolve_doubt()
        try:
            known = await self._translate(text)
            connection.send(connection.parsed(name, text, known, declared))
        except DialectError as error:
            connection.refuse_parse(error)
        except Failed as failure:
            self._tell(failure)

    async def execute(self, statement: Statement, body: bytes) -> None:
        """Execute a portal whose statement is executed here."""
        connection = self._connection
        await self._catch_up()
        if connection.answers.failed:
            connection.expect(Expect.EXECUTE)
            connection.send(protocol.message(b"E", body))
        else:
            await self._act(statement)

    # -------------------------------------------------------------------------------------------- steps

    async def ask(self, messages: bytes, *, closes: int = 1) -> Answer:
        """Send messages that end with as many Closes, and a Flush; their answer. Raises `Failed`."""
        connection = self._connection
        answer = Answer(connection.loop.create_future(), closes=closes)
        connection.ask(answer, messages + protocol.FLUSH)
        await answer.ready
        return checked(answer)

    async def rows(self, sql: str) -> list[list[bytes | None]]:
        """The rows of a query, values as text. Raises `Failed`."""
        answer = await self.ask(protocol.execute_once(sql), closes=2)
        return [protocol.row(row) for row in answer.rows]

    async def describe(self, sql: str) -> list[protocol.Column]:
        """The columns of a query that is not run. Raises `Failed`."""
        return (await self.ask(protocol.describe_once(sql), closes=2)).columns

    async def _catch_up(self) -> None:
        """Wait until all that the client has sent in this batch is answered."""
        self._connection.send(protocol.FLUSH)
        await self._connection.answers.settle()

    async def _sync(self, *, quiet: bool) -> bool:
        """End the batch; tells whether nothing in it failed."""
        connection = self._connection
        sync = QuietSync(connection.loop.create_future(), quiet=quiet)
        connection.expect(sync)
        connection.send(protocol.SYNC)
        return not await sync.ready

    async def _translate(self, text: bytes) -> Translation:
        """The translation of a text, with the columns that it takes. Raises `DialectError`, `Failed`."""
        connection = self._connection
        columns: dict[str, Columns] = {}
        for _ in range(_ROUNDS):
            try:
                return connection.translator.translate(text, columns)
            except ColumnsNeeded as needed:
                missing = [relation for relation in needed.relations if relation not in columns]
                if not missing:
                    break
                if connection.answers.status == b"E" or connection.answers.failed:
                    # the backend answers nothing now; what it says to the statement itself is what counts
                    columns.update(dict.fromkeys(missing, ()))
                else:
                    columns.update(await describe_relations(self, connection.translator, missing))
        raise DialectError("the columns of this statement's relations could not be told", "XX000")

    # -------------------------------------------------------------------------------------------- executing

    async def _act(self, statement: Statement) -> None:
        """Execute a COPY or an UNLOAD in the batch, and tell the client how it ended."""
        connection = self._connection
        try:
            connection.client.write(await execute_action(self, connection, statement))
        except Failed as failure:
            self._tell(failure)
        except DialectError as error:
            if connection.answers.failed:
                connection.client.write(refusal(error))
            else:
                # Postgres must know, so that it skips the batch and the transaction has failed
                connection.refuse_parse(error)
                await self._catch_up()

    def _tell(self, failure: Failed) -> None:
        """Pass on why a step failed, unless the client has been told of an earlier failure."""
        if failure.fields is not None:
            fields = errors.translate({key: value for key, value in failure.fields.items() if key != "P"})
            self._connection.client.write(protocol.message(b"E", protocol.join_fields(fields)))

    def _whole(self, known: Translation, text: bytes) -> None:
        """Send a Query in one piece; `text` is the client's."""
        self._connection.expect(*known.replies)
        self._connection.send(protocol.message(b"Q", (known.text if known.changed else text) + b"\0"))

    async def _several(self, statements: Sequence[Statement], text: str) -> None:
        """Execute the statements of a Query one by one, in one transaction, as Postgres would."""
        connection = self._connection
        own = connection.answers.status == b"I" and not any(each.kind in _TRANSACTION_CONTROL for each in statements)
        is_secret = any(each.action is not None for each in statements)
        good = not own or await self._silently("begin")
        number = 0
        while good and number < len(statements):
            statement = statements[number]
            if statement.outside_transaction:
                if own:
                    await self._silently("commit")
                elif connection.answers.status == b"T":
                    connection.refuse_parse(not_in_transaction(statement))
                    good = await self._sync(quiet=True)
                    break
            translator = connection.translator
            if statement.action is not None:
                await self._act(statement)
                good = await self._sync(quiet=True)
            else:
                good = await self._plainly(Batch((statement,), (0,), is_secret))
            if own and good and (statement.outside_transaction or statement.commits):
                await self._silently("begin")
            number += 1
            if good and number < len(statements) and connection.translator is not translator:
                statements, number = await self._read_again(text, statements[number].start), 0
                good = bool(statements)
        if own and connection.answers.status != b"I":
            await self._silently("commit" if good else "rollback")
        connection.client.write(protocol.message(b"Z", connection.answers.status))

    async def _read_again(self, text: str, start: int) -> Sequence[Statement]:
        """The statements of a Query from here on, now that a SET reads them otherwise; none if they fail so."""
        # blanks keep the places at which errors are
        rest = " " * start + text[start:]
        try:
            known = await self._translate(rest.encode())
        except DialectError as error:
            self._connection.refuse_parse(error)
        except Failed as failure:
            self._tell(failure)
        else:
            return known.batch.statements if known.changed else (Statement(rest),)
        await self._sync(quiet=True)
        return ()

    async def _plainly(self, batch: Batch) -> bool:
        connection = self._connection
        (statement,) = batch.statements
        sync = QuietSync(connection.loop.create_future())
        connection.expect(Completion(batch, 0), sync)
        connection.send(protocol.query(statement.text))
        good = not await sync.ready
        if good and statement.commits:
            await self._silently("commit")
        return good

    async def _silently(self, sql: str) -> bool:
        """Run a statement of our own; the client hears of it only if it fails."""
        connection = self._connection
        answer = Answer(connection.loop.create_future(), simple=True)
        connection.ask(answer, protocol.query(sql))
        await answer.ready
        if answer.error is not None:
            self._tell(Failed(answer.error))
        return answer.error is None
