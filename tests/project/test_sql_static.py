"""What can be said of the SQL without a database: it parses, it compiles for both engines, and it keeps the house's
rules for names, descriptions, contracts and tests."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from dbt.adapters.factory import reset_adapters
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt_common.events.base_types import EventLevel, EventMsg
from sql_deny_list import NOT_ON_POSTGRES, NOT_ON_REDSHIFT, REDSHIFT_RESERVED, Denied, denied

PROJECT = Path(__file__).resolve().parents[2]
# No such cluster; whatever reached for it would fail.
NO_CLUSTER = {
    "REDSHIFT_HOST": "no-such-cluster.invalid",
    "REDSHIFT_USER": "nobody",
    "REDSHIFT_PASSWORD": "nothing",
    "REDSHIFT_DATABASE": "majakka",
    "MAJAKKA_WAREHOUSE_HOST": "no-such-host.invalid",
}


@dataclass
class Compiled:
    """The project as one target sees it."""

    manifest: Manifest
    sql: dict[str, str]  # path below the project -> compiled SQL
    warnings: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Compiled]:
    """The project for dev, for prod, and for prod with the optional files, each parsed and compiled once."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in NO_CLUSTER.items():
            patch.setenv(name, value)
        # while they are compiled, and not for the tests that come after
        return {
            "dev": _compile(tmp_path_factory.mktemp("dev"), "dev", files_landed=True),
            "prod": _compile(tmp_path_factory.mktemp("prod"), "prod", files_landed=True),
            "prod without files": _compile(tmp_path_factory.mktemp("bare"), "prod", files_landed=False),
        }


def _compile(folder: Path, target: str, *, files_landed: bool) -> Compiled:
    warnings: list[str] = []

    def note(event: EventMsg) -> None:
        if event.info.level in (EventLevel.WARN, EventLevel.ERROR):
            warnings.append(event.info.msg)

    common = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT / "profiles"), "--target", target]
    common += ["--target-path", str(folder), "--log-path", str(folder), "--quiet"]
    common += ["--vars", f"files_landed: {str(files_landed).lower()}"]
    reset_adapters()
    parsed = dbtRunner(callbacks=[note]).invoke(["parse", "--no-partial-parse", *common])
    assert parsed.success, f"{parsed.exception} {warnings}"
    manifest = parsed.result
    assert isinstance(manifest, Manifest)
    done = dbtRunner(manifest=manifest, callbacks=[note]).invoke(
        ["compile", "--no-introspect", "--no-populate-cache", *common]
    )
    assert done.success, f"{done.exception} {warnings}"
    root = folder / "compiled" / "majakka"
    sql = {
        str(path.relative_to(root)): path.read_text("utf-8")
        for path in sorted(root.rglob("*.sql"))
        if not path.stem.startswith("_")
    }
    return Compiled(manifest, sql, warnings)


@pytest.fixture(scope="session")
def manifest(compiled: dict[str, Compiled]) -> Manifest:
    """The whole project, the optional files included."""
    return compiled["dev"].manifest


def _models(manifest: Manifest, *folders: str) -> list[Any]:
    nodes = [node for node in manifest.nodes.values() if node.resource_type == "model"]
    return sorted((node for node in nodes if not folders or node.fqn[1] in folders), key=lambda node: str(node.name))


def _landed(manifest: Manifest) -> list[Any]:
    """The raw tables; the run log is dbt's own, and nothing lands in it."""
    return [source for source in manifest.sources.values() if source.source_name != "run_log"]


def _documented(manifest: Manifest) -> list[tuple[str, Any]]:
    """Everything with columns: models, seeds, snapshots, sources."""
    nodes = [(n.name, n) for n in manifest.nodes.values() if n.resource_type in ("model", "seed", "snapshot")]
    return nodes + [(f"{s.source_name}.{s.name}", s) for s in manifest.sources.values()]


# ---- it parses and compiles


@pytest.mark.parametrize("target", ["dev", "prod", "prod without files"])
def test_compiles_without_a_database_and_without_a_warning(compiled: dict[str, Compiled], target: str) -> None:
    assert compiled[target].warnings == []
    assert len(compiled[target].sql) > 100


def test_the_optional_files_are_switched_by_one_var(compiled: dict[str, Compiled]) -> None:
    def about_files(target: str) -> list[str]:
        found = compiled[target].manifest
        names = [*found.nodes, *found.sources, *found.exposures]
        return [name for name in names if re.search("telco|phone_bill|phone_spend|churn_(by|dash)|files", name)]

    assert about_files("prod without files") == []
    assert len(about_files("prod")) > 20


def test_an_edit_does_not_make_dbt_miss_what_is_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an edit partial parsing forgets some things that are switched off from dbt_project.yml, exposures for one,
    and the next run complains of configuration for nothing."""
    for name, value in NO_CLUSTER.items():
        monkeypatch.setenv(name, value)
    for name in ("models", "seeds", "macros", "profiles", "tests/dbt"):
        shutil.copytree(PROJECT / name, tmp_path / name)
    shutil.copy(PROJECT / "dbt_project.yml", tmp_path)
    common = ["--project-dir", str(tmp_path), "--profiles-dir", str(tmp_path / "profiles"), "--quiet"]
    common += ["--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")]
    reset_adapters()
    assert dbtRunner().invoke(["parse", *common]).success

    edited = tmp_path / "models" / "marts" / "web" / "_web__models.yml"
    edited.write_text(edited.read_text("utf-8").replace("One row", "One row,"), "utf-8")

    reset_adapters()
    second = dbtRunner().invoke(["compile", "--no-introspect", "--no-populate-cache", *common])
    assert second.success, second.exception


def test_prod_has_no_default_for_where_it_is_and_who_we_are() -> None:
    prod = yaml.safe_load((PROJECT / "profiles" / "profiles.yml").read_text("utf-8"))["majakka"]["outputs"]["prod"]
    for key in ("host", "user", "password", "dbname"):
        assert re.fullmatch(r"\{\{ env_var\('REDSHIFT_[A-Z]+'\) \}\}", prod[key]), key


def test_dbt_finds_the_profile_from_the_root() -> None:
    link = PROJECT / "profiles.yml"
    assert link.is_symlink()
    assert link.resolve() == (PROJECT / "profiles" / "profiles.yml").resolve()


# ---- it is portable


@pytest.mark.parametrize(
    ("target", "constructs"),
    [("prod", NOT_ON_REDSHIFT), ("prod without files", NOT_ON_REDSHIFT), ("dev", NOT_ON_POSTGRES)],
)
def test_compiled_sql_has_only_what_its_engine_has(
    compiled: dict[str, Compiled], target: str, constructs: tuple[Denied, ...]
) -> None:
    faults = [f"{path}: {fault}" for path, sql in compiled[target].sql.items() for fault in denied(sql, constructs)]
    assert faults == [], "\n".join(faults)


SAMPLES_NOT_ON_REDSHIFT = {
    "distinct on": "select distinct on (a) a, b from t",
    "filter (where ...)": "select count(*)\n  FILTER (WHERE a > 1) from t",
    "string_agg": "select string_agg(a, ',') from t",
    "array_agg": "select array_agg(a) from t",
    "JSON operators": "select payload ->> 'a' from t",
    "lateral": "select 1 from t cross join lateral (select 2) as u",
    "generate_series": "select 1 from generate_series(1, 3)",
    "is distinct from": "select a is not distinct from b from t",
    "named window": "select sum(a) over w from t window w as (partition by b)",
    "now()": "select now()",
    "regexp_matches": "select regexp_matches(a, 'x') from t",
    "gen_random_uuid": "select gen_random_uuid()",
    "as materialized": "with a as materialized (select 1) select * from a",
    "count(distinct) over": "select count(distinct a) over (partition by b) from t",
    "tablesample": "select * from t tablesample system (1)",
    "jsonb": "select a::jsonb from t",
    "uuid": "select cast(a as uuid) from t",
    "arrays": "select array[1, 2]",
    "on conflict": "insert into t values (1) on conflict do nothing",
    "returning": "delete from t returning a",
    "union distinct": "select 1 union distinct select 2",
    "age()": "select age(a, b) from t",
    "create index": "create index i on t (a)",
    "a word reserved on Redshift as a name": "select identity from t",
}
SAMPLES_NOT_ON_POSTGRES = {
    "qualify": "select a from t qualify row_number() over (order by a) = 1",
    "super": "select cast(a as super) from t",
    "listagg": "select listagg(a, ',') within group (order by a) from t",
    "getdate": "select getdate()",
    "sysdate": "select sysdate",
    "nvl, nvl2": "select nvl2(a, b, c) from t",
    "decode": "select decode(a, 1, 2) from t",
    "dateadd": "select dateadd(day, 1, a) from t",
    "datediff": "select datediff(day, a, b) from t",
    "convert_timezone": "select convert_timezone('UTC', a) from t",
    "approximate count": "select approximate count(distinct a) from t",
    "unpivot": "select * from t unpivot (a for b in (c, d))",
    "group by all": "select a, count(*) from t group by all",
    "select top": "select top 3 a from t",
    "len": "select len(a) from t",
}


@pytest.mark.parametrize(
    ("constructs", "samples"),
    [(NOT_ON_REDSHIFT, SAMPLES_NOT_ON_REDSHIFT), (NOT_ON_POSTGRES, SAMPLES_NOT_ON_POSTGRES)],
)
def test_the_deny_list_finds_each_construct_and_says_what_to_write(
    constructs: tuple[Denied, ...], samples: dict[str, str]
) -> None:
    assert {construct.construct for construct in constructs} == set(samples)
    for name, sql in samples.items():
        found = denied(sql, constructs)
        assert any(fault.startswith(name) for fault in found), (name, found)
        assert all("write " in fault for fault in found)


@pytest.mark.parametrize(
    "sql",
    [
        "select 'distinct on (a), now(), x::jsonb' as a -- lateral, returning\n/* qualify getdate() */",
        'select "identity", t."tag" from t',
        "select filtered, lateral_move, returning_count, a as nowhere from t",
        "select sum(a) over (partition by b order by c rows between unbounded preceding and current row) from t",
        "select listagg_count, top_count, length(a) as len from t",
    ],
)
def test_the_deny_list_reads_code_and_neither_texts_nor_comments(sql: str) -> None:
    assert denied(sql, NOT_ON_REDSHIFT + NOT_ON_POSTGRES) == []


def _lone_twins(names: set[str]) -> list[str]:
    """Macros for one engine without the one for the other. (On Redshift a lone `postgres__x` beats `default__x`.)"""
    twins = {"redshift": "postgres", "postgres": "redshift"}
    return sorted(
        name
        for name in names
        for engine, other in twins.items()
        if name.startswith(f"{engine}__") and f"{other}__{name.removeprefix(f'{engine}__')}" not in names
    )


def test_every_macro_for_one_engine_has_a_twin_for_the_other(manifest: Manifest) -> None:
    ours = {macro.name for macro in manifest.macros.values() if macro.package_name == "majakka"}
    assert _lone_twins(ours) == []
    assert "redshift__seconds_between" in ours


def test_a_lone_twin_is_found() -> None:
    assert _lone_twins({"postgres__a", "redshift__b", "postgres__c", "redshift__c", "default__a"}) == [
        "postgres__a",
        "redshift__b",
    ]


def test_every_cross_database_macro_has_a_table_of_values(manifest: Manifest) -> None:
    values = (PROJECT / "tests/dbt/singular/cross_db_macros_give_the_same_values_on_every_engine.sql").read_text(
        "utf-8"
    )
    ours = [
        macro.name
        for macro in manifest.macros.values()
        if macro.package_name == "majakka" and "cross_db" in macro.original_file_path and "__" not in macro.name
    ]
    assert [name for name in ours if f"{name}(" not in values] == []
    assert len(ours) > 5


# ---- names

MODEL_NAMES = {
    "staging": r"stg_(?P<folder>[a-z]+)__[a-z][a-z_]*",
    "intermediate": r"int_[a-z_]+__[a-z0-9_]+",
    "marts": r"(dim|fct)_[a-z_]+|[a-z]+(_[a-z]+)*",
    "observability": r"[a-z]+(_[a-z]+)+",
}


def test_models_are_named_for_their_layer(manifest: Manifest) -> None:
    for node in _models(manifest):
        layer = node.fqn[1]
        match = re.fullmatch(MODEL_NAMES[layer], node.name)
        assert match, f"{node.name} is no name for a model in {layer}"
        if layer == "staging":
            assert match["folder"] == node.fqn[2]
        if layer in ("marts", "observability"):
            assert not node.name.startswith(("stg_", "int_"))


def test_only_staging_and_observability_read_sources(manifest: Manifest) -> None:
    for node in _models(manifest):
        if any(name.startswith("source.") for name in node.depends_on.nodes):
            assert node.fqn[1] in ("staging", "observability"), node.name


def test_staging_is_one_to_one_with_the_raw_tables(manifest: Manifest) -> None:
    """Of what ingestion keeps about itself only the loads may be staged: incremental models ask which are new."""
    staged = [node.depends_on.nodes for node in _models(manifest, "staging")]
    assert all(len(nodes) == 1 and nodes[0].startswith("source.") for nodes in staged)
    tables = [source.unique_id for source in _landed(manifest) if not source.name.startswith("_")]
    assert sorted(nodes[0] for nodes in staged if not nodes[0].endswith("._dlt_loads")) == sorted(tables)


# What a name must look like to hold a type, and a type to be called by such a name.
NAMES_OF_TYPES = {"timestamp": r".*_at", "date": r".*_on", "boolean": r"(is|has)_.*"}
TYPES_OF_NAMES = {
    r".*_(amount|share)": r"numeric\(18,4\)",
    r".*_count": r"bigint",
    r".*_(id|key|hash)": r"varchar\(\d+\)|bigint",
}


def _misnamed(name: str, data_type: str | None) -> list[str]:
    """What is wrong with a column's name; a type that is not known is not held against it."""
    faults = []
    if not re.fullmatch(r"_?[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        faults.append("is not in snake_case")
    if len(name.encode()) > 63:
        faults.append("is longer than the 63 bytes that Postgres keeps")
    if name in REDSHIFT_RESERVED:
        faults.append("is a reserved word on Redshift")
    if re.search(r"_(ts|dt|date|datetime|timestamp|time|flag|yn|ind|num|cnt|pct|amt|uuid)$", name):
        faults.append("has a suffix that is not ours (_at, _on, is_, _count, _share, _amount, _id, _key)")
    for kind, pattern in NAMES_OF_TYPES.items():
        if data_type and (data_type == kind) != bool(re.fullmatch(pattern, name)):
            faults.append(f"is a {data_type}, and {pattern} is for every {kind} and for nothing else")
    for pattern, kind in TYPES_OF_NAMES.items():
        if data_type and re.fullmatch(pattern, name) and not re.fullmatch(kind, data_type):
            faults.append(f"is a {data_type}, and {pattern} is a {kind}")
    return faults


def test_columns_are_named_for_what_they_hold(manifest: Manifest) -> None:
    faults = []
    for name, node in _documented(manifest):
        if node.resource_type not in ("model", "seed"):
            continue
        for column in node.columns.values():
            faults += [f"{name}.{column.name} {fault}" for fault in _misnamed(column.name, column.data_type)]
    assert faults == [], "\n".join(faults)


@pytest.mark.parametrize(
    ("name", "data_type"),
    [
        ("created_date", None),
        ("created_on", "timestamp"),
        ("created", "date"),
        ("active", "boolean"),
        ("is_active", "varchar(3)"),
        ("due_amount", "numeric(12,2)"),
        ("CustomerId", None),
        ("identity", None),
        ("c" * 64, None),
        ("event_count", "integer"),
    ],
)
def test_a_misnamed_column_is_found(name: str, data_type: str | None) -> None:
    assert _misnamed(name, data_type)


def test_names_are_legal_on_both_engines(manifest: Manifest) -> None:
    """Postgres cuts a name off after 63 bytes without a word; dbt makes a relation for each unit test, too."""
    names = [node.alias for node in manifest.nodes.values() if node.resource_type in ("model", "seed", "snapshot")]
    names += [test.name for test in manifest.unit_tests.values()]
    names += [column.name for _, node in _documented(manifest) for column in node.columns.values()]
    assert [name for name in names if len(name.encode()) > 63] == []


# ---- descriptions, owners, contracts, tests


def test_everything_is_described(manifest: Manifest) -> None:
    faults = [name for name, node in _documented(manifest) if not node.description.strip() or not node.columns]
    faults += [
        f"{name}.{column.name}"
        for name, node in _documented(manifest)
        for column in node.columns.values()
        if not column.description.strip()
    ]
    assert faults == []


def test_models_say_their_grain(manifest: Manifest) -> None:
    assert [node.name for node in _models(manifest) if not node.description.startswith("One row")] == []


def test_every_column_is_classified(manifest: Manifest) -> None:
    faults = [
        f"{name}.{column.name}"
        for name, node in _documented(manifest)
        for column in node.columns.values()
        if column.config.meta.get("pii") not in ("direct", "quasi", "none")
    ]
    assert faults == []


def test_a_column_is_not_less_personal_in_a_mart_than_in_staging(manifest: Manifest) -> None:
    """A name that is copied through the layers keeps its class; the published files' customers are other people."""
    classes: dict[str, set[str]] = {}
    for node in _models(manifest):
        if "files" in node.fqn or "telco_churn" in node.fqn or "phone_bills" in node.fqn:
            continue
        for column in node.columns.values():
            classes.setdefault(column.name, set()).add(column.config.meta["pii"])
    # when a product started says little about a person; when a person was on the web shop says more
    assert {name for name, found in classes.items() if len(found) > 1} == {"reason", "started_at", "ended_at"}


def test_everything_has_an_owner(manifest: Manifest) -> None:
    groups = {group.name for group in manifest.groups.values()}
    nodes = [n for n in manifest.nodes.values() if n.resource_type in ("model", "seed", "snapshot")]
    for node in nodes:
        assert node.config.group in groups, node.name
        assert node.config.meta.get("owner") == node.config.group, node.name
    for source in manifest.sources.values():
        assert source.config.meta.get("owner") in groups, source.name
    for exposure in manifest.exposures.values():
        assert exposure.config.meta.get("owner") in groups, exposure.name


def test_public_models_have_contracts_and_only_marts_are_public(manifest: Manifest) -> None:
    for node in _models(manifest):
        is_public = node.access == "public"
        assert is_public == (node.fqn[1] in ("marts", "observability")), node.name
        if is_public:
            assert node.contract.enforced, node.name
            assert [c.name for c in node.columns.values() if not c.data_type] == [], node.name


def test_text_in_contracts_has_a_length(manifest: Manifest) -> None:
    """Redshift makes 256 bytes of a varchar without one."""
    for node in _models(manifest, "marts", "observability"):
        for column in node.columns.values():
            assert column.data_type not in ("varchar", "text", "character varying"), f"{node.name}.{column.name}"


def test_exposures_read_public_models_only(manifest: Manifest) -> None:
    public = {node.unique_id for node in _models(manifest) if node.access == "public"}
    assert len(manifest.exposures) == 4
    for exposure in manifest.exposures.values():
        assert set(exposure.depends_on.nodes) <= public, exposure.name


# Like their tested neighbours in everything but the column names.
WITHOUT_UNIT_TEST = {
    "int_bill_items__deduplicated",
    "int_dunning_notices__deduplicated",
    "int_party_interactions__deduplicated",
    "int_payments__deduplicated",
    "int_product_offerings__latest_kept",
    "int_product_order_items__latest_kept",
    "int_product_recommendations__deduplicated",
    "int_survey_responses__deduplicated",
    "int_top_ups__deduplicated",
}


def test_marts_and_intermediate_models_have_unit_tests(manifest: Manifest) -> None:
    tested = {test.model for test in manifest.unit_tests.values()}
    models = {node.name for node in _models(manifest, "marts", "intermediate", "observability")}
    assert models - tested == WITHOUT_UNIT_TEST


# where the SQL decides something
BRANCH = re.compile(
    r"\b(case|coalesce|nullif|greatest|least|where|having|union|except|(left|full) join|row_number|rank|lag|lead)\b"
)


def _counts(manifest: Manifest) -> dict[str, tuple[int, int]]:
    """What the project says of itself: how many, of how many."""
    models = _models(manifest)
    columns = [column for _, node in _documented(manifest) for column in node.columns.values()]
    public = [node for node in models if node.access == "public"]
    tested = {test.model for test in manifest.unit_tests.values()}
    deciding = [n for n in _models(manifest, "intermediate", "marts", "observability") if BRANCH.search(n.raw_code)]
    return {
        "models, described with their grain": (sum(n.description.startswith("One row") for n in models), len(models)),
        "columns described": (sum(bool(c.description.strip()) for c in columns), len(columns)),
        "columns classified as personal or not": (sum("pii" in c.config.meta for c in columns), len(columns)),
        "public models with an enforced contract": (sum(node.contract.enforced for node in public), len(public)),
        "models that decide something, with a unit test": (sum(n.name in tested for n in deciding), len(deciding)),
    }


def test_the_counts_in_the_docs_are_those_of_the_project(
    compiled: dict[str, Compiled], manifest: Manifest, record_property: Callable[[str, object], None]
) -> None:
    """They are printed at the end of every run, too. What is not counted in full is explained beside it."""
    rows = [f"| {what} | {count:,} of {total:,} |" for what, (count, total) in _counts(manifest).items()]
    warnings = sum(len(target.warnings) for target in compiled.values())
    rows.append(f"| warnings when it is parsed and compiled, for both engines | {warnings} |")
    for row in rows:
        record_property("count", row.strip("| ").replace(" | ", ": "))
    page = (PROJECT / "docs" / "models.md").read_text("utf-8")
    missing = [row for row in rows if row not in page]
    assert missing == [], "docs/models.md should say:\n" + "\n".join(missing)


def test_the_selectors_are_described_and_select_something(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in NO_CLUSTER.items():
        monkeypatch.setenv(name, value)
    selectors = yaml.safe_load((PROJECT / "selectors.yml").read_text("utf-8"))["selectors"]
    common = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT / "profiles"), "--target", "dev", "--quiet"]
    common += ["--target-path", str(tmp_path), "--log-path", str(tmp_path), "--vars", "files_landed: true"]
    selected = {}
    for selector in selectors:
        assert selector["description"].strip(), selector["name"]
        # what has changed is another test's: tests/warehouse/test_slim_build.py
        if selector["name"] != "changed":
            listed = dbtRunner(manifest=manifest).invoke(["ls", "--selector", selector["name"], *common])
            assert listed.success, (selector["name"], listed.exception)
            selected[selector["name"]] = {str(name) for name in listed.result}
    assert all(selected.values())
    # a selector that selects everything is none
    assert len({frozenset(names) for names in selected.values()}) == len(selectors) - 1


def test_every_model_is_tested_on_its_data(manifest: Manifest) -> None:
    tested = {
        name for node in manifest.nodes.values() if node.resource_type == "test" for name in node.depends_on.nodes
    }
    # one row, made by an aggregate without a group: nothing can be wrong with its number
    excused = {"int_reporting__as_of"}
    assert {n.name for n in _models(manifest) if n.unique_id not in tested} - excused == set()
    assert [s.name for s in manifest.sources.values() if s.unique_id not in tested and s.name != "_dlt_loads"] == []


def test_every_raw_table_is_watched_for_loads_that_were_cut_short(manifest: Manifest) -> None:
    watched = {
        node.depends_on.nodes[0]
        for node in manifest.nodes.values()
        if getattr(node, "test_metadata", None) and node.test_metadata.name == "belongs_to_finished_load"
    }
    tables = {source.unique_id for source in _landed(manifest) if source.name != "_dlt_loads"}
    assert watched == tables


def test_singular_tests_say_why(manifest: Manifest) -> None:
    singular = [n for n in manifest.nodes.values() if n.resource_type == "test" and "singular" in n.fqn]
    assert len(singular) >= 8
    assert [n.name for n in singular if not n.raw_code.startswith("--") or "_" not in n.name] == []


def test_unit_test_fixtures_have_a_row_without_nulls(manifest: Manifest) -> None:
    """Redshift takes the types of a fixture from such a row, and refuses one without."""
    faults = []
    for test in manifest.unit_tests.values():
        for fixture in [*test.given, test.expect]:
            rows = [row for row in (fixture.rows or []) if isinstance(row, dict)]
            if rows and not any(all(value is not None for value in row.values()) for row in rows):
                faults.append(test.name)
    assert faults == []


def test_sources_have_a_freshness_and_a_clock(manifest: Manifest) -> None:
    for source in _landed(manifest):
        if source.source_name == "files" or source.name in ("_quarantine", "_dlt_loads"):
            continue
        assert source.loaded_at_field, source.name
        assert source.freshness.warn_after, source.name
        assert source.freshness.error_after, source.name


def test_conditions_of_segments_are_conditions_and_portable(compiled: dict[str, Compiled]) -> None:
    """Models read them from the database; here they are read from the file, so that a fault is found without one."""
    with (PROJECT / "seeds" / "segment_definitions.csv").open(encoding="utf-8", newline="") as lines:
        conditions = {row["segment_id"]: row["sql_condition"] for row in csv.DictReader(lines)}
    assert len(conditions) >= 6
    calls = [f"{{{{ segment_condition({name!r}, {condition!r}) }}}}" for name, condition in conditions.items()]
    inline = "\n".join(f"select 1 from customer_view where {call};" for call in calls)
    common = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT / "profiles"), "--target", "prod", "--quiet"]
    reset_adapters()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in NO_CLUSTER.items():
            patch.setenv(name, value)
        done = dbtRunner(manifest=compiled["prod"].manifest).invoke(
            ["compile", "--inline", inline, "--no-introspect", "--no-populate-cache", "--no-write-json", *common]
        )
    assert done.success, done.exception
    statements = done.result.results[0].node.compiled_code.split(";")
    faults = [fault for sql in statements for fault in denied(sql, NOT_ON_REDSHIFT + NOT_ON_POSTGRES)]
    assert faults == []
    assert len([sql for sql in statements if "where" in sql]) == len(conditions)


def test_seeds_are_small_reference_data(manifest: Manifest) -> None:
    for path in (PROJECT / "seeds").glob("*.csv"):
        assert path.stat().st_size < 50_000, f"{path.name}: seeds load row by row; land it instead"
