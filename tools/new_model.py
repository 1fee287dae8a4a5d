"""Starts a model: its SQL, its description, and a unit test that fails until somebody has written it.

    python -m tools.new_model marts/billing/fct_refunds --reads int_payments__deduplicated --key payment_id

What is written keeps the house's rules as it is: it lints, parses, has an owner, a grain, described and classified
columns, and a contract if it is a mart. What a column means and how personal it is are taken from where the model reads
it, for one name means one thing everywhere. The unit test is the one thing that is wrong.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import click
import yaml

PROJECT = Path(__file__).resolve().parent.parent
NAMES = {
    "intermediate": r"int_[a-z_]+__[a-z0-9_]+",
    "marts": r"[a-z]+(_[a-z]+)+",
    "observability": r"[a-z]+(_[a-z]+)+",
}
# by type: a value, and another one that the unit test must not find
VALUES = {"date": ("2026-10-01", "1900-01-01"), "bigint": (1, 0), "boolean": (True, False)}
SQL = Template("""with

$alias as (

    select * from {{ ref('$reads') }}

),

final as (

    select$columns
    from $alias

)

select * from final
""")


class NewModelError(click.ClickException):
    """The model cannot be started so; nothing was written."""


@dataclass(frozen=True)
class Plan:
    """What to write.

    Attributes:
        layer: intermediate, marts or observability.
        subject: the folder below it; the layer itself for observability.
        name: of the model.
        reads: the model that it reads first.
        key: the columns of that one which a row of the new model is one of.
    """

    layer: str
    subject: str
    name: str
    reads: str
    key: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where it lies, below the project."""
        return Path("models") / self.layer / ("" if self.subject == self.layer else self.subject)


@click.command()
@click.argument("model")
@click.option("--reads", required=True, help="The model that it reads first.")
@click.option("--key", required=True, multiple=True, help="A column of that one; a row of the new model is one of it.")
@click.option("--project", type=click.Path(path_type=Path, file_okay=False, exists=True), default=PROJECT, hidden=True)
def main(model: str, reads: str, key: tuple[str, ...], project: Path) -> None:
    """Start MODEL, as in marts/billing/fct_refunds."""
    *folders, name = model.removeprefix("models/").removesuffix(".sql").split("/")
    if not folders or folders[0] not in NAMES or len(folders) != (1 if folders[0] == "observability" else 2):
        raise NewModelError(
            f"{model!r} is no place for a model: say intermediate/<subject>/<name> or marts/<subject>/<name>"
        )
    for path in write(Plan(folders[0], folders[-1], name, reads, key), project):
        click.echo(path)
    click.echo(f"\nNext: the SQL, then its unit test: dbt build --select {name}", err=True)


def write(plan: Plan, project: Path) -> list[Path]:
    """Writes the model into a project. Gives the files that are new or have grown, below the project.

    Raises:
        NewModelError: the name does not fit the layer or is taken, or the model or column to read is not there.
    """
    described = _described(project)
    _refuse(plan, described, project)
    columns = [_column(name, plan, described) for name in plan.key]
    sql, models, tests = (
        plan.folder / f"{plan.name}.sql",
        plan.folder / f"_{plan.subject}__models.yml",
        plan.folder / f"_{plan.subject}__unit_tests.yml",
    )
    texts = {
        sql: _sql(plan),
        models: _appended(project / models, "models", _description(plan, columns)),
        tests: _appended(project / tests, "unit_tests", _unit_test(plan, columns)),
    }
    (project / plan.folder).mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        (project / path).write_text(text, "utf-8")
    return list(texts)


def _described(project: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """The columns of every model that has a description: model -> column -> what its YAML says."""
    found = {}
    for path in sorted((project / "models").rglob("_*__models.yml")):
        for model in yaml.safe_load(path.read_text("utf-8")).get("models", []):
            found[model["name"]] = {column["name"]: column for column in model["columns"]}
    return found


def _refuse(plan: Plan, described: dict[str, dict[str, dict[str, Any]]], project: Path) -> None:
    if not re.fullmatch(NAMES[plan.layer], plan.name) or (plan.layer == "marts" and re.match("(stg|int)_", plan.name)):
        raise NewModelError(f"{plan.name!r} is no name for a model in {plan.layer}: docs/models.md has them")
    if plan.name in described or list((project / "models").rglob(f"{plan.name}.sql")):
        raise NewModelError(f"there is a {plan.name} already")
    if plan.reads not in described:
        raise NewModelError(f"there is no model {plan.reads!r} to read")
    missing = [name for name in plan.key if name not in described[plan.reads]]
    if missing:
        raise NewModelError(f"{plan.reads} has no column {', '.join(missing)}")
    owners = yaml.safe_load((project / "dbt_project.yml").read_text("utf-8"))["models"]["majakka"]
    if plan.layer == "marts" and plan.subject not in owners["marts"]:
        raise NewModelError(f"nobody owns models/marts/{plan.subject}: give it a group in dbt_project.yml first")


def _column(name: str, plan: Plan, described: dict[str, dict[str, dict[str, Any]]]) -> dict[str, Any]:
    """A column as the model that is read has it; its type as any contract has it."""
    types = [columns[name]["data_type"] for columns in described.values() if "data_type" in columns.get(name, {})]
    guessed = "date" if name.endswith("_on") else "bigint" if name.endswith("_count") else "varchar(64)"
    return {**described[plan.reads][name], "data_type": types[0] if types else guessed}


def _sql(plan: Plan) -> str:
    alias = re.sub(r"^(stg|int|dim|fct)_", "", plan.reads).split("__")[0]
    # sqlfluff wants a single column beside its select
    listed = (
        f" {plan.key[0]}" if len(plan.key) == 1 else "\n" + ",\n".join(f"        {name}" for name in plan.key) + "\n"
    )
    return SQL.substitute(alias=alias, reads=plan.reads, columns=listed)


def _description(plan: Plan, columns: list[dict[str, Any]]) -> str:
    lines = [
        f"  - name: {plan.name}",
        f"    description: One row per {' and '.join(plan.key)}.",
        "    data_tests:",
        "      - has_unique_key:",
        "          arguments:",
        f"            columns: [{', '.join(plan.key)}]",
        "    columns:",
    ]
    for column in columns:
        lines.append(f"      - name: {column['name']}")
        if plan.layer != "intermediate":
            lines.append(f"        data_type: {column['data_type']}")
        lines.append(f"        description: {json.dumps(column['description'], ensure_ascii=False)}")
        lines.append(f"        config: {{meta: {{pii: {column['config']['meta']['pii']}}}}}")
        if plan.layer != "intermediate":
            lines += ["        constraints:", "          - type: not_null"]
    return "\n".join(lines) + "\n"


def _unit_test(plan: Plan, columns: list[dict[str, Any]]) -> str:
    values = {column["name"]: VALUES.get(column["data_type"], ("A1", "write me")) for column in columns}
    given, expected = (json.dumps({name: pair[n] for name, pair in values.items()}) for n in (0, 1))
    return f"""  - name: {f"what_{plan.name}"[:57]}_is_for
    description: Say which branch of the SQL this is about, and what must come of it.
    model: {plan.name}
    given:
      - input: ref('{plan.reads}')
        rows:
          - {given}
    expect:
      rows:
        - {expected}
"""


def _appended(path: Path, key: str, item: str) -> str:
    """What a file is with an item more in the list that it consists of."""
    before = path.read_text("utf-8").rstrip("\n") + "\n" if path.is_file() else ""
    if before and list(yaml.safe_load(before))[-1] != key:
        raise NewModelError(f"{path} does not end with its {key}; the item cannot be added to them:\n{item}")
    return f"{before}\n{item}" if before else f"{key}:\n{item}"


if __name__ == "__main__":
    main()
