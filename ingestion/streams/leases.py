"""Who reads which partition of a stream: leases, in the table `_leases` of the raw schema.

A lease is a row: the partition, the consumer that holds it, until when, and its epoch, which grows whenever somebody
takes it. Consumers take the leases that nobody holds or whose holder has not been heard of in time, and one at a time
of those that others have too many of, until each has its share.

A holder may be slow, or think that it is alone in the world; what it lands is still right. Landing a micro-batch makes
sure, within its transaction, that the leases are the same as when its records were read (`Leases.keep`); if one is not,
nothing of it counts, and the consumer reads on from what the ledger says.

The same row tells how far the partition has landed, for people and for the next holder.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ingestion import ledger as ledgers
from ingestion.errors import IngestError, RunInProgressError
from ingestion.streams.reader import Standing
from ingestion.warehouse import has_table

if TYPE_CHECKING:
    from psycopg import sql

    from ingestion.streams.reader import Partition
    from ingestion.warehouse import Connection, Warehouse

TABLE = "_leases"

_COLUMNS = (
    "scope varchar(500) not null, holder varchar(200), epoch bigint not null, expires_at timestamptz not null, "
    "read_until timestamptz, behind bigint, rows_per_second double precision, ended_at timestamptz"
)
_NEVER = datetime(1, 1, 1, tzinfo=UTC)


class LeaseLostError(IngestError):
    """Somebody else has taken a partition meanwhile; what was read of it does not count."""


@dataclass(frozen=True)
class Lease:
    """A row of the table.

    Attributes:
        scope: the partition.
        holder: the consumer that has it; None if it was given back.
        epoch: how often it has been taken.
        expires_at: when others may take it (UTC).
        read_until: what arrived before has landed (UTC); None if that is not known.
        behind: records that had arrived and not landed; None if the stream does not count them.
        rows_per_second: how many were landed lately.
        ended_at: when its last record had landed, if it will never have more.
    """

    scope: str
    holder: str | None = None
    epoch: int = 0
    expires_at: datetime = _NEVER
    read_until: datetime | None = None
    behind: int | None = None
    rows_per_second: float | None = None
    ended_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Whether its holder has been heard of in time."""
        return self.holder is not None and self.expires_at > now


def read(connection: Connection, dataset: str) -> list[Lease]:
    """The leases of a raw schema; none if no stream has ever landed in it."""
    from psycopg import sql

    if not has_table(connection, dataset, TABLE):
        return []
    query = (
        "select scope, holder, epoch, expires_at, read_until, behind, rows_per_second, ended_at from {} order by scope"
    )
    found = connection.execute(sql.SQL(query).format(sql.Identifier(dataset, TABLE)))
    return [_lease(line) for line in found]


class Leases:
    """One consumer's leases.

    Attributes:
        held: what it holds, by scope.
        ended: partitions that will have nothing more.
    """

    def __init__(
        self, connection: Connection, warehouse: Warehouse, dataset: str, holder: str, length: timedelta
    ) -> None:
        """Holds none yet.

        Args:
            connection: the one that lands.
            warehouse: what it is connected to.
            dataset: the raw schema.
            holder: name of the consumer, which nobody else has.
            length: how long a lease is held without word of its holder.
        """
        self._connection = connection
        self._warehouse = warehouse
        self._dataset = dataset
        self._holder = holder
        self._length = length
        self.held: dict[str, Lease] = {}
        self.ended: set[str] = set()

    def make_table(self) -> None:
        """Makes what is missing. Under the run lock: two must not try at once."""
        from psycopg import sql

        self._connection.execute(sql.SQL(f"create table if not exists {{}} ({_COLUMNS})").format(self._table()))

    def share(
        self,
        partitions: Sequence[Partition],
        standings: Mapping[str, Standing] = MappingProxyType({}),
        rates: Mapping[str, float] = MappingProxyType({}),
        *,
        all_of_them: bool = False,
    ) -> bool:
        """Takes what is due to us, and makes ours last longer.

        Args:
            partitions: what the stream has now. One that others were split off or merged from comes before these: until
                it has ended, they are nobody's.
            standings: how far each partition has landed.
            rates: rows a second of each.
            all_of_them: want every partition, and no other consumer beside us.

        Returns:
            Whether we hold the same leases as before.

        Raises:
            RunInProgressError: all are wanted, and somebody else is at work.
        """
        before = {lease.scope: lease.epoch for lease in self.held.values()}
        with self._transaction() as now:
            there = {lease.scope: lease for lease in read(self._connection, self._dataset)}
            # others may have taken some of them
            self.held = {scope: lease for scope, lease in there.items() if lease.holder == self._holder}
            self._update(now, standings, rates)
            self.ended = ended = {scope for scope, lease in there.items() if lease.ended_at} | {
                scope for scope in self.held if scope in standings and standings[scope].has_ended
            }
            known = {one.scope for one in partitions}
            ready = [
                one.scope
                for one in partitions
                if one.scope not in ended and all(parent in ended for parent in one.parents if parent in known)
            ]
            others = Counter(
                lease.holder
                for scope, lease in there.items()
                if scope in ready and lease.is_live(now) and lease.holder != self._holder
            )
            if all_of_them and others:
                raise RunInProgressError(
                    f"{', '.join(map(str, others))} is at work on the stream of {self._dataset}: what is new lands "
                    "without this run; to run it nevertheless, end that first"
                )
            self.held = {scope: lease for scope, lease in self.held.items() if scope in ready}
            for lease in self._due(ready, there, others, now):
                self._take(lease, now)
            self._forget(set(there) - known)
        return before == {lease.scope: lease.epoch for lease in self.held.values()}

    def keep(self, standings: Mapping[str, Standing], rates: Mapping[str, float]) -> None:
        """Makes sure, within a transaction that lands what was read, that leases are still ours; says how far it is.

        Args:
            standings: how far each partition has been read with that.
            rates: rows a second of each.

        Raises:
            LeaseLostError: one is not; the transaction has to be undone.
        """
        ledgers.share_run_lock(self._connection, self._warehouse, self._dataset)
        self._update(self._now(), standings, rates)

    def release(self) -> None:
        """Gives back what we hold: others may take it at once."""
        from psycopg import sql

        if not self.held:
            return
        with self._transaction():
            self._connection.execute(
                sql.SQL("update {} set holder = null where {}").format(self._table(), self._ours())
            )
        self.held = {}

    def _due(
        self, ready: Sequence[str], there: Mapping[str, Lease], others: Counter[str | None], now: datetime
    ) -> list[Lease]:
        """The leases to take."""
        share = -(-len(ready) // (len(others) + 1))
        leases = {scope: there.get(scope, Lease(scope)) for scope in ready if scope not in self.held}
        free = [lease for lease in leases.values() if not lease.is_live(now)]
        missing = share - len(self.held)
        if missing <= 0:
            return []
        if not free and others:
            richest, count = others.most_common(1)[0]
            # one at a time: whoever loses one reads again what was in hand
            if count > share or (count == share and count - len(self.held) > 1):
                return [next(lease for lease in leases.values() if lease.holder == richest)]
        return free[:missing]

    def _take(self, lease: Lease, now: datetime) -> None:
        from psycopg import sql

        taken = Lease(
            lease.scope,
            self._holder,
            lease.epoch + 1,
            now + self._length,
            read_until=lease.read_until,
            behind=lease.behind,
        )
        values = (taken.holder, taken.epoch, taken.expires_at, taken.scope)
        if lease.epoch:
            statement = "update {} set holder = %s, epoch = %s, expires_at = %s where scope = %s"
        else:
            statement = "insert into {} (holder, epoch, expires_at, scope) values (%s, %s, %s, %s)"
        self._connection.execute(sql.SQL(statement).format(self._table()), values)
        self.held[taken.scope] = taken

    def _forget(self, scopes: set[str]) -> None:
        """Partitions that the stream no longer has."""
        from psycopg import sql

        if scopes:
            some = sql.SQL(", ").join(map(sql.Literal, sorted(scopes)))
            self._connection.execute(sql.SQL("delete from {} where scope in ({})").format(self._table(), some))

    def _update(self, now: datetime, standings: Mapping[str, Standing], rates: Mapping[str, float]) -> None:
        """One statement for all that we hold.

        Raises:
            LeaseLostError: not all of it is ours.
        """
        from psycopg import sql

        if not self.held:
            return
        told: dict[str, dict[str, Any]] = {"read_until": {}, "behind": {}, "rows_per_second": {}, "ended_at": {}}
        for scope, standing in standings.items():
            if standing.read_until is not None:
                told["read_until"][scope] = datetime.fromtimestamp(standing.read_until, UTC)
            told["behind"][scope] = standing.behind
            told["rows_per_second"][scope] = rates.get(scope, 0.0)
            if standing.has_ended:
                told["ended_at"][scope] = now
        changes: list[sql.Composable] = [sql.SQL("expires_at = {}").format(sql.Literal(now + self._length))]
        changes += [_by_scope(name, values) for name, values in told.items() if values]
        done = self._connection.execute(
            sql.SQL("update {} set {} where {}").format(self._table(), sql.SQL(", ").join(changes), self._ours())
        )
        if done.rowcount != len(self.held):
            raise LeaseLostError(f"{self._dataset}: another consumer has taken a partition of {self._holder}")

    def _ours(self) -> sql.Composable:
        from psycopg import sql

        each = [
            sql.SQL("(scope = {} and epoch = {})").format(sql.Literal(lease.scope), sql.Literal(lease.epoch))
            for lease in self.held.values()
        ]
        return sql.SQL("holder = {} and ({})").format(sql.Literal(self._holder), sql.SQL(" or ").join(each))

    @contextmanager
    def _transaction(self) -> Iterator[datetime]:
        """A transaction in which nobody else takes leases, with the warehouse's time."""
        with self._connection.transaction():
            ledgers.share_run_lock(self._connection, self._warehouse, self._dataset)
            if self._warehouse.engine == "postgres":
                # on Redshift the run lock keeps them apart
                self._connection.execute(
                    "select pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"leases {self._dataset}",)
                )
            yield self._now()

    def _now(self) -> datetime:
        """The warehouse's clock: those of consumers may differ."""
        function = "getdate()" if self._warehouse.engine == "redshift" else "clock_timestamp()"
        now: datetime = self._connection.execute(f"select {function}").fetchone()[0]
        return now.astimezone(UTC) if now.tzinfo else now.replace(tzinfo=UTC)

    def _table(self) -> sql.Identifier:
        from psycopg import sql

        return sql.Identifier(self._dataset, TABLE)


def _lease(line: Sequence[Any]) -> Lease:
    values: list[Any] = [one.astimezone(UTC) if isinstance(one, datetime) else one for one in line]
    return Lease(*values)


def _by_scope(column: str, values: Mapping[str, Any]) -> sql.Composable:
    """An assignment with a value for each partition; others stay as they are."""
    from psycopg import sql

    cases = sql.SQL(" ").join(
        sql.SQL("when {} then {}").format(sql.Literal(scope), sql.Literal(value)) for scope, value in values.items()
    )
    return sql.SQL("{0} = case scope {1} else {0} end").format(sql.Identifier(column), cases)
