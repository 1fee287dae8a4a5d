"""Which cases of dbt's suite for adapters a Redshift adapter can be asked, and which it cannot, with the reason.

A case is named by its package and class in `dbt.tests.adapter`, with or without one of its tests:
`"constraints.TestTableConstraintsRollback"`, `"empty.BaseTestEmptySeedFlag.test_build_empty_with_seed"`.

A plain run of pytest takes the sample only. The whole suite runs with MAJAKKA_WHOLE_ADAPTER_SUITE=1 in the environment.
"""

import importlib
import inspect
import os
from pathlib import Path

import dbt.tests.adapter

WHOLE_SUITE = os.environ.get("MAJAKKA_WHOLE_ADAPTER_SUITE") == "1"
ROOT = Path(dbt.tests.adapter.__path__[0])

# classes with subclasses in their module that are nevertheless cases of their own
ALSO = {"functions.UDFsBasic", "functions.PythonUDFNotSupported", "functions.SqlUDFDefaultArgSupport"}

# what a concrete class must complete first; its concrete classes are cases
ABSTRACT = {
    "materialized_view.MaterializedViewChanges",
    "utils.BaseArrayUtils",
    "utils.BaseDataTypeMacro",
    "utils.BaseUtils",
}

_NO_CLONES = "Redshift has no clones of tables: dbt-redshift makes views (TestPostgresCloneNotPossible)"
_NO_EMPTY_SEEDS = "dbt-core 1.11 has no --empty for seeds"
_NO_PYTHON_MODELS = "dbt-redshift has no Python models"
_NO_JAVASCRIPT = "dbt-redshift has no JavaScript functions"
_NO_AGGREGATES = "dbt-redshift has no aggregate functions"
_NAMES_ANOTHER_DATABASE = "compares SQL in which the database and schema of dbt's own Postgres are spelled out"
_NO_PYTHON_FUNCTIONS = "dbt-redshift has no Python functions (PythonUDFNotSupported holds it to that)"

NOT_APPLICABLE = {
    "basic.BaseGetCatalogForSingleRelation": "dbt-redshift does not implement get_catalog_for_single_relation",
    "dbt_clone.BaseClonePossible": _NO_CLONES,
    "dbt_clone.BaseCloneSameSourceAndTarget": _NO_CLONES,
    "empty.BaseTestEmptySeedFlag.test_seed_empty_creates_table_with_zero_rows": _NO_EMPTY_SEEDS,
    "empty.BaseTestEmptySeedFlag.test_seed_empty_preserves_column_types": _NO_EMPTY_SEEDS,
    "empty.BaseTestEmptySeedFlag.test_build_empty_with_seed": _NO_EMPTY_SEEDS,
    "ephemeral.TestEphemeralMulti": _NAMES_ANOTHER_DATABASE,
    "ephemeral.TestEphemeralNested": _NAMES_ANOTHER_DATABASE,
    "functions.BasicJSUDF": _NO_JAVASCRIPT,
    "functions.JSUDFMultiLineBody": _NO_JAVASCRIPT,
    "functions.JSUDFDeterministicVolatility": _NO_JAVASCRIPT,
    "functions.JSUDFNonDeterministicVolatility": _NO_JAVASCRIPT,
    "functions.JSUDFStableVolatilityWarns": _NO_JAVASCRIPT,
    "functions.JSUDFDefaultArgSupport": _NO_JAVASCRIPT,
    "functions.BasicJSAggregateUDF": _NO_JAVASCRIPT,
    "functions.JSAggregateUDFVolatilityIgnored": _NO_JAVASCRIPT,
    "functions.BasicSQLUDAF": _NO_AGGREGATES,
    "functions.PythonUDAFDefaultArgSupport": _NO_AGGREGATES,
    "functions.PythonUDFEntryPointRequired": _NO_PYTHON_FUNCTIONS,
    "functions.PythonUDFDefaultArgSupport": _NO_PYTHON_FUNCTIONS,
    "functions.PythonUDFVolatilitySupport": _NO_PYTHON_FUNCTIONS,
    "functions.PythonUDFWithPackagesSupported": _NO_PYTHON_FUNCTIONS,
    "python_model.BasePythonModelTests": _NO_PYTHON_MODELS,
    "python_model.BasePythonIncrementalTests": _NO_PYTHON_MODELS,
    "python_model.BasePythonMetaGetTests": _NO_PYTHON_MODELS,
    "python_model.BasePythonEmptyTests": _NO_PYTHON_MODELS,
    "python_model.BasePythonSampleTests": _NO_PYTHON_MODELS,
    "python_model.BasePySparkTests": _NO_PYTHON_MODELS,
    "simple_copy.TestSimpleCopyUppercase": "connects to a Postgres of its own, on port 5432",
    "utils.BaseEscapeSingleQuotesBackslash": "dbt-redshift doubles the quote (BaseEscapeSingleQuotesQuote)",
    "utils.TestCurrentTimestamp": "getdate() has no time zone: the naive variant is Redshift's",
}

# cases that Redshift passes and the face does not
KNOWN: dict[str, str] = {}

# what a plain run takes: quick, and each for another part of the adapter
SAMPLE = {
    "basic.TestSimpleMaterializations",
    "basic.Testincremental",
    "basic.TestSnapshotCheckCols",
    "basic.TestDocsGenReferences",
    "constraints.TestTableConstraintsRollback",
    "constraints.TestModelConstraintsRuntimeEnforcement",
    "functions.StableUDF",
    "grants.TestSeedGrants",
    "incremental.BaseMergeExcludeColumns",
    "persist_docs.TestPersistDocsCommentOnQuotedColumn",
    "utils.TestEquals",
    "utils.TestValidateSqlMethod",
}


def cases():
    """Name and class of every case; of classes that build on one another in a module, the last, except for `ALSO`."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        relative = path.relative_to(ROOT)
        module_name = ".".join(("dbt.tests.adapter", *relative.with_suffix("").parts))
        classes = vars(importlib.import_module(module_name)).values()
        own = [each for each in classes if inspect.isclass(each) and each.__module__ == module_name]
        for case in filter(methods_of, own):
            name = f"{relative.parts[0]}.{case.__name__}"
            last = not any(other is not case and issubclass(other, case) for other in own)
            if name not in ABSTRACT and (last or name in ALSO):
                found[name] = case
    return found


def methods_of(case):
    """The names of a class's tests."""
    return [name for name in dir(case) if name.startswith("test") and inspect.isfunction(getattr(case, name))]


def count_not_applicable():
    """How many tests `NOT_APPLICABLE` leaves out."""
    found = cases()
    return sum(len(methods_of(found[name])) if name in found else 1 for name in NOT_APPLICABLE)


def listed(table, case, test):
    """The name by which a table lists a test: its own or its class's; None if it does not."""
    return next((name for name in (f"{case}.{test}", case) if name in table), None)
