"""What Redshift answers where a case of dbt's suite was written with another database in mind."""

import json
import shutil
from pathlib import Path
from typing import ClassVar

import pytest
from dbt.tests.adapter.basic import expected_catalog
from dbt.tests.adapter.functions import files as functions
from dbt.tests.adapter.simple_seed import seeds, test_seed
from dbt.tests.util import AnyStringWith


class Catalog:
    """Text has a length; a table has Redshift's statistics, a view has none."""

    types: ClassVar = {
        "id_type": "integer",
        "text_type": AnyStringWith("character varying"),
        "time_type": "timestamp without time zone",
        "view_type": "VIEW",
        "table_type": "BASE TABLE",
    }


class TableStats:
    """Equal to the statistics of a table in `catalog.json` if these are the ones that it shows."""

    shown = frozenset({"encoded", "diststyle", "max_varchar", "size", "sortkey1", "pct_used", "stats_off", "rows"})

    def __eq__(self, other):
        shown = {name for name, statistic in other.items() if statistic["include"]}
        return other["has_stats"]["value"] is True and self.shown <= shown

    __hash__ = None


class DocsGenerate(Catalog):
    @pytest.fixture(scope="class")
    def expected_catalog(self, project, profile_user):
        return expected_catalog.base_expected_catalog(
            project,
            role=profile_user,
            model_stats=expected_catalog.no_stats(),
            seed_stats=TableStats(),
            **self.types,
        )


class DocsGenReferences(Catalog):
    @pytest.fixture(scope="class")
    def expected_catalog(self, project, profile_user):
        return expected_catalog.expected_references_catalog(
            project,
            role=profile_user,
            bigint_type="bigint",
            model_stats=TableStats(),
            seed_stats=TableStats(),
            view_summary_stats=expected_catalog.no_stats(),
            **self.types,
        )


class LongerNames:
    """A seed's VARCHAR is as long as its longest value; the case writes longer ones."""

    @pytest.fixture(scope="class")
    def models(self):
        return {"seeds.yml": "seeds: [{name: added, config: {column_types: {name: varchar(64)}}}]"}


class ColumnTypes:
    """Redshift's types that a table can have, and what the driver calls them."""

    @pytest.fixture
    def data_types(self, schema_int_type, int_type, string_type):
        return [
            ["1", schema_int_type, int_type],
            ["'1'", string_type, string_type],
            ["true", "bool", "BOOL"],
            ["'2013-11-03'::date", "date", "DATE"],
            ["'2013-11-03 00:00:00-07'::timestamptz", "timestamptz", "TIMESTAMPTZ"],
            ["'2013-11-03 00:00:00'::timestamp", "timestamp", "TIMESTAMP"],
            ["'1'::numeric", "numeric", "NUMERIC"],
        ]


_INSERT = """
insert into <model_identifier> (
    select id, color, date_day from (
        -- depends_on: <foreign_key_model_identifier>
        select 'blue' as color, 1 as id, '2019-01-01' as date_day
    ) as model_subq
);
"""


class ColumnConstraints:
    """CHECK does not exist; the others are declared."""

    @pytest.fixture(scope="class")
    def expected_sql(self):
        return f"""
            create table <model_identifier> (
                id integer not null primary key references <foreign_key_model_identifier> (id) unique,
                color text,
                date_day text
            );
            {_INSERT}
        """


class ModelConstraints:
    @pytest.fixture(scope="class")
    def expected_sql(self):
        return f"""
            create table <model_identifier> (
                id integer not null,
                color text,
                date_day text,
                primary key (id),
                constraint strange_uniqueness_requirement unique (color, date_day),
                foreign key (id) references <foreign_key_model_identifier> (id)
            );
            {_INSERT}
        """


class QuotedColumn:
    @pytest.fixture(scope="class")
    def expected_sql(self):
        return """
            create table <model_identifier> (
                id integer not null,
                "from" text not null,
                date_day text
            );
            insert into <model_identifier> (
                select id, "from", date_day from (
                    select 'blue' as "from", 1 as id, '2019-01-01' as date_day
                ) as model_subq
            );
        """


class NullRefused:
    @pytest.fixture(scope="class")
    def expected_error_messages(self):
        return ["Cannot insert a NULL value into column id"]


class Grantees:
    """The users exist before a project reads their names."""

    @pytest.fixture(scope="class", autouse=True)
    def get_test_users(self, grantees):
        return list(grantees.values())


class Hooks:
    """A hook sees the profile of this run, without its password."""

    def check_hooks(self, state, project, host, **how_many):
        found = self.get_ctx_vars(state, project=project, **({"count": 1, **how_many} if self.counted else {}))
        for context in found if self.counted else [found]:
            assert context["test_state"] == state
            assert context["target_dbname"] == project.database
            assert context["target_host"] == host
            assert (context["target_name"], context["target_type"]) == ("default", "redshift")
            assert (context["target_schema"], context["target_threads"]) == (project.test_schema, 4)
            assert context["target_user"] == project.adapter.config.credentials.user
            assert context["target_pass"] == ""
            assert context["run_started_at"]
            assert context["invocation_id"]
            assert "Thread" in context["thread_id"]

    counted = True


class RunHooks(Hooks):
    counted = False


class InvalidGrants(Grantees):
    """Redshift's grammar lists the privileges, as that of Postgres 8.0 did: another word is a syntax error."""

    def privilege_does_not_exist_error(self):
        return 'syntax error at or near "fake_privilege"'


class CaseSensitive:
    """Quoted names keep their case in a session that asks for it; otherwise the column made as MyCol is mycol."""

    @pytest.fixture(scope="class")
    def project_config_update(self):
        case_sensitive = "set enable_case_sensitive_identifier to true"
        return {"models": {"test": {"+persist_docs": {"columns": True}, "+pre-hook": case_sensitive}}}


class UnitTestTypes:
    """JSON is SUPER."""

    @pytest.fixture
    def data_types(self):
        return [
            ["1", "1"],
            ["'1'", "1"],
            ["true", "true"],
            ["DATE '2020-01-02'", "2020-01-02"],
            ["TIMESTAMP '2013-11-03 00:00:00-0'", "2013-11-03 00:00:00-0"],
            ["TIMESTAMPTZ '2013-11-03 00:00:00-0'", "2013-11-03 00:00:00-0"],
            ["'1'::numeric", "1"],
            ["""json_parse('{"bar": "baz", "active": false}')""", """'{"bar": "baz", "active": false}'"""],
        ]


class Timestamps:
    """All three are getdate(), which has no time zone."""

    @pytest.fixture(scope="class")
    def expected_sql(self):
        names = ("current_timestamp", "current_timestamp_in_utc_backcompat", "current_timestamp_backcompat")
        return "select " + ", ".join(f"getdate() as {name}" for name in names)

    @pytest.fixture(scope="class")
    def expected_schema(self):
        names = ("current_timestamp", "current_timestamp_in_utc_backcompat", "current_timestamp_backcompat")
        return dict.fromkeys(names, "timestamp without time zone")


class SqlFunction:
    """Arguments have no names in the body: they are $1, $2, ..."""

    properties = functions.MY_UDF_YML

    @pytest.fixture(scope="class")
    def functions(self):
        return {"price_for_xlarge.sql": "select $1 * 2", "price_for_xlarge.yml": self.properties}


class VolatileFunction(SqlFunction):
    """Redshift wants a volatility: dbt-redshift writes VOLATILE where the project says nothing."""

    def check_function_volatility(self, sql):
        assert "VOLATILE" in sql


class FunctionWithDefault(SqlFunction):
    """A default value of an argument is left out."""

    properties = functions.MY_UDF_WITH_DEFAULT_ARG_YML


class SeedTypes:
    """TEXT is VARCHAR(256)."""

    @pytest.fixture(scope="class")
    def models(self):
        def test(column, kind):
            return {"name": column, "data_tests": [{"column_type": {"type": kind}}]}

        text = "character varying(256)"
        tricky = {
            "seed_id": "integer",
            "seed_id_str": text,
            "a_bool": "boolean",
            "looks_like_a_bool": text,
            "a_date": "timestamp without time zone",
            "looks_like_a_date": text,
            "relative": "character varying(9)",
            "weekday": "character varying(8)",
        }
        enabled = {"birthday": "date", "seed_id": text}
        seeds = {"seed_enabled": enabled, "seed_tricky": tricky}
        listed = [{"name": seed, "columns": [test(*each) for each in types.items()]} for seed, types in seeds.items()]
        return {"schema.yml": json.dumps({"seeds": listed})}


class BigSeed:
    """The folder is the case's own: it makes it, and removes it."""

    @pytest.fixture(scope="class")
    def test_data_dir(self, tmp_path_factory):
        return tmp_path_factory.mktemp("seeds") / "big"


class SeedWithBOM:
    """The file lies beside the case, and not beside us."""

    @pytest.fixture(scope="class", autouse=True)
    def setUp(self, project):
        project.run_sql(seeds.seeds__expected_sql)
        file = Path(test_seed.__file__).parent / "seed_bom.csv"
        shutil.copy(file, Path(project.project_root) / "seeds" / "seed_bom.csv")


class TextOfAnyLength:
    """A seed's VARCHAR is as long as its longest value, a cast to TEXT has another length; both are text."""

    def assert_columns_equal(self, project, expected_cols, actual_cols):
        assert [column[:2] for column in expected_cols] == [column[:2] for column in actual_cols]


ANSWERS = {
    "basic.TestDocsGenerate": DocsGenerate,
    "basic.TestDocsGenReferences": DocsGenReferences,
    "basic.TestSnapshotCheckCols": LongerNames,
    "basic.TestSnapshotTimestamp": LongerNames,
    "constraints.TestTableConstraintsColumnsEqual": ColumnTypes,
    "constraints.TestViewConstraintsColumnsEqual": ColumnTypes,
    "constraints.TestIncrementalConstraintsColumnsEqual": ColumnTypes,
    "constraints.TestTableConstraintsRuntimeDdlEnforcement": ColumnConstraints,
    "constraints.TestIncrementalConstraintsRuntimeDdlEnforcement": ColumnConstraints,
    "constraints.TestModelConstraintsRuntimeEnforcement": ModelConstraints,
    "constraints.TestConstraintQuotedColumn": QuotedColumn,
    "constraints.TestTableConstraintsRollback": NullRefused,
    "constraints.TestIncrementalConstraintsRollback": NullRefused,
    "functions.UDFsBasic": VolatileFunction,
    "functions.DeterministicUDF": SqlFunction,
    "functions.StableUDF": SqlFunction,
    "functions.NonDeterministicUDF": SqlFunction,
    "functions.ErrorForUnsupportedType": SqlFunction,
    "functions.CanFindScalarFunctionRelation": SqlFunction,
    "functions.SqlUDFDefaultArgSupport": FunctionWithDefault,
    "grants.TestIncrementalGrants": Grantees,
    "grants.TestInvalidGrants": InvalidGrants,
    "grants.TestModelGrants": Grantees,
    "grants.TestSeedGrants": Grantees,
    "grants.TestSnapshotGrants": Grantees,
    "hooks.TestPrePostModelHooks": Hooks,
    "hooks.TestPrePostModelHooksUnderscores": Hooks,
    "hooks.TestHookRefs": Hooks,
    "hooks.TestPrePostModelHooksInConfig": Hooks,
    "hooks.TestPrePostModelHooksInConfigWithCount": Hooks,
    "hooks.TestPrePostModelHooksInConfigKwargs": Hooks,
    "hooks.TestPrePostRunHooks": RunHooks,
    "persist_docs.TestPersistDocsQuotedDescriptionNotAppliedOnMismatch": CaseSensitive,
    "simple_seed.TestSeedSpecificFormats": BigSeed,
    "simple_seed.TestSimpleSeedColumnOverride": SeedTypes,
    "simple_seed.TestSimpleSeedWithBOM": SeedWithBOM,
    "unit_testing.TestPostgresUnitTestingTypes": UnitTestTypes,
    "utils.TestCurrentTimestamps": Timestamps,
    "utils.TestTypeString": TextOfAnyLength,
}
