"""What of Redshift's SQL the stand-in does: reads `standin/redshift/coverage.yml`, runs its examples, writes the page.

    python tools/redshift_coverage.py postgresql://user:password@127.0.0.1:5439/dev

The database should be an empty one behind the face: the examples leave tables in it. The page is written only if every
example gives what the file says.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

try:
    # in C, if PyYAML was built with it: ten times as quick
    from yaml import CSafeLoader as SafeLoader
except ImportError:
    from yaml import SafeLoader

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "standin" / "redshift" / "coverage.yml"
PAGE = ROOT / "docs" / "redshift-face.md"
STATUSES = ("exact", "approximate", "refused", "missing")
# the error that a refusal gives: feature_not_supported
REFUSED = "0A000"


@dataclass(frozen=True)
class Row:
    """One function, statement or other piece of the SQL reference.

    Attributes:
        name: as the reference calls it.
        status: exact, approximate, refused (with an error that names it) or missing.
        note: what is different, or what to know.
        example: statements; the last one's rows are the result.
        result: the rows, columns parted by `|`; None if only that it runs matters.
        error: the SQLSTATE that the example ends in, or `*` for any; None if it succeeds.
        after: statements that put things back.
    """

    name: str
    status: str
    note: str = ""
    example: tuple[str, ...] = ()
    result: tuple[str, ...] | None = None
    error: str | None = None
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chapter:
    """A chapter of the SQL reference; `kind` groups chapters in the summary, `setup` runs before its examples."""

    title: str
    kind: str
    rows: tuple[Row, ...]
    setup: tuple[str, ...] = ()


def load(file: Path = FILE) -> list[Chapter]:
    """The chapters of the coverage file. Raises `ValueError` for a row that says something else than it may."""
    chapters = []
    for entry in yaml.load(file.read_text(), Loader=SafeLoader):
        rows = tuple(_row(entry["chapter"], row) for row in entry["rows"])
        chapters.append(Chapter(entry["chapter"], entry["kind"], rows, _listed(entry.get("setup"))))
    return chapters


def _row(chapter: str, entry: dict[str, Any]) -> Row:
    unknown = set(entry) - {"name", "status", "note", "example", "result", "error", "after"}
    if unknown or entry["status"] not in STATUSES:
        raise ValueError(f"{chapter}, {entry['name']}: status {entry['status']!r}, unknown keys {sorted(unknown)}")
    example = _listed(entry.get("example"))
    if not example and entry["status"] != "missing":
        raise ValueError(f"{chapter}, {entry['name']}: nothing shows that it is {entry['status']}; give an example")
    return Row(
        name=entry["name"],
        status=entry["status"],
        note=entry.get("note", ""),
        example=example,
        result=_listed(entry["result"]) if "result" in entry else None,
        error=entry.get("error", REFUSED if entry["status"] == "refused" else None),
        after=_listed(entry.get("after")),
    )


def _listed(value: str | list[str] | None) -> tuple[str, ...]:
    return () if value is None else (value,) if isinstance(value, str) else tuple(value)


def faults(connection: psycopg.Connection, chapters: list[Chapter]) -> Iterator[str]:
    """Run every example on an autocommit connection; a line for each that does not give what its row says."""
    for chapter in chapters:
        for statement in chapter.setup:
            connection.execute(statement.encode())
        for row in chapter.rows:
            if row.example:
                fault = _fault(connection, row)
                if fault is not None:
                    yield f"{chapter.title}, {row.name}: {fault}"


def _fault(connection: psycopg.Connection, row: Row) -> str | None:
    import psycopg

    fault = None
    try:
        for statement in row.example:
            rows = printed(connection, statement)
        if row.error is not None:
            fault = f"no error came, but {rows}"
        elif row.result is not None and tuple(rows) != row.result:
            fault = f"{rows} came instead of {list(row.result)}"
    except psycopg.Error as error:
        if row.error not in ("*", error.sqlstate):
            fault = f"{error.sqlstate} {str(error).strip()}"
        connection.execute(b"rollback")
    for statement in row.after:
        connection.execute(statement.encode())
    return fault


def printed(connection: psycopg.Connection, sql: str) -> list[str]:
    """The rows as psql would print them, without its frame; the null of a single column is NULL."""
    result = connection.execute(sql.encode()).pgresult
    rows: list[str] = []
    for row in range(result.ntuples if result is not None else 0):
        values = [result.get_value(row, column) for column in range(result.nfields)]
        null = "NULL" if len(values) == 1 else ""
        rows.append("|".join(null if value is None else value.decode() for value in values))
    return rows


_SUMMARY = (
    ("Functions", lambda chapter: chapter.kind == "function"),
    ("Spatial functions, among them", lambda chapter: chapter.title.startswith("Spatial")),
    ("Statements", lambda chapter: chapter.kind == "statement"),
    ("Query clauses, conditions, data types", lambda chapter: chapter.kind in ("clause", "condition", "type")),
)


def page(chapters: list[Chapter]) -> str:
    """The page that people read."""
    lines = [
        "# What of Redshift's SQL the stand-in does",
        "",
        "Written by `tools/redshift_coverage.py` from `standin/redshift/coverage.yml`, whose examples a test runs "
        "through the face. *Exact*: results as the SQL reference gives them. *Approximate*: usable, and the difference "
        "is told. *Refused*: an error (`0A000`) that names the feature. *Missing*: nobody has looked after it.",
        "",
        "| | exact | approximate | refused | missing | exact or approximate |",
        "|---|---|---|---|---|---|",
    ]
    for title, belongs in _SUMMARY:
        rows = [row for chapter in chapters if belongs(chapter) for row in chapter.rows]
        counts = [sum(row.status == status for row in rows) for status in STATUSES]
        lines.append(f"| {title} | {' | '.join(map(str, counts))} | {sum(counts[:2]) / len(rows):.0%} |")
    for chapter in chapters:
        if chapter.kind == "hint":
            lines += [
                "",
                "## Hints",
                "",
                "What Redshift takes as a hint, the stand-in keeps and does not act upon.",
                "",
            ]
            lines += ["| hint | what becomes of it |", "|---|---|"]
            lines += [f"| {row.name} | {row.note} |" for row in chapter.rows]
        else:
            lines += ["", f"## {chapter.title}", "", *_chapter(chapter)]
    text = "\n".join(lines) + "\n"
    return re.sub(r"\n{3,}", "\n\n", text)


def _chapter(chapter: Chapter) -> Iterator[str]:
    for status in STATUSES:
        rows = [row for row in chapter.rows if row.status == status]
        plain = ", ".join(row.name.replace("|", "\\|") for row in rows if not row.note)
        if plain:
            yield f"**{status.capitalize()}**: {plain}"
            yield ""
        noted = [row for row in rows if row.note]
        if noted:
            yield f"**{status.capitalize()}{'' if not plain else ', with a note'}**:"
            yield ""
            yield from (f"- {row.name}: {row.note}" for row in noted)
            yield ""


def main() -> int:
    """Run the examples in the database of the first argument and write the page; 1 if one of them fails."""
    import psycopg

    chapters = load()
    with psycopg.connect(sys.argv[1], autocommit=True) as connection:
        found = list(faults(connection, chapters))
    if found:
        print("\n".join(found), file=sys.stderr)
        return 1
    PAGE.write_text(page(chapters))
    return 0


if __name__ == "__main__":
    sys.exit(main())
