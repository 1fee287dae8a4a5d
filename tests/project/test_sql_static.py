"""What can be said of the SQL without a database: it parses, it compiles for both engines, and it keeps the house's
rules for names, descriptions, contracts and tests."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml
from column_lineage import sources_of
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
    common += ["--target-path", str(folder), "--log-level-file", "none", "--quiet"]
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


def _node(manifest: Manifest, name: str) -> Any:
    (found,) = [node for node in manifest.nodes.values() if node.name == name]
    return found


def _landed(manifest: Manifest) -> list[Any]:
    """The raw tables; nothing lands in the run log and among the keys of the pseudonyms: those are dbt's own."""
    return [source for source in manifest.sources.values() if source.source_name not in ("run_log", "privacy")]


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
    common += ["--target-path", str(tmp_path / "target"), "--log-level-file", "none"]
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
        if any(name.startswith("source.") and ".privacy." not in name for name in node.depends_on.nodes):
            assert node.fqn[1] in ("staging", "observability"), node.name


def test_staging_is_one_to_one_with_the_raw_tables(manifest: Manifest) -> None:
    """Of what ingestion keeps about itself only loads and deliveries may be staged: models ask what is new."""
    staged = [node.depends_on.nodes for node in _models(manifest, "staging")]
    assert all(len(nodes) == 1 and nodes[0].startswith("source.") for nodes in staged)
    tables = [source.unique_id for source in _landed(manifest) if not source.name.startswith("_")]
    kept = ("._dlt_loads", "._deliveries")
    assert sorted(nodes[0] for nodes in staged if not nodes[0].endswith(kept)) == sorted(tables)


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


# ---- personal data (docs/privacy.md)


def _with_columns(manifest: Manifest) -> dict[str, Any]:
    """Everything that a select can read, by `schema.name`."""
    nodes = [n for n in manifest.nodes.values() if n.resource_type in ("model", "seed", "snapshot")]
    return {f"{node.schema}.{node.identifier}": node for node in [*nodes, *manifest.sources.values()]}


def _leaks(manifest: Manifest, instead: dict[str, str] | None = None) -> list[str]:
    """Columns that hold values of a direct column and do not say so; or those of some models alone, with other SQL."""
    relations = _with_columns(manifest)
    columns = {
        name: {column.name: column.data_type or "text" for column in node.columns.values()}
        for name, node in relations.items()
    }
    direct = {
        (name, column.name)
        for name, node in relations.items()
        for column in node.columns.values()
        if column.config.meta["pii"] == "direct"
    }
    holds_direct = {relations[name].unique_id for name, _ in direct}
    faults = []
    for name, node in relations.items():
        if instead is not None:
            if node.name not in instead:
                continue
            sql = instead[node.name]
        elif node.resource_type in ("model", "snapshot") and not holds_direct & set(node.depends_on.nodes):
            continue
        elif node.resource_type == "model":
            sql = node.compiled_code
        elif node.resource_type == "snapshot":
            (read,) = node.depends_on.nodes
            sql = f"select * from {manifest.nodes[read].schema}.{manifest.nodes[read].identifier}"
        else:
            continue
        for column, sources in sources_of(sql, columns).items():
            if (name, column) not in direct and (leaked := sorted(sources & direct)):
                faults.append(f"{name}.{column} holds {', '.join('.'.join(one) for one in leaked)}: it is direct, too")
    return faults


def test_what_is_direct_stays_direct_whatever_it_is_called(manifest: Manifest) -> None:
    """Column by column, from the raw tables on: so the classes in the YAML are what the SQL does."""
    assert _leaks(manifest) == []


PLANTED = {
    "under another name": "select family_name as city from staging.stg_crm__customers",
    "dressed up": "select coalesce(upper(left(family_name, 40)), '-') || ', ' || language as city"
    " from staging.stg_crm__customers",
    "hashed without a key": "select md5(family_name) as city from staging.stg_crm__customers",
    "through a star, a join and two names": "with a as (select * from staging.stg_crm__customers),"
    " b as (select customer_id, given_name as nick from a)"
    " select b.nick as city from a inner join b on a.customer_id = b.customer_id",
    "in one branch of a union": "select city from staging.stg_crm__contact_media"
    " union all select email_address from staging.stg_crm__contact_media",
    "in one branch of a case": "select case when city is null then phone_number else city end as city"
    " from staging.stg_crm__contact_media",
    "as the last of a window": "select max(family_name) over (partition by language) as city"
    " from staging.stg_crm__customers",
    "from a scalar subquery": "select (select min(family_name) from staging.stg_crm__customers) as city"
    " from staging.stg_crm__contact_media",
    "as a list": "select string_agg(family_name, ', ') as city from staging.stg_crm__customers",
}
NOT_GIVEN_OUT = {
    "counted": "select count(distinct family_name) as city from staging.stg_crm__customers",
    "asked whether it is there": "select family_name is not null and given_name <> '' as city"
    " from staging.stg_crm__customers",
    "decided by": "select case when email_address like '%.fi' then 'home' else city end as city"
    " from staging.stg_crm__contact_media",
    "ordered by": "select row_number() over (partition by family_name order by given_name) as city"
    " from staging.stg_crm__customers",
    "joined by": "select b.city from staging.stg_crm__customers as a inner join staging.stg_crm__contact_media as b"
    " on a.family_name = b.street_line where a.given_name = 'x'",
    "pseudonymised": "select functions.pseudonym(family_name, 'a', 'b') as city from staging.stg_crm__customers",
}


@pytest.mark.parametrize("how", PLANTED)
def test_a_planted_leak_is_found(manifest: Manifest, how: str) -> None:
    (fault,) = _leaks(manifest, {"dim_customers": PLANTED[how]})
    assert fault.startswith("marts.dim_customers.city holds staging.stg_crm__"), fault


@pytest.mark.parametrize("how", NOT_GIVEN_OUT)
def test_what_gives_no_value_out_is_no_leak(manifest: Manifest, how: str) -> None:
    assert _leaks(manifest, {"dim_customers": NOT_GIVEN_OUT[how]}) == []


def test_a_direct_column_that_is_declared_as_none_is_found(manifest: Manifest) -> None:
    (column,) = [one for one in _node(manifest, "customer_view").columns.values() if one.name == "family_name"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(column.config.meta, "pii", "none")
        (fault,) = _leaks(manifest)
    assert fault.startswith("marts.customer_view.family_name holds intermediate.int_customers__latest_kept.family_name")


def _clearance_faults(nodes: Iterable[Any]) -> list[str]:
    """Models that hold direct columns without a clearance and its reason, or have one for nothing."""
    faults = []
    for node in nodes:
        meta = node.config.meta
        holds = sorted(c.name for c in node.columns.values() if c.config.meta["pii"] == "direct")
        if holds and not (meta.get("cleared_for_direct_pii") is True and meta.get("clearance_reason", "").strip()):
            faults.append(f"{node.name} holds {', '.join(holds)} and is not cleared for it, with a reason")
        if not holds and "cleared_for_direct_pii" in meta:
            faults.append(f"{node.name} is cleared for direct columns, and has none")
    return faults


def test_only_cleared_models_hold_what_names_or_reaches_a_person(manifest: Manifest) -> None:
    nodes = [n for n in manifest.nodes.values() if n.resource_type in ("model", "seed", "snapshot")]
    assert _clearance_faults(nodes) == []


def test_a_model_without_clearance_or_with_one_for_nothing_is_found(manifest: Manifest) -> None:
    cleared, bare = deepcopy(_node(manifest, "customer_view")), deepcopy(_node(manifest, "dim_customers"))
    cleared.config.meta["clearance_reason"] = " "
    bare.config.meta["cleared_for_direct_pii"] = True
    assert [fault.split()[0] for fault in _clearance_faults([cleared, bare])] == ["customer_view", "dim_customers"]


ROLES = {"analyst", "agent", "data_scientist"}
# An analyst knows customers, devices and bills by pseudonyms (`_hash`); the address of a page may have them all in it.
NOT_FOR_ANALYSTS = r".*_(id|key|no|url)"


def _grant_faults(nodes: Iterable[Any]) -> list[str]:
    """Models of which nobody has decided who may read them, and decisions that the classes of the columns forbid."""
    faults = []
    for node in nodes:
        roles = set((node.config.grants or {}).get("select", []))
        is_refused = bool(node.config.meta.get("granted_to_nobody", "").strip())
        classes = {column.name: column.config.meta["pii"] for column in node.columns.values()}
        if unknown := roles - ROLES:
            faults.append(f"{node.name} is granted to {', '.join(sorted(unknown))}: no such role")
        if getattr(node, "access", None) != "public":
            if roles:
                faults.append(f"{node.name} is for models, and granted to people")
            continue
        if bool(roles) == is_refused:
            faults.append(f"{node.name} needs `grants`, or `meta.granted_to_nobody` with the reason")
        if "direct" in classes.values() and roles - {"agent"}:
            faults.append(f"{node.name} has names or addresses, which are for agents alone")
        known = sorted(name for name, pii in classes.items() if pii == "quasi" and re.fullmatch(NOT_FOR_ANALYSTS, name))
        if known and "analyst" in roles:
            faults.append(f"{node.name} would show {', '.join(known)} to analysts: a view with pseudonyms would not")
    return faults


def test_somebody_has_decided_who_may_read_each_mart(manifest: Manifest) -> None:
    nodes = [n for n in manifest.nodes.values() if n.resource_type in ("model", "seed", "snapshot")]
    assert _grant_faults(nodes) == []
    assert {role for node in nodes for role in (node.config.grants or {}).get("select", [])} == ROLES


@pytest.mark.parametrize(
    ("name", "roles", "fault"),
    [
        ("fct_bills", [], "needs `grants`"),
        ("quarantined_rows", ["agent"], "needs `grants`"),
        ("customer_view", ["agent", "data_scientist"], "for agents alone"),
        ("fct_bills", ["analyst"], "would show bill_no, customer_id to analysts"),
        ("fct_web_sessions", ["analyst"], "landing_page_url"),
        ("int_bills__deduplicated", ["agent"], "is for models"),
        ("mrr_by_month", ["analysts"], "no such role"),
    ],
)
def test_a_mart_without_a_decision_or_with_a_wrong_one_is_found(
    manifest: Manifest, name: str, roles: list[str], fault: str
) -> None:
    node = deepcopy(_node(manifest, name))
    node.config.grants = {"select": roles}
    assert fault in "\n".join(_grant_faults([node]))


def test_the_keys_of_the_pseudonyms_are_read_by_the_views_for_analysts_alone(manifest: Manifest) -> None:
    """And are no table's: a view that is asked makes its pseudonyms anew, so that none outlives a key or an erasure."""
    readers = [node for node in _models(manifest) if "source.majakka.privacy.pseudonym_keys" in node.depends_on.nodes]
    assert {node.fqn[1:3] == ["marts", "analysts"] and node.config.materialized == "view" for node in readers} == {True}
    assert {node.name for node in _models(manifest) if node.fqn[2] == "analysts"} == {node.name for node in readers}


# What a model has worked out about single customers begins here; whoever passes it on profiles them, too.
PROFILES = {"model.majakka.int_product_recommendations__deduplicated", "model.majakka.customer_product_interest"}


def _consent_faults(manifest: Manifest, purposes: dict[str, str] | None = None) -> list[str]:
    """Marts that profile customers and do not say so, or say so and are not tested; with other purposes for some."""
    asked = {
        (node.attached_node, node.test_metadata.kwargs["purpose"])
        for node in manifest.nodes.values()
        if getattr(node, "test_metadata", None) and node.test_metadata.name == "has_consent"
    }
    profiled = set(PROFILES)
    while more := {n.unique_id for n in _models(manifest) if profiled & set(n.depends_on.nodes)} - profiled:
        profiled |= more
    faults = []
    for node in _models(manifest, "marts"):
        purpose = (purposes or {}).get(node.name, node.config.meta.get("purpose"))
        if purpose and (node.unique_id, purpose) not in asked:
            faults.append(f"{node.name} is for {purpose}, and no test asks for the consent")
        if node.unique_id in profiled and "customer_id" in node.columns and purpose != "profiling":
            faults.append(f"{node.name} passes on what was worked out about customers: its purpose is profiling")
    return faults


def test_what_profiles_customers_says_so_and_is_held_against_their_consents(manifest: Manifest) -> None:
    assert _consent_faults(manifest) == []


@pytest.mark.parametrize(
    ("name", "purpose"),
    [("customer_product_interest", ""), ("fct_product_recommendations", ""), ("dim_customers", "marketing_email")],
)
def test_profiling_that_is_not_declared_or_not_tested_is_found(manifest: Manifest, name: str, purpose: str) -> None:
    (fault,) = _consent_faults(manifest, {name: purpose})
    assert fault.startswith(name)


def _retention_periods() -> list[dict[str, str]]:
    with (PROJECT / "seeds" / "retention_periods.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _retention_faults(manifest: Manifest, periods: list[dict[str, str]]) -> list[str]:
    """Tables that grow and have neither a period nor a reason, and periods that are about nothing."""
    growing: dict[str, set[str]] = {
        f"{source.schema}.{source.name}": set(source.columns)
        for source in manifest.sources.values()
        if source.source_name != "privacy"
    }
    growing |= {
        f"{node.schema}.{node.alias}": set(node.columns)
        for node in manifest.nodes.values()
        # what a full refresh passes over is history, too
        if node.resource_type == "snapshot" or node.config.get("full_refresh") is False
    }
    groups = {group.name for group in manifest.groups.values()}
    faults = []
    for name in growing:
        matching = [one for one in periods if fnmatchcase(name, one["relation_name"])]
        if len(matching) != 1:
            faults.append(f"{name} has {len(matching)} lines")
            continue
        (one,) = matching
        needed = {one["time_column"], one["parent_column"]} - {""}
        if not needed <= growing[name]:
            faults.append(f"{name} has no column {', '.join(sorted(needed - growing[name]))}")
        if one["parent_relation"] and one["parent_column"] not in growing.get(one["parent_relation"], set()):
            faults.append(f"{name} goes with {one['parent_relation']}.{one['parent_column']}, which is not there")
    for one in periods:
        is_known = any(fnmatchcase(name, one["relation_name"]) for name in growing)
        if not is_known and not one["relation_name"].startswith("archive."):
            faults.append(f"{one['relation_name']} is not there")
        if bool(one["time_column"]) != bool(one["retained_days"]):
            faults.append(f"{one['relation_name']}: a time without days, or days without a time")
        if not one["reason"].strip() or one["owner"] not in groups:
            faults.append(f"{one['relation_name']}: no reason, or no owner")
    return faults


def test_each_table_that_grows_has_a_retention_period_or_a_reason(manifest: Manifest) -> None:
    assert _retention_faults(manifest, _retention_periods()) == []


@pytest.mark.parametrize(
    ("relation", "change", "fault"),
    [
        ("raw_crm.consents", None, "raw_crm.consents has 0 lines"),
        ("raw_*._quarantine", None, "raw_crm._quarantine has 0 lines"),
        ("snapshots.customers_snapshot", None, "snapshots.customers_snapshot has 0 lines"),
        ("raw_usage.usage", {"time_column": "used_at"}, "raw_usage.usage has no column used_at"),
        ("raw_usage.usage", {"retained_days": ""}, "raw_usage.usage: a time without days"),
        ("raw_usage.usage", {"reason": " "}, "raw_usage.usage: no reason"),
        ("raw_usage.usage", {"relation_name": "raw_usage.calls"}, "raw_usage.calls is not there"),
        ("raw_orders.product_order_items", {"parent_column": "item_number"}, "item_number, which is not there"),
    ],
)
def test_a_missing_or_idle_retention_period_is_found(
    manifest: Manifest, relation: str, change: dict[str, str] | None, fault: str
) -> None:
    periods = [dict(one) for one in _retention_periods()]
    (line,) = [one for one in periods if one["relation_name"] == relation]
    if change is None:
        periods.remove(line)
    else:
        line |= change
    assert fault in "\n".join(_retention_faults(manifest, periods))


def test_what_only_grows_is_built_anew_by_the_command_that_follows_a_retention(manifest: Manifest) -> None:
    """By the `dbt build --full-refresh` of docs/privacy.md; or it has a period of its own."""
    below = {"model.majakka.int_events__deduplicated", "model.majakka.int_usage__summed_to_days"}
    while more := {n.unique_id for n in _models(manifest) if below & set(n.depends_on.nodes)} - below:
        below |= more
    incremental = {node.unique_id: node for node in _models(manifest) if node.config.materialized == "incremental"}
    others = {name for name, node in incremental.items() if node.config.full_refresh is not False}
    assert others - below == set()
    assert len(others) > 5


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


def test_marts_and_intermediate_models_have_unit_tests(manifest: Manifest) -> None:
    tested = {test.model for test in manifest.unit_tests.values()}
    models = {node.name for node in _models(manifest, "marts", "intermediate", "observability")}
    assert models - tested == set()


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
    """They are printed at the end of every run, too."""
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
        if getattr(node, "test_metadata", None) and node.test_metadata.name == "has_landed_whole"
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
