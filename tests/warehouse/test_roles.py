"""Who may read what, asked of the warehouse itself, as each role; and that the keys of the pseudonyms are nobody's."""

from datetime import date, datetime
from pathlib import Path

import psycopg
import pytest
from dbt.adapters.factory import reset_adapters
from dbt.cli.main import dbtRunner
from psycopg import sql
from small_operator import target_of

from ingestion.errors import IngestError
from ingestion.privacy.pseudonym import make_key

PROJECT = Path(__file__).resolve().parents[2]
GRANTED = "{grants: true, files_landed: true}"


@pytest.fixture(scope="module")
def granted(town, warehouse_factory, make_dbt):
    """The town, with the roles made and a few marts granted to them."""
    with warehouse_factory.warehouse(template=town) as warehouse:
        dbt = make_dbt(warehouse)
        for _ in range(2):
            made = dbt("run-operation", "create_roles", variables=GRANTED)
            assert made.success, made.exception
        built = dbt(
            "run",
            "--select",
            "customer_view",
            "fct_bills",
            "nps_by_month",
            "analyst_customers",
            "analyst_bills",
            "dbt_invocations",
            variables=GRANTED,
        )
        assert built.success, dbt.failures(built)
        yield dbt


def ask(dbt, role, query):
    """What the role gets to see."""
    with dbt.warehouse.connect(autocommit=True) as connection:
        # whoever makes a role may take it on; the roles are the server's, and may be another test's
        connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(role)))
        connection.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
        return connection.execute(query).fetchall()


@pytest.mark.parametrize(
    ("role", "query"),
    [
        ("agent", "select given_name, family_name, preferred_phone_number from marts.customer_view"),
        ("agent", "select customer_id, due_amount from marts.fct_bills"),
        ("agent", "select net_promoter_score from marts.nps_by_month"),
        ("analyst", "select customer_hash, birth_year, city from analysts.analyst_customers"),
        ("analyst", "select customer_hash, due_amount from analysts.analyst_bills"),
        ("analyst", "select net_promoter_score from marts.nps_by_month"),
        ("data_scientist", "select customer_id, due_amount from marts.fct_bills"),
        ("data_scientist", "select customer_hash from analysts.analyst_customers"),
    ],
)
def test_a_role_reads_what_it_is_granted(granted, role, query):
    assert ask(granted, role, query)


@pytest.mark.parametrize(
    ("role", "table"),
    [
        ("analyst", "marts.customer_view"),
        ("analyst", "marts.fct_bills"),
        ("data_scientist", "marts.customer_view"),
        ("agent", "analysts.analyst_customers"),
        *[(role, "observability.dbt_invocations") for role in ("analyst", "agent", "data_scientist")],
        *[(role, "staging.stg_crm__customers") for role in ("analyst", "agent", "data_scientist")],
        *[(role, "raw_crm.customers") for role in ("analyst", "agent", "data_scientist")],
        *[(role, "privacy.pseudonym_keys") for role in ("analyst", "agent", "data_scientist")],
    ],
)
def test_a_role_reads_nothing_else(granted, role, table):
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
        ask(granted, role, f"select * from {table}")


def test_a_grant_that_is_no_longer_in_the_project_is_taken_back(granted):
    with granted.warehouse.connect(autocommit=True) as connection:
        connection.execute("grant select on analysts.analyst_bills to agent")
        connection.execute("grant usage on schema analysts to agent")
    assert ask(granted, "agent", "select * from analysts.analyst_bills")
    assert granted("run", "--select", "analyst_bills", variables=GRANTED).success
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(granted, "agent", "select * from analysts.analyst_bills")


def test_a_pseudonym_joins_what_is_one_customer_s_and_changes_with_the_key(granted):
    joined = (
        "select count(*), count(distinct customers.customer_hash) from analysts.analyst_bills as bills"
        " inner join analysts.analyst_customers as customers on bills.customer_hash = customers.customer_hash"
    )
    true = "select count(*), count(distinct customer_id) from marts.fct_bills where customer_id is not null"
    ((bills, customers),) = ask(granted, "analyst", joined)
    assert [(bills, customers)] == ask(granted, "agent", true)
    assert customers > 1
    hashes = "select customer_hash from analysts.analyst_customers"
    before = set(ask(granted, "analyst", hashes))
    assert {len(one) for (one,) in before} == {64}

    with target_of(granted.warehouse).connect() as connection:
        with pytest.raises(IngestError, match="--replace"):
            make_key(connection)
        make_key(connection, replace=True)
    assert set(ask(granted, "analyst", hashes)).isdisjoint(before)
    assert [(bills, customers)] == ask(granted, "analyst", joined)


def test_the_keys_are_in_no_log_and_no_artefact(granted, tmp_path):
    """Neither are they in a view's definition, which whoever may read the view may read, too."""
    (keys,) = granted.rows("select inner_key, outer_key from privacy.pseudonym_keys")
    # everything that dbt can be made to tell of its statements
    options = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT / "profiles"), "--quiet"]
    options += ["--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")]
    options += ["--log-level-file", "debug", "--vars", GRANTED]
    reset_adapters()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in granted.warehouse.environment().items():
            patch.setenv(name, value)
        runner = dbtRunner(manifest=granted.parsed(GRANTED))
        assert runner.invoke(["build", "--select", "pseudonym", "analyst_bills", *options]).success
    said = [path.read_text("utf-8", errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
    said += [row["definition"] for row in granted.rows("select definition from pg_views where schemaname = 'analysts'")]
    said += [row["source"] for row in granted.rows("select prosrc as source from pg_proc where proname = 'pseudonym'")]
    assert "insert into privacy.pseudonym_keys" in (tmp_path / "logs" / "dbt.log").read_text("utf-8")
    assert not any(key in one for key in keys.values() for one in said)


def consents(dbt):
    """How the tests of consents end."""
    statuses = dbt.statuses(dbt("test", "--select", "test_name:has_consent", variables=GRANTED))
    return [status for name, status in statuses.items() if name.startswith("has_consent_")]


VALUES = {"boolean": True, "date": date(2026, 10, 1), "timestamp without time zone": datetime(2026, 10, 1)}


def profile(dbt, mart, customer_id):
    """A row about a customer, with anything in the columns that want something."""
    wanted = {
        row["column_name"]: VALUES.get(row["data_type"], 1)
        for row in dbt.rows(
            "select column_name, data_type from information_schema.columns"
            f" where table_schema = 'marts' and table_name = '{mart}' and is_nullable = 'NO'"
        )
    }
    wanted |= {"customer_id": customer_id}
    statement = sql.SQL("insert into {} ({}) values ({})").format(
        sql.Identifier("marts", mart),
        sql.SQL(", ").join(map(sql.Identifier, wanted)),
        sql.SQL(", ").join(map(sql.Literal, wanted.values())),
    )
    with dbt.warehouse.connect(autocommit=True) as connection:
        connection.execute(statement)


def test_a_customer_who_is_profiled_without_consent_is_found(granted):
    """Last, since it makes the marts wrong: each test of a consent fails when one is missing."""
    assert consents(granted) == ["pass"] * 3
    for mart in ("customer_product_interest", "fct_product_recommendations", "recommendation_eligibility"):
        profile(granted, mart, "C-never-asked")
    assert consents(granted) == ["fail"] * 3
