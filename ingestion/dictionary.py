"""The data dictionary: what every raw table holds, from the contracts, in words from the dbt project.

A contract says what a value may be; `models/staging/<source>/_<source>__sources.yml` says what it means and how
personal it is. The page joins the two, so that neither has to repeat the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ingestion.contract import Field
from ingestion.errors import IngestError

if TYPE_CHECKING:
    from ingestion.contract import Column
    from ingestion.delivery import Resource, Source

PROJECT = Path(__file__).resolve().parents[1]
PAGE = Path("docs") / "data-dictionary.md"

_TYPES = {
    pa.int16(): "smallint",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float64(): "double precision",
    pa.bool_(): "boolean",
    pa.date32(): "date",
    pa.time64("us"): "time",
    pa.timestamp("us", "UTC"): "timestamp with time zone",
}
_DOC_BLOCK = re.compile(r"{% docs (\w+) %}\s*(.*?)\s*{% enddocs %}", re.DOTALL)
_DOC_USE = re.compile(r"{{\s*doc\('(\w+)'\)\s*}}")


@dataclass(frozen=True)
class Documented:
    """What the dbt project says of a raw column."""

    description: str
    pii: str
    data_type: str


def page(sources: Sequence[Source], project: Path = PROJECT) -> str:
    """The whole page, Markdown.

    Args:
        sources: as they are described.
        project: the folder that `models/` is in.

    Raises:
        IngestError: a source, a table or a column is not in its `_<source>__sources.yml`.
    """
    blocks = doc_blocks(project)
    parts = [
        "# Data dictionary\n\n"
        "What the raw tables hold. Written by `ingest dictionary` from the contracts in `ingestion/sources/` and the "
        "descriptions in `models/staging/*/_*__sources.yml`; a test holds it to both. Every table also has "
        "`_source_uri`, `_source_row` and `_dlt_load_id`: where a row came from, and the load that brought it.\n\n"
        "*Personal*: `direct` names a person, `quasi` can with other columns, `none` cannot. Lengths are bytes of "
        "UTF-8. JSON is `jsonb` on Postgres and `super` on Redshift.\n"
    ]
    for source in sources:
        documented = tables_of(source.name, project, blocks)
        parts.append(f"\n## {source.name}\n\n{_sentence(source.description)}\n")
        for resource in source.resources:
            if resource.name not in documented:
                raise IngestError(f"models/staging/{source.name}/_{source.name}__sources.yml has no {resource.name}")
            parts.append(_table(source, resource, documented[resource.name]))
    return "".join(parts)


def tables_of(
    name: str, project: Path = PROJECT, blocks: Mapping[str, str] | None = None
) -> dict[str, dict[str, Documented]]:
    """The columns of a source's raw tables as the dbt project describes them, by table.

    Raises:
        IngestError: the project does not describe the source.
    """
    import yaml

    path = project / "models" / "staging" / name / f"_{name}__sources.yml"
    if not path.is_file():
        raise IngestError(f"{path} is missing: it describes the raw tables of {name} for dbt")
    blocks = doc_blocks(project) if blocks is None else blocks
    described: Any = yaml.safe_load(path.read_text("utf-8"))
    return {
        table["name"]: {column["name"]: _documented(column, blocks, path) for column in table.get("columns", ())}
        for source in described["sources"]
        for table in source["tables"]
    }


def doc_blocks(project: Path = PROJECT) -> dict[str, str]:
    """The doc blocks of the dbt project, by name."""
    found = sorted((project / "models").rglob("*.md"))
    return {name: text for path in found for name, text in _DOC_BLOCK.findall(path.read_text("utf-8"))}


def sql_type(column: Column) -> str:
    """The type of a column in the raw table, as `_<source>__sources.yml` has it."""
    if column.json:
        return "jsonb"
    if pa.types.is_decimal(column.type):
        return f"numeric({column.type.precision},{column.type.scale})"
    return "varchar" if pa.types.is_string(column.type) else _TYPES[column.type]


def allowed(column: Column) -> str:
    """What a value may be, in words; empty if its type says it all."""
    words = []
    if column.one_of:
        words.append("one of " + ", ".join(f"`{value}`" for value in column.one_of))
    if column.json:
        words.append(f"a JSON {column.json}")
    if column.pattern:
        words.append(column.pattern.says or f"like `{column.pattern.regex}`")
    if column.not_blank:
        words.append("not blank")
    if column.min_bytes:
        words.append(f"at least {column.min_bytes} bytes")
    for bound, said in ((column.at_least, "at least"), (column.at_most, "at most")):
        if bound is not None:
            words.append(f"{said} `{bound.name}`" if isinstance(bound, Field) else f"{said} {bound}")
    for name, values in column.required_when:
        words.append(f"required when `{name}` is " + " or ".join(f"`{value}`" for value in values))
    return "; ".join(words)


def _documented(column: Mapping[str, Any], blocks: Mapping[str, str], path: Path) -> Documented:
    def block(use: re.Match[str]) -> str:
        if use[1] not in blocks:
            raise IngestError(f"{path}: there is no doc block {use[1]}")
        return blocks[use[1]]

    description = " ".join(_DOC_USE.sub(block, column.get("description", "")).split())
    pii = column.get("config", {}).get("meta", {}).get("pii", "")
    return Documented(description, pii, column.get("data_type", ""))


def _table(source: Source, resource: Resource, documented: Mapping[str, Documented]) -> str:
    contract = resource.contract
    lines = [f"\n### {source.dataset}.{resource.name}\n\n{_sentence(contract.description or resource.description)}"]
    if contract.key:
        lines.append(f" Key: {', '.join(f'`{name}`' for name in contract.key)}.")
    if resource.lands == "merge":
        lines.append(" A row replaces that of the same key.")
    for rule in contract.rules:
        lines.append(f" Refused: {rule.broken}.")
    lines.append("\n\n| column | type | | may be | personal | what it is |\n|---|---|---|---|---|---|\n")
    for column in contract.columns:
        if column.name not in documented:
            raise IngestError(
                f"models/staging/{source.name}/_{source.name}__sources.yml: {resource.name} has no {column.name}"
            )
        words = documented[column.name]
        required = "" if column.nullable else "required"
        cells = (f"`{column.name}`", _shown_type(column), required, allowed(column), words.pii, words.description)
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n")
    return "".join(lines)


def _shown_type(column: Column) -> str:
    if column.json:
        return "json"
    return f"varchar({column.max_bytes})" if column.max_bytes else sql_type(column)


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
