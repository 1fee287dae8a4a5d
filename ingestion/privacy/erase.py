"""Erases a person: from every table of the warehouse, whoever made it, and from the archive.

The warehouse's part is one transaction: rows go, hashes that keep them out stay, the ledger counts the rows as
rejected, the receipt is written and the request forgets whom it was about. What was not committed has never been, so a
killed erasure starts again, and its receipt is written once. The archive's objects are rewritten on the way, one at a
time, which can be repeated. Nobody lands meanwhile: the locks of all sources are held, and whoever lands a stream has
to read the table of hashes first, which is locked.

At the end of the transaction every text and JSON column of every table is searched once more. Something left there
undoes all of it, and is named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ingestion import ledger as ledgers
from ingestion.contract.declare import CONTACT_POINTS, IDENTIFIERS
from ingestion.errors import IngestError
from ingestion.privacy import archive, catalogue, requests, shared_devices, subject
from ingestion.privacy.catalogue import Search, Table
from ingestion.privacy.identifiers import Key, spellings
from ingestion.privacy.requests import Receipt, ReceiptLine
from ingestion.privacy.subject import RawTable, Subject
from ingestion.privacy.suppression import BLANKED, REPLACED, SUPPRESSED, blank_of

if TYPE_CHECKING:
    from psycopg import sql

    from ingestion.contract.column import Column
    from ingestion.delivery import Source
    from ingestion.warehouse import Connection, Warehouse

ROWS_AN_INSERT = 200
_PROVENANCE = ("_source_uri", "_dlt_load_id")
_DECIDES = (*IDENTIFIERS, *CONTACT_POINTS)


class _OnlyAskedError(Exception):
    """Undoes a dry run."""


def erase(
    sources: Sequence[Source],
    warehouse: Warehouse,
    request_id: str,
    *,
    dry_run: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Receipt:
    """Does what a request asks, once. Gives its receipt; of a request that has been done, the receipt of then.

    Args:
        sources: every source that may have landed.
        warehouse: where the person is.
        request_id: see `requests.request`.
        dry_run: undo it all, and give the receipt that would have been written.
        say: called with short sentences of progress.

    Raises:
        RunInProgressError: a source is being landed.
        IngestError: there is no such request, nobody knows the customer, the key is missing, or a trace would be left.
            Nothing in the warehouse was changed.
    """
    from psycopg import sql

    key = Key.from_settings()
    with warehouse.connect() as connection, ExitStack() as stack:
        request = requests.find(connection, request_id)
        there = {one.name: ledgers.tables(connection, one.dataset) for one in sources}
        landed = [one for one in sources if there[one.name]]
        for one in landed:
            stack.enter_context(ledgers.run_lock(connection, warehouse, one.dataset, ledgers.turn_seconds(one)))
        if done := requests.receipt(connection, request_id):
            return done
        raw = [RawTable(one, table) for one in landed for table in one.resources if table.name in there[one.name]]
        try:
            with connection.transaction():
                # whoever is landing has read it, and is waited for; whoever lands next reads what we write
                connection.execute(sql.SQL("lock table {}").format(requests.table(SUPPRESSED)))
                say("finding what leads to the person")
                person = subject.find(connection, warehouse, request, raw)
                lines = archive.erase(sources, person.searched(), dry_run=dry_run, say=say)
                work = _Erasure(connection, warehouse, raw, person=person, key=key, say=say)
                lines += work.run()
                receipt = Receipt(
                    request_id,
                    datetime.now(UTC).replace(tzinfo=None),
                    key.hash("\n".join(sorted(person.customers))),
                    len(person.customers),
                    person.count,
                    tuple(sorted(lines, key=lambda line: (line.place, line.action))),
                )
                if dry_run:
                    raise _OnlyAskedError
                work.suppress(request_id, receipt.erased_at)
                requests.write_receipt(connection, receipt)
        except _OnlyAskedError:
            say("undone: this was a dry run")
    return receipt


class _Erasure:
    """The statements of one erasure, on a connection that is in its transaction."""

    def __init__(
        self,
        connection: Connection,
        warehouse: Warehouse,
        raw: Sequence[RawTable],
        *,
        person: Subject,
        key: Key,
        say: Callable[[str], None],
    ) -> None:
        self._connection = connection
        self._raw = raw
        self._person = person
        self._key = key
        self._say = say
        self._hers = Search(warehouse, person.values)
        self._spoken_of = Search(warehouse, person.searched())
        self._lines: list[ReceiptLine] = []
        self._devices: set[str] = set()

    def run(self) -> list[ReceiptLine]:
        """Erases. Gives what was done where.

        Raises:
            IngestError: something is left.
        """
        tables = catalogue.tables(self._connection)
        landed = {(table.source.dataset, table.resource.name): table for table in self._raw}
        # whose rows they are is known by the columns that the rows of other tables may have lost by then
        for raw in self._raw:
            self._say(raw.place)
            if raw.resource.kept_by_law:
                self._anonymise(raw)
            else:
                self._delete_landed(raw)
        for table in tables:
            self._say(table.place)
            if raw_table := landed.get((table.schema, table.name)):
                self._blank(table, raw_table)
            else:
                self._delete(table)
        shared_devices.build_anew(self._connection, sorted(self._devices))
        self._refuse_traces(tables)
        return self._lines

    def suppress(self, request_id: str, now: datetime) -> None:
        """Keeps the person out of what lands from now on."""
        from psycopg import sql

        rows = [
            sql.SQL("({}, {}, {}, {})").format(*map(sql.Literal, (self._key.hash(value), kind, request_id, now)))
            for kind in _DECIDES
            for value in sorted(self._person.values.get(kind, ()))
        ]
        for start in range(0, len(rows), ROWS_AN_INSERT):
            self._connection.execute(
                sql.SQL(
                    "insert into {} (identifier_hash, identifier_kind, request_id, suppressed_at) values {}"
                ).format(requests.table(SUPPRESSED), sql.SQL(", ").join(rows[start : start + ROWS_AN_INSERT]))
            )

    def _anonymise(self, raw: RawTable) -> None:
        """The rows stay, without what leads to the person."""
        from psycopg import sql

        changes = [
            change for column in raw.resource.contract.columns if (change := self._replacement(column)) is not None
        ]
        if not changes:
            return
        count = self._count(
            sql.SQL("update {} set {} where {}").format(
                raw.identifier, sql.SQL(", ").join(changes), raw.is_hers(self._hers)
            )
        )
        self._note(raw.place, "anonymised", count, raw.resource.kept_by_law)

    def _replacement(self, column: Column) -> sql.Composable | None:
        from psycopg import sql

        name = sql.Identifier(column.name)
        if column.personal in BLANKED:
            return sql.SQL("{} = {}").format(name, sql.Literal(blank_of(column)))
        if column.personal not in REPLACED:
            return None
        values = sorted(self._person.values.get(str(column.personal), ()))
        if not values:
            return None
        each = [
            sql.SQL("when {} then {}").format(sql.Literal(spelling), sql.Literal(self._key.token(value)))
            for value in values
            for spelling in sorted(spellings(str(column.personal), value))
        ]
        return sql.SQL("{0} = case lower(trim({0})) {1} else {0} end").format(name, sql.SQL(" ").join(each))

    def _delete_landed(self, raw: RawTable) -> None:
        """The rows go; the ledger counts them as rejected, and so as no longer in quarantine."""
        from psycopg import sql

        condition = raw.is_hers(self._hers)
        for column in raw.columns("device"):
            self._devices.update(shared_devices.devices_of(self._connection, raw.identifier, column, condition))
        counts = self._connection.execute(
            sql.SQL(
                "select split_part(_source_uri, '#', 1), _dlt_load_id, count(*) from {} where {} group by 1, 2"
            ).format(raw.identifier, condition)
        ).fetchall()
        deleted = self._count(sql.SQL("delete from {} where {}").format(raw.identifier, condition))
        for uri, load_id, count in counts:
            change = sql.SQL(
                "update {0} set landed_count = landed_count - %s, rejected_count = rejected_count + %s"
                " where resource = %s and uri = %s and {1}"
            )
            ledger = sql.Identifier(raw.source.dataset, ledgers.DELIVERIES)
            values = (count, count, raw.resource.name, uri)
            exact = change.format(ledger, sql.SQL("_dlt_load_id = {}").format(sql.Literal(load_id)))
            if not self._connection.execute(exact, values).rowcount:
                # a stretch of a stream has grown by loads that have no lines of their own
                newest = sql.SQL("landed_at = (select max(landed_at) from {} where resource = {} and uri = {})").format(
                    ledger, sql.Literal(raw.resource.name), sql.Literal(uri)
                )
                self._connection.execute(change.format(ledger, newest), values)
        self._note(raw.place, "deleted", deleted)

    def _blank(self, table: Table, raw: RawTable) -> None:
        """Texts that speak of the person, in rows that are other people's."""
        from psycopg import sql

        declared = {column.name: column for column in raw.resource.contract.columns}
        searched = [
            name
            for name in table.columns
            if name not in _PROVENANCE and not (name in declared and declared[name].personal in _DECIDES)
        ]
        if not searched:
            return
        each = [
            sql.SQL("count(case when {} then 1 end)").format(self._spoken_of.speaks(table, [name])) for name in searched
        ]
        counts = self._connection.execute(
            sql.SQL("select {} from {}").format(sql.SQL(", ").join(each), table.identifier)
        ).fetchone()
        for name, count in zip(searched, counts, strict=True):
            if count:
                blank = sql.Literal(None if name in table.nullable else blank_of(declared.get(name)))
                self._connection.execute(
                    sql.SQL("update {} set {} = {} where {}").format(
                        table.identifier, sql.Identifier(name), blank, self._spoken_of.speaks(table, [name])
                    )
                )
        self._note(table.place, "blanked", sum(counts))

    def _delete(self, table: Table) -> None:
        """Rows of what is made from the raw tables, and of tables that nobody has described."""
        from psycopg import sql

        if table.name == ledgers.DELIVERIES or table.name.startswith("_dlt_"):
            return
        count = self._count(
            sql.SQL("delete from {} where {}").format(
                table.identifier, self._spoken_of.speaks(table, list(table.columns))
            )
        )
        self._note(table.place, "deleted", count)

    def _refuse_traces(self, tables: Sequence[Table]) -> None:
        from psycopg import sql

        self._say("searching everything once more")
        left = []
        for table in tables:
            (count,) = self._connection.execute(
                sql.SQL("select count(*) from {} where {}").format(
                    table.identifier, self._spoken_of.speaks(table, list(table.columns))
                )
            ).fetchone()
            if count:
                left.append(f"{table.place} ({count:,} rows)")
        if left:
            raise IngestError(f"traces would be left in {', '.join(left)}; nothing was erased from the warehouse")

    def _count(self, statement: sql.Composable) -> int:
        return int(self._connection.execute(statement).rowcount)

    def _note(self, place: str, action: str, count: int, reason: str | None = None) -> None:
        if count:
            self._lines.append(ReceiptLine(place, action, count, reason))  # type: ignore[arg-type]
