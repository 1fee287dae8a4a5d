"""Writes the beginning of a new source: everything that the house wants of one, to be edited rather than remembered.

What is written passes the house's own checks as it is: the source with a first contract, recorded records with one that
is malformed, a test that lands them, the dbt source and staging model, the settings' names. The contract and the
records are a guess at what the source sends; replacing them is the work that is left.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from ingestion.errors import IngestError
from ingestion.scaffold.pieces import FORMATS, TRANSPORTS, FormatPiece, TransportPiece

TEMPLATES = Path(__file__).parent / "templates"
PATTERN = "usage"
"""The source whose `_deliveries`, `_quarantine` and `_dlt_loads` are described the way that the new one's are."""

# what is written has lines of 120 letters at most, with names of 20
_NAME = re.compile(r"[a-z]{2,20}")
_TABLE = re.compile(r"(?=.{2,20}$)[a-z]+(_[a-z]+)*")
_NAMES = re.compile(r"^NAMES = \((.*?)\)$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Plan:
    """What to write.

    Attributes:
        name: of the source.
        table: of its first raw table.
        transport: how its data is fetched, a name of `TRANSPORTS`.
        format: how it is written, a name of `FORMATS`.
    """

    name: str
    table: str
    transport: str
    format: str

    @property
    def thing(self) -> str:
        """What a row is, in the singular."""
        return re.sub(r"(?<=[a-z])s$", "", re.sub(r"ies$", "y", self.table))

    @property
    def row_class(self) -> str:
        """The class of the contract. No constraint and no format is called so."""
        return "".join(word.title() for word in self.thing.split("_")) + "Row"


def write(plan: Plan, project: Path) -> list[Path]:
    """Writes a source into a project. Gives the files that are new or have changed, below the project.

    Raises:
        IngestError: the name is taken or is none, or the format does not travel that way; nothing was written.
    """
    transport, file_format = _pieces(plan)
    _refuse_taken(plan, project)
    words = _words(plan, transport, file_format)
    name, table = plan.name, plan.table
    folder = Path("models") / "staging" / name
    payload = Path("tests") / "ingestion" / "payloads" / name / words["payload"]
    new: dict[Path, bytes] = {
        Path("ingestion") / "sources" / f"{name}.py": _filled("source.py", words),
        Path("tests") / "ingestion" / f"test_source_{name}.py": _filled("test.py", words),
        payload: file_format.payload(plan.thing),
        folder / f"_{name}__sources.yml": _filled("sources.yml", words) + _ledger_tables(name, project),
        folder / f"_{name}__models.yml": _filled("models.yml", words),
        folder / f"_{name}__docs.md": _filled("docs.md", words),
        folder / f"stg_{name}__{table}.sql": _filled("staging.sql", words),
    }
    changed: dict[Path, Callable[[str], str]] = {
        Path("ingestion") / "sources" / "__init__.py": lambda text: _registered(text, name),
        Path(".dlt") / "config.toml": lambda text: text + _settings(name, transport.settings),
        Path(".dlt") / "secrets.example.toml": lambda text: text + _settings(name, transport.secrets),
    }
    edited = {path: edit((project / path).read_text("utf-8")).encode() for path, edit in changed.items()}
    for path, content in {**new, **edited}.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_bytes(content)
    return [*new, *edited]


def _pieces(plan: Plan) -> tuple[TransportPiece, FormatPiece]:
    if plan.transport not in TRANSPORTS:
        raise IngestError(f"there is no transport {plan.transport!r}; there are {', '.join(TRANSPORTS)}")
    transport = TRANSPORTS[plan.transport]
    if plan.format not in transport.formats:
        raise IngestError(f"{plan.transport} brings {', '.join(transport.formats)}, not {plan.format!r}")
    return transport, transport.own_format or FORMATS[plan.format]


def _refuse_taken(plan: Plan, project: Path) -> None:
    if not _NAME.fullmatch(plan.name):
        raise IngestError(f"{plan.name!r} is no name for a source: 2 to 20 small letters, for it names a schema")
    if not _TABLE.fullmatch(plan.table):
        raise IngestError(f"{plan.table!r} is no name for a table: 2 to 20 small letters, words joined by underscores")
    for path in (project / "ingestion" / "sources" / f"{plan.name}.py", project / "models" / "staging" / plan.name):
        if path.exists():
            raise IngestError(f"{path} is there already; a new source needs a new name")


def _words(plan: Plan, transport: TransportPiece, file_format: FormatPiece) -> dict[str, str]:
    words = {
        "name": plan.name,
        "title": plan.name.capitalize(),
        "table": plan.table,
        "thing": plan.thing,
        "things": plan.table.replace("_", " "),
        "row_class": plan.row_class,
        "how": f"{transport.how}, {file_format.how}",
        "payload": f"{plan.table}{file_format.suffix}",
        "suffix": file_format.suffix,
    }
    words["format"] = Template(file_format.expression).substitute(words)
    words["transport"] = Template(transport.expression).substitute(words)
    words["imports"] = _sorted_imports(_SOURCE_IMPORTS, transport.imports, file_format.imports)
    taken = "source" if not words["format"] else "FORMAT, source"
    from_source = f"from ingestion.sources.{plan.name} import {taken}"
    words["test_imports"] = _sorted_imports(_TEST_IMPORTS, (from_source,), file_format.test_imports)
    words["test_format"] = "FORMAT" if words["format"] else "RecordedAnswer()"
    words["reader"] = Template(file_format.reader).substitute(words)
    words["format_definition"] = f"\n\nFORMAT = {words['format']}\n" if words["format"] else ""
    return words


_SOURCE_IMPORTS = (
    "from datetime import datetime",
    "from decimal import Decimal",
    "from typing import Annotated, Literal",
    "from ingestion.contract import Contract, MaxBytes, Numeric, Row",
    "from ingestion.delivery import Resource, Source",
)
_TEST_IMPORTS = (
    "from ingestion import status",
    "from ingestion.landing import land",
    "from ingestion.transports.local import LocalFiles",
)


def _sorted_imports(*groups: Sequence[str]) -> str:
    """The standard library first, then ours, each in order."""
    lines = sorted({line for group in groups for line in group})
    ours = [line for line in lines if line.startswith("from ingestion")]
    standard = [line for line in lines if line not in ours]
    return "\n".join([*standard, *([""] if standard else []), *ours])


def _filled(template: str, words: Mapping[str, str]) -> bytes:
    return Template((TEMPLATES / f"{template}.tmpl").read_text("utf-8")).substitute(words).encode()


def _ledger_tables(name: str, project: Path) -> bytes:
    """The description of the tables that every source has, as the pattern's file has it."""
    path = project / "models" / "staging" / PATTERN / f"_{PATTERN}__sources.yml"
    _, mark, ledger = path.read_text("utf-8").partition("      - name: _deliveries\n")
    described = ledger.replace(f"raw_{PATTERN}_", f"raw_{name}_").replace(f"ingest run {PATTERN}", f"ingest run {name}")
    return ("\n" + mark + described).encode()


def _registered(text: str, name: str) -> str:
    found = _NAMES.search(text)
    if not found:
        raise IngestError("ingestion/sources/__init__.py has no NAMES = (...) that a name could be added to")
    names = [*re.findall(r'"(\w+)"', found[1]), name]
    listed = ", ".join(f'"{one}"' for one in names)
    line = f"NAMES = ({listed})"
    if len(line) > 120:
        line = "NAMES = (\n" + "".join(f'    "{one}",\n' for one in names) + ")"
    return text[: found.start()] + line + text[found.end() :]


def _settings(name: str, settings: Mapping[str, str]) -> str:
    if not settings:
        return ""
    return f"\n[sources.{name}]\n" + "".join(f'{key} = "{value}"\n' for key, value in settings.items())
