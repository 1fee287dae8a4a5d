"""The contracts, the dbt project and the data dictionary say the same of every raw table."""

import re
import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import pyarrow.compute as pc
import pytest
import yaml
from click.testing import CliRunner

from ingestion import dictionary, sources
from ingestion.cli import main
from ingestion.contract import (
    AtLeast,
    Between,
    Bits,
    Contract,
    Field,
    MaxBytes,
    MinBytes,
    NotBlank,
    Numeric,
    Pattern,
    RequiredWhen,
    Row,
    Rule,
)
from ingestion.delivery import Resource
from ingestion.errors import IngestError
from ingestion.landing import contracts

PROJECT = Path(__file__).resolve().parents[2]


def required(name):
    """The columns that dbt expects to be filled, by table."""
    text = (PROJECT / f"models/staging/{name}/_{name}__sources.yml").read_text("utf-8")
    return {
        table["name"]: {
            column
            for test in table.get("data_tests", [])
            if "has_landed_whole" in test
            for column in test["has_landed_whole"].get("arguments", {}).get("required", [])
        }
        for source in yaml.safe_load(text)["sources"]
        for table in source["tables"]
    }


@pytest.mark.parametrize("name", sources.NAMES)
def test_the_dbt_sources_have_the_columns_types_and_nulls_of_the_contracts(name):
    source = sources.find(name)
    documented, filled = dictionary.tables_of(name), required(name)
    for table, contract in contracts(source).items():
        declared = [(column.name, dictionary.sql_type(column)) for column in contract.columns]
        assert [(column, words.data_type) for column, words in documented[table].items()] == declared, table
        if not table.startswith("_"):
            wanted = {column.name for column in contract.columns if not column.nullable}
            assert filled[table] == {column for column in wanted if not column.startswith("_")}, table


def test_the_page_is_what_would_be_written_now():
    done = CliRunner().invoke(main, ["dictionary", "--check"])
    assert done.exit_code == 0, done.stderr


def test_a_page_that_is_out_of_date_is_told_and_written_anew(tmp_path):
    shutil.copytree(PROJECT / "models", tmp_path / "models")
    (tmp_path / "docs").mkdir()
    assert CliRunner().invoke(main, ["dictionary", "--check", "--project", str(tmp_path)]).exit_code == 1
    assert CliRunner().invoke(main, ["dictionary", "--project", str(tmp_path)]).exit_code == 0
    page = (tmp_path / "docs" / "data-dictionary.md").read_text("utf-8")
    assert page == (PROJECT / "docs" / "data-dictionary.md").read_text("utf-8")
    docs = tmp_path / "models" / "staging" / "usage" / "_usage__docs.md"
    docs.write_text(docs.read_text("utf-8").replace("Seconds talked", "Minutes talked"), "utf-8")
    done = CliRunner().invoke(main, ["dictionary", "--check", "--project", str(tmp_path)])
    assert (done.exit_code, "out of date" in done.stderr) == (1, True)


def test_every_column_is_described_and_classified_on_the_page():
    page = (PROJECT / "docs" / "data-dictionary.md").read_text("utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) == sum(len(r.contract.columns) for name in sources.NAMES for r in sources.find(name).resources)
    for row in rows:
        assert row[4] in ("direct", "quasi", "none"), row
        assert len(row[5]) > 10, row


class Odd(
    Row,
    key=("odd_id", "part"),
    rules=[Rule("never", "it is odd", lambda odd: pc.is_valid(odd["odd_id"]))],
):
    """An odd thing.

    Not for the page.
    """

    odd_id: Annotated[str, MaxBytes(9), MinBytes(3), NotBlank(), Pattern("[A-Z|]+")]
    part: Annotated[int, Bits(16), Between(1, 9)]
    low: Annotated[Decimal, Numeric(9, 3)] | None
    high: Annotated[Decimal, Numeric(9, 3), AtLeast(Field("low"))] | None
    kind: Literal[1, 2] | None
    note: Annotated[str, RequiredWhen(kind=(1, 2)), Pattern("[a-z]+", "small letters")] | None
    more: dict | None


def test_every_constraint_has_its_words():
    columns = {column.name: column for column in Contract.of(Odd).columns}
    assert {name: (dictionary.sql_type(column), dictionary.allowed(column)) for name, column in columns.items()} == {
        "odd_id": ("varchar", "like `[A-Z|]+`; not blank; at least 3 bytes"),
        "part": ("smallint", "at least 1; at most 9"),
        "low": ("numeric(9,3)", ""),
        "high": ("numeric(9,3)", "at least `low`"),
        "kind": ("bigint", "one of `1`, `2`"),
        "note": ("varchar", "small letters; required when `kind` is `1` or `2`"),
        "more": ("jsonb", "a JSON object"),
    }


def project_with(tmp_path, columns):
    folder = tmp_path / "models" / "staging" / "usage"
    folder.mkdir(parents=True)
    described = [{"name": name, "description": "{{ doc('a_word') }}", "data_type": "varchar"} for name in columns]
    tables = [{"name": "odd", "columns": described}]
    (folder / "_usage__sources.yml").write_text(yaml.safe_dump({"sources": [{"name": "usage", "tables": tables}]}))
    (folder / "_usage__docs.md").write_text("{% docs a_word %}\nSaid once, |\nin two lines.\n{% enddocs %}\n")
    resource = Resource("odd", Contract.of(Odd), "odd things", lands="merge")
    return replace(sources.find("usage"), resources=(resource,))


def test_a_table_tells_its_key_its_rules_and_what_it_is(tmp_path):
    source = project_with(tmp_path, Odd.__annotations__)
    page = dictionary.page([source], tmp_path)
    assert (
        "### raw_usage.odd\n\nAn odd thing. Key: `odd_id`, `part`. A row replaces that of the same key."
        " Refused: it is odd.\n" in page
    )
    assert (
        "| `odd_id` | varchar(9) | required | like `[A-Z\\|]+`; not blank; at least 3 bytes |"
        "  | Said once, \\| in two lines. |" in page
    )
    assert "| `more` | json |  | a JSON object |" in page


@pytest.mark.parametrize(
    ("columns", "told"),
    [(["odd_id"], "odd has no part"), (Odd.__annotations__, "no table")],
)
def test_what_is_not_described_is_named(tmp_path, columns, told):
    source = project_with(tmp_path, columns)
    if told == "no table":
        source = replace(source, resources=(replace(source.resources[0], name="even"),))
        told = "has no even"
    with pytest.raises(IngestError, match=told):
        dictionary.page([source], tmp_path)
    with pytest.raises(IngestError, match=re.escape("_crm__sources.yml is missing")):
        dictionary.tables_of("crm", tmp_path)
