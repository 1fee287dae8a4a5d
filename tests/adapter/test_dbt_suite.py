"""dbt's public suite for adapters, run with the unmodified dbt-redshift against the Redshift face.

A plain run takes a sample; MAJAKKA_WHOLE_ADAPTER_SUITE=1 in the environment takes the whole suite.
What is left out, and what is known to fail, stands in `adapter_cases.py`; what Redshift answers differently from the
database for which a case was written, in `redshift_*.py`.
"""

import pytest
import redshift_answers
import redshift_materialized_views
import sqlparse
from adapter_cases import ABSTRACT, ALSO, KNOWN, NOT_APPLICABLE, SAMPLE, cases, methods_of

CASES = cases()
ANSWERS = {**redshift_answers.ANSWERS, **redshift_materialized_views.ANSWERS}


@pytest.fixture(scope="class")
def project(project):
    """The suite's project; statements go one by one, as dbt-redshift sends them: prepared, Redshift takes no more."""
    send = project.run_sql

    def run_sql(sql, fetch=None):
        results = [send(statement, fetch=fetch) for statement in sqlparse.split(sql)]
        return results[-1] if results else None

    project.run_sql = run_sql
    return project


def test_every_listed_case_is_in_the_suite():
    tests = {f"{name}.{test}" for name, case in CASES.items() for test in methods_of(case)}
    for table in (ALSO, NOT_APPLICABLE, KNOWN, SAMPLE, ANSWERS):
        assert set(table) <= {*CASES, *tests}
    assert not ABSTRACT & set(CASES)


def concrete(name, case):
    """The case as pytest collects it, with Redshift's answers, without the tests that are not applicable."""
    left_out = {test: None for test in methods_of(case) if f"{name}.{test}" in NOT_APPLICABLE}
    bases = (ANSWERS[name], case) if name in ANSWERS else (case,)
    return type("Test_" + name.replace(".", "_"), bases, {"__module__": __name__, "case": name, **left_out})


for name, case in CASES.items():
    if name not in NOT_APPLICABLE:
        made = concrete(name, case)
        globals()[made.__name__] = made
del name, case, made
