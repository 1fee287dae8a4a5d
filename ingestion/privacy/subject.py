"""Everything in the raw tables that leads to a person.

Her customer numbers come first. What stands in the rows of these numbers is hers too, unless another customer has it as
well: a shared address, telephone or device stays the other's. Rows without a customer are hers by an identifier or a
contact point that is hers alone; of what stands in such a row, identifiers and the device count, addresses do not, and
of what was merely done on her device nothing does: a guest on it is somebody else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingestion.contract.declare import CONTACT_POINTS, IDENTIFIERS
from ingestion.errors import IngestError
from ingestion.privacy.catalogue import Search
from ingestion.privacy.identifiers import canonical
from ingestion.warehouse import has_table

if TYPE_CHECKING:
    from psycopg import sql

    from ingestion.delivery import Resource, Source
    from ingestion.privacy.requests import ErasureRequest
    from ingestion.warehouse import Connection, Warehouse

MOST_ROUNDS = 10

Values = dict[str, set[str]]


@dataclass(frozen=True)
class RawTable:
    """A raw table that there is, with the kinds of its personal columns."""

    source: Source
    resource: Resource

    @property
    def identifier(self) -> sql.Identifier:
        """The table in a statement."""
        from psycopg import sql

        return sql.Identifier(self.source.dataset, self.resource.name)

    @property
    def place(self) -> str:
        """The table in a receipt."""
        return f"{self.source.dataset}.{self.resource.name}"

    def columns(self, *kinds: str) -> dict[str, str]:
        """Kind by column, of the columns of these kinds."""
        return {
            column.name: column.personal
            for column in self.resource.contract.columns
            if column.personal is not None and column.personal in kinds
        }

    @property
    def customer(self) -> str | None:
        """The column that names the customer."""
        return next(iter(self.columns("customer")), None)

    def is_hers(self, search: Search, *, devices: bool = True) -> sql.Composable:
        """A row is hers: of her customer numbers, or of no customer's and with anything that is hers."""
        from psycopg import sql

        kinds = [kind for kind in (*IDENTIFIERS, *CONTACT_POINTS) if kind != "customer"]
        if not devices:
            kinds.remove("device")
        parts = [search.is_one_of(column, kind) for column, kind in self.columns(*kinds).items()]
        anything = sql.SQL("({})").format(sql.SQL(" or ").join(parts)) if parts else sql.SQL("1 = 0")
        if self.customer is None:
            return anything
        return sql.SQL("({} or ({} is null and {}))").format(
            search.is_one_of(self.customer, "customer"), sql.Identifier(self.customer), anything
        )


@dataclass
class Subject:
    """A person, as far as the raw tables lead to her.

    Attributes:
        customers: her customer numbers.
        values: what leads to her, by kind, in canonical form; the customer numbers are among them.
    """

    customers: frozenset[str]
    values: Values = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many values lead to her."""
        return sum(map(len, self.values.values()))

    def searched(self) -> Values:
        """What no text may hold any more. The number of a bill names nobody once the bill does not."""
        return {kind: values for kind, values in self.values.items() if kind != "bill"}


def find(connection: Connection, warehouse: Warehouse, request: ErasureRequest, raw: list[RawTable]) -> Subject:
    """Who a request is about.

    Raises:
        IngestError: no raw table knows the customer.
    """
    if request.customer_id is None:
        raise IngestError(f"the request {request.request_id} has been done; `ingest privacy receipt` shows it")
    customers, keys = _customers(connection, request)
    subject = Subject(customers, {"customer": set(customers), "person": keys})
    finder = _Finder(connection, warehouse, raw, subject)
    if not finder.is_known():
        raise IngestError(f"no raw table knows a customer {request.customer_id!r}; nothing was erased")
    finder.follow()
    return subject


def _customers(connection: Connection, request: ErasureRequest) -> tuple[frozenset[str], set[str]]:
    """The customer numbers of a request, and the keys of the person if all of her numbers are among them."""
    from psycopg import sql

    alone = frozenset({str(request.customer_id)})
    if not has_table(connection, "marts", "person_customers"):
        return alone, set()
    found = connection.execute(
        sql.SQL(
            "select customer_id, person_key from {0} where person_key in"
            " (select person_key from {0} where customer_id = %s)"
        ).format(sql.Identifier("marts", "person_customers")),
        (request.customer_id,),
    ).fetchall()
    everyone = frozenset(customer for customer, _ in found) | alone
    if request.scope == "customer":
        return alone, ({key for _, key in found} if everyone == alone else set())
    return everyone, {key for _, key in found}


class _Finder:
    """Follows a person from table to table."""

    def __init__(self, connection: Connection, warehouse: Warehouse, raw: list[RawTable], subject: Subject) -> None:
        self._connection = connection
        self._warehouse = warehouse
        self._raw = raw
        self._subject = subject

    def is_known(self) -> bool:
        """Whether any raw table has a row of hers."""
        return any(self._named(table) for table in self._raw if table.customer)

    def follow(self) -> None:
        """Adds what is found, until nothing is."""
        named: Values = {}
        for table in self._raw:
            if table.customer:
                _merge(named, self._values(table, self._is_named(table), (*IDENTIFIERS, *CONTACT_POINTS)))
        added = self._add(named)
        kinds = (*IDENTIFIERS, "device")
        for _ in range(MOST_ROUNDS):
            if not added:
                return
            found: Values = {}
            search = self._search()
            for table in self._raw:
                _merge(found, self._values(table, table.is_hers(search, devices=False), kinds))
            found.pop("customer", None)
            added = self._add(found)
        raise IngestError(f"what leads to the customer does not end after {MOST_ROUNDS} rounds; nothing was erased")

    def _search(self) -> Search:
        return Search(self._warehouse, self._subject.values)

    def _is_named(self, table: RawTable) -> sql.Composable:
        return Search(self._warehouse, {"customer": self._subject.customers}).is_one_of(str(table.customer), "customer")

    def _named(self, table: RawTable) -> bool:
        from psycopg import sql

        query = sql.SQL("select 1 from {} where {} limit 1").format(table.identifier, self._is_named(table))
        return self._connection.execute(query).fetchone() is not None

    def _values(self, table: RawTable, condition: sql.Composable, kinds: tuple[str, ...]) -> Values:
        from psycopg import sql

        columns = table.columns(*kinds)
        found: Values = {}
        if not columns:
            return found
        query = sql.SQL("select distinct {} from {} where {}").format(
            sql.SQL(", ").join(map(sql.Identifier, columns)), table.identifier, condition
        )
        for row in self._connection.execute(query):
            for kind, value in zip(columns.values(), row, strict=True):
                if value is not None and (one := canonical(kind, value)):
                    found.setdefault(kind, set()).add(one)
        return found

    def _add(self, found: Values) -> bool:
        """Adds what is new and nobody else's; tells whether anything was."""
        new = {kind: values - self._subject.values.get(kind, set()) for kind, values in found.items()}
        for kind, value in self._of_others(new):
            new[kind].discard(value)
        _merge(self._subject.values, new)
        return any(new.values())

    def _of_others(self, values: Values) -> Iterator[tuple[str, str]]:
        """Those of the values that stand in rows of other customers."""
        from psycopg import sql

        search = Search(self._warehouse, values)
        for table in self._raw:
            if table.customer is None:
                continue
            for column, kind in table.columns(*(kind for kind in values if kind != "customer")).items():
                query = sql.SQL("select distinct {} from {} where {} and not {}").format(
                    sql.Identifier(column), table.identifier, search.is_one_of(column, kind), self._is_named(table)
                )
                for (value,) in self._connection.execute(query).fetchall():
                    yield kind, canonical(kind, value)


def _merge(into: Values, more: Values) -> None:
    for kind, values in more.items():
        into.setdefault(kind, set()).update(values)
