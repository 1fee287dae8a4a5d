"""One database behind the Redshift face for dbt's suite, the users that it grants to, and the count at the end."""

import dbt_common.behavior_flags
import pytest
from adapter_cases import KNOWN, SAMPLE, WHOLE_SUITE, count_not_applicable, listed
from dbt.adapters.factory import reset_adapters
from dbt.tests.fixtures.project import *  # noqa: F403

SUITE = "test_dbt_suite.py"

# For every flag of every adapter that it makes, dbt looks which module of the whole call stack asks, and shows the
# answer to nobody; in a process that has run many projects that is nine tenths of the time.
dbt_common.behavior_flags.BehaviorFlagRendered._default_source = staticmethod(lambda: "dbt")


@pytest.fixture(scope="session")
def adapter_warehouse(warehouse_factory):
    """One database for the suite: every class makes a schema of its own in it."""
    with warehouse_factory.warehouse(redshift=True) as warehouse:
        yield warehouse


@pytest.fixture(scope="class")
def dbt_profile_target(adapter_warehouse):
    """What the suite's projects connect to, with nothing left of what dbt did in this process before."""
    reset_adapters()
    target = adapter_warehouse.dbt_output()
    del target["schema"]
    return {**target, "retries": 0}


@pytest.fixture(scope="session")
def logs_dir(tmp_path_factory):
    """Where dbt logs: outside of the repository."""
    folder = str(tmp_path_factory.mktemp("dbt_logs"))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DBT_LOG_PATH", folder)
        yield folder


@pytest.fixture(scope="session")
def test_data_dir(tmp_path_factory):
    """The tables into which the suite's hooks write; the suite expects them as files, and brings none."""
    folder = tmp_path_factory.mktemp("data")
    before = ("test_state", "target_dbname", "target_host", "target_name", "target_schema", "target_type")
    before += ("target_user", "target_pass")
    text = "{} varchar(256)".format
    # some hooks name no columns: the order counts
    columns = ", ".join(
        [*map(text, before), "target_threads integer", *map(text, ("run_started_at", "invocation_id", "thread_id"))]
    )
    for kind in ("model", "run"):
        table = f"{{schema}}.on_{kind}_hook"
        (folder / f"seed_{kind}.sql").write_text(f"drop table if exists {table}; create table {table} ({columns})")
    return folder


@pytest.fixture(scope="session")
def grantees(warehouse_factory, adapter_warehouse):
    """Three users by the names that the suite reads from the environment; they belong to the server."""
    names = {f"DBT_TEST_USER_{number}": f"{adapter_warehouse.database}_{number}" for number in (1, 2, 3)}
    with adapter_warehouse.session() as execute, pytest.MonkeyPatch.context() as environment:
        for variable, name in names.items():
            execute(f"create user {name} password disable")
            environment.setenv(variable, name)
        yield names
        for name in names.values():
            execute(f"drop role {name} force")


def pytest_collection_modifyitems(config, items):
    """Mark the known failures, and leave all but the sample out unless the whole suite is asked for."""
    suite = [item for item in items if item.path.name == SUITE and item.cls is not None]
    for item in suite:
        name = listed(KNOWN, item.cls.case, item.originalname)
        if name:
            item.add_marker(pytest.mark.xfail(reason=KNOWN[name], strict=True))
    if not WHOLE_SUITE:
        left_out = [item for item in suite if not listed(SAMPLE, item.cls.case, item.originalname)]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


def pytest_terminal_summary(terminalreporter):
    """Count the cases of the whole suite by how they ended."""
    if not WHOLE_SUITE:
        return

    def count(outcome):
        return sum(SUITE in report.nodeid for report in terminalreporter.stats.get(outcome, ()))

    passed, known = count("passed"), count("xfailed")
    others = count("failed") + count("error")
    applicable = passed + known + others
    terminalreporter.section("dbt's suite for adapters, on the Redshift face")
    terminalreporter.line(
        f"applicable {applicable}, passed {passed} ({passed / max(applicable, 1):.1%}), known failures {known}, "
        f"other failures {others}; not applicable {count_not_applicable()}"
    )
