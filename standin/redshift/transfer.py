"""COPY and UNLOAD, executed: rows between S3 and the client's backend, through the COPY sub-protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin.redshift import protocol
from standin.redshift.replies import Answer, checked
from standin.redshift.s3 import Client, CopyCommand, UnloadCommand

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from standin.redshift.connection import Connection
    from standin.redshift.dialect.statement import Statement
    from standin.redshift.execution import Execution


async def execute_action(execution: Execution, connection: Connection, statement: Statement) -> bytes:
    """Execute the statement's action; gives back what the client is told of its success.

    Raises `DialectError` for what the action refuses, `Failed` for what Postgres does; the batch may have failed then
    or not.
    """
    command = statement.action
    client = Client(
        pid=int.from_bytes(connection.answers.key[:4], "big"),
        query=connection.gateway.next_query(),
        user=connection.user,
        database=connection.database,
    )
    if isinstance(command, CopyCommand):
        return await _copy(execution, connection, command, client)
    if isinstance(command, UnloadCommand):
        return await _unload(execution, connection, command, client)
    raise TypeError(f"a statement's action is a {type(command).__name__}")


async def _copy(execution: Execution, connection: Connection, command: CopyCommand, client: Client) -> bytes:
    copy = command.begin(client)
    connection.running = copy
    try:
        rows = await execution.rows(copy.columns_query)
        sql = copy.statement([_text(row) for row in rows])
        answer = Answer(connection.loop.create_future())
        answer.closes = 2
        connection.ask(answer, protocol.begin_once(sql) + protocol.FLUSH)
        await answer.feeding.wait()
        if answer.ready.done():
            checked(answer)
        try:
            async for chunk in copy.chunks():
                if answer.ready.done():
                    break
                connection.send(protocol.message(b"d", chunk))
                await connection.backend_writable.wait()
        except BaseException:
            if not answer.ready.done():
                connection.send(protocol.message(b"f", b"refused by the Redshift face\0") + protocol.FLUSH)
                await answer.ready
            raise
        connection.send(protocol.end_once())
        await answer.ready
        checked(answer)
        copy.succeeded()
    finally:
        connection.running = None
        await copy.close()
        await connection.gateway.remember(connection.database, copy.history)
    return _told(copy.notices, copy.tag)


async def _unload(execution: Execution, connection: Connection, command: UnloadCommand, client: Client) -> bytes:
    unload = command.begin(client)
    connection.running = unload
    try:
        columns = await execution.describe(unload.query)
        sql = unload.statement([(each.name, each.type_oid, each.type_modifier) for each in columns])
        await unload.prepare()
        answer = Answer(connection.loop.create_future())
        answer.closes = 2
        connection.ask(answer, protocol.execute_once(sql) + protocol.FLUSH)
        try:
            await _drain(connection, answer, unload.receive)
        except BaseException:
            # what Postgres still sends belongs to nobody, and must be out of the way
            await _drain(connection, answer, None)
            raise
        checked(answer)
        await unload.finish()
    finally:
        connection.running = None
        await unload.close()
        await connection.gateway.remember(connection.database, unload.history)
    return _told(unload.notices, unload.tag)


async def _drain(connection: Connection, answer: Answer, receive: Callable[[bytes], Awaitable[None]] | None) -> None:
    """Take the rows as they come, until the answer has ended; while the receiver is busy Postgres waits."""
    while True:
        await answer.arrived.wait()
        answer.arrived.clear()
        payload = b"".join(answer.copied)
        answer.copied.clear()
        try:
            if payload and receive is not None:
                connection.hold_backend()
                await receive(payload)
        finally:
            connection.resume_writing()
        if answer.ready.done():
            if not answer.copied:
                return
            answer.arrived.set()


def _text(row: list[bytes | None]) -> list[str | None]:
    return [None if value is None else value.decode() for value in row]


def _told(notices: Iterable[str], tag: str) -> bytes:
    messages = [protocol.notice(text) for text in notices]
    return b"".join(messages) + protocol.message(b"C", tag.encode() + b"\0")
