"""Schema snapshots: the tables and views of a warehouse, without their rows, as files that tests start from.

A snapshot is one file of SQL, `<folder>/<env>/<version>.sql`, in the words of Redshift's SHOW TABLE and SHOW VIEW: with
types, keys, distribution, sort keys and encodings. SQL and not JSON, because a reviewer reads a changed column in one
line of a diff, and because any Redshift takes it. A line `--# table raw_crm.customer` stands before each object, so
that a test can ask for some of them.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from standin.errors import StandinError
from standin.redshift.dialect.lexer import quote_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    Execute = Callable[[str], Sequence[Sequence[Any]]]

_HEADER = """\
-- A schema snapshot, recorded by `standin snapshot`: tables and views without rows. Do not edit; record a new version.
"""
_MARK = re.compile(r"^--# (schema|table|view) (.+)$", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_RELATIONS = """
    select n.nspname, c.relname, c.relkind
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'v', 'm') and n.nspname <> 'information_schema' and n.nspname not like 'pg!_%' escape '!'
        and c.relname not like 'mv!_tbl!_!_%' escape '!'
    order by n.nspname, c.relname
"""


@dataclass(frozen=True)
class SnapshotObject:
    """A schema, table or view; `name` is `schema.relation`, without quotes."""

    kind: str
    name: str
    ddl: str


@dataclass(frozen=True)
class Snapshot:
    """What stands in one file, or a part of it."""

    env: str
    version: str
    objects: tuple[SnapshotObject, ...]

    @property
    def fingerprint(self) -> str:
        """Differs from that of every other content."""
        return hashlib.sha256(self.text().encode()).hexdigest()[:16]

    @property
    def relations(self) -> tuple[str, ...]:
        """The names of its tables and views."""
        return tuple(each.name for each in self.objects if each.kind != "schema")

    def text(self) -> str:
        """The file's content."""
        return _HEADER + "".join(f"\n--# {each.kind} {each.name}\n{each.ddl}\n" for each in self.objects)

    def only(self, names: Iterable[str]) -> Snapshot:
        """The part with these tables and views, by `schema.name`, and their schemas.

        Raises `StandinError` for a name that is not there.
        """
        wanted = set(names)
        if missing := sorted(wanted - set(self.relations)):
            raise StandinError(
                f"The schema snapshot {self.env}/{self.version} has no {' and no '.join(missing)}; it has "
                f"{', '.join(self.relations) or 'nothing at all'}."
            )
        schemas = {name.partition(".")[0] for name in wanted}
        kept = [each for each in self.objects if each.name in (schemas if each.kind == "schema" else wanted)]
        return replace(self, objects=tuple(kept))

    def apply(self, execute: Execute) -> None:
        """Make the schemas, tables and views, one statement at a time.

        What needs another object waits until that is there. Raises `StandinError` with the first reason if the rest
        cannot be made.
        """
        waiting = list(self.objects)
        while waiting:
            failures: list[tuple[SnapshotObject, Exception]] = []
            for each in waiting:
                try:
                    execute(each.ddl)
                except Exception as error:
                    failures.append((each, error))
            if len(failures) == len(waiting):
                first, reason = failures[0]
                raise StandinError(
                    f"{len(failures)} of the schema snapshot {self.env}/{self.version} cannot be made, the first of "
                    f"them {first.kind} {first.name}: {reason}"
                ) from reason
            waiting = [each for each, _ in failures]

    def save(self, folder: Path) -> Path:
        """Write the file; gives back where. Raises `StandinError` if that version is there with another content."""
        file = _file(folder, self.env, self.version)
        if file.exists() and file.read_text() != self.text():
            raise StandinError(
                f"{file} is there and says something else. Versions stay as they are: choose another with --version."
            )
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.text())
        return file


def load(folder: Path, env: str = "prod", version: str | None = None) -> Snapshot:
    """The snapshot of that version, or the latest. Raises `StandinError` if there is none, telling which there are."""
    known = versions(folder, env)
    if not known:
        raise StandinError(
            f"There is no schema snapshot of {env!r} in {folder}. Record one with `standin snapshot --env {env}`."
        )
    chosen = known[-1] if version is None else version
    if chosen not in known:
        raise StandinError(f"There is no schema snapshot {env}/{chosen} in {folder}; there is {', '.join(known)}.")
    return parse(_file(folder, env, chosen).read_text(), env, chosen)


def versions(folder: Path, env: str) -> list[str]:
    """The versions of an environment, the latest last; numbers in them count as numbers."""
    _check(env)
    return sorted((file.stem for file in (folder / env).glob("*.sql")), key=_natural)


def parse(text: str, env: str, version: str) -> Snapshot:
    """The snapshot that a file's content is."""
    # the pieces between marks: what stands before the first, then kind, name and DDL of each
    _, *pieces = _MARK.split(text)
    found = zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True)
    return Snapshot(env, version, tuple(SnapshotObject(kind, name, ddl.strip()) for kind, name, ddl in found))


def record(execute: Execute, env: str, version: str, schemas: Sequence[str] = ()) -> Snapshot:
    """Record a warehouse, or some of its schemas, over a connection to it; it is only read.

    Raises `StandinError` for a schema that holds nothing, for what the warehouse does not tell us, and for names that
    are no names of files.
    """
    _check(env)
    _check(version)
    found = [(str(row[0]), str(row[1]), _letter(row[2])) for row in execute(_RELATIONS)]
    if empty := sorted(set(schemas) - {schema for schema, _, _ in found}):
        raise StandinError(f"There is nothing to record in the schema {' and nothing in '.join(empty)}.")
    chosen = [each for each in found if not schemas or each[0] in schemas]
    objects = [
        SnapshotObject("schema", schema, f"create schema if not exists {quote_name(schema)};")
        for schema in sorted({schema for schema, _, _ in chosen})
    ]
    for schema, name, letter in chosen:
        kind = "table" if letter == "r" else "view"
        try:
            answer = execute(f"show {kind} {quote_name(schema)}.{quote_name(name)}")
        except Exception as error:
            raise StandinError(f"The {kind} {schema}.{name} cannot be recorded: {error}") from error
        objects.append(SnapshotObject(kind, f"{schema}.{name}", str(answer[0][0]).strip().rstrip(";") + ";"))
    # tables before views; apart from that in the order of their names, so that versions can be compared
    objects.sort(key=lambda each: (("schema", "table", "view").index(each.kind), each.name))
    return Snapshot(env, version, tuple(objects))


def _letter(relkind: object) -> str:
    # "char" comes as bytes from some drivers
    return relkind.decode() if isinstance(relkind, bytes) else str(relkind)


def _file(folder: Path, env: str, version: str) -> Path:
    _check(env)
    _check(version)
    return folder / env / f"{version}.sql"


def _check(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise StandinError(f"{name!r} cannot be a file's name: use letters, digits, dots, dashes and underscores.")


def _natural(version: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", version)]
