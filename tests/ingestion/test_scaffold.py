"""`ingest new`: what it writes passes the house's checks as it is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dbt.adapters.factory import reset_adapters
from dbt.cli.main import dbtRunner

from ingestion.errors import IngestError
from ingestion.scaffold import Plan, write
from ingestion.scaffold.pieces import TRANSPORTS

PROJECT = Path(__file__).resolve().parents[2]
FOLDERS = ("ingestion", "models", "macros", "seeds", "profiles", "tests/dbt", "docs", ".dlt")
FILES = ("dbt_project.yml", "pyproject.toml", ".sqlfluff", ".sqlfluffignore", "tests/small_operator.py")
COMBINATIONS = [(transport, name) for transport, piece in TRANSPORTS.items() for name in piece.formats]
LETTERS = {name: name.replace("3", "three").replace("-", "") for name in TRANSPORTS}
LONGEST = "abcdefghijklmnopqrst"


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The folders of the project that a source lives in."""
    return copied(tmp_path_factory.mktemp("project"))


def copied(project):
    for folder in FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__", "secrets.toml")
        shutil.copytree(PROJECT / folder, project / folder, ignore=ignored)
    for file in FILES:
        shutil.copy(PROJECT / file, project / file)
    return project


@pytest.fixture(scope="module")
def written(copy):
    """A source of every transport with every format that it brings, by name; the first with names of full length."""
    plans = {}
    for number, (transport, file_format) in enumerate(COMBINATIONS):
        name = LONGEST if number == 0 else f"{LETTERS[transport]}{file_format}"
        table = f"{LONGEST[:9]}_{LONGEST[:10]}" if number == 0 else "points"
        plans[name] = (
            Plan(name, table, transport, file_format),
            write(Plan(name, table, transport, file_format), copy),
        )
    return plans


def command(copy, *words):
    """A command in the copy, with the copy's own packages."""
    # the demo operator and the conftest above are the project's
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(copy), str(copy / "tests"), str(PROJECT)])}
    return subprocess.run([sys.executable, "-m", *words], cwd=copy, env=environment, capture_output=True, text=True)


def test_every_combination_is_clean_to_ruff(copy, written):
    for words in (("check",), ("format", "--check")):
        done = command(copy, "ruff", *words, "ingestion/sources", "tests/ingestion")
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_combination_is_clean_to_mypy(copy, written):
    files = [str(copy / "ingestion" / "sources" / f"{name}.py") for name in written]
    # from the project, where `make lint` has left most in mypy's cache
    done = subprocess.run([sys.executable, "-m", "mypy", *files], cwd=PROJECT, capture_output=True, text=True)
    assert f"{len(files)} source files" in done.stdout, done.stdout + done.stderr
    assert [line for line in done.stdout.splitlines() if str(copy) in line] == []


def test_every_format_lands_its_recorded_records(copy, written):
    """Each scaffolded test, as it was written; how files are fetched makes no difference to it."""
    some = [paths for plan, paths in written.values() if plan.transport in ("sftp", "http", "soap")]
    tests = [str(path) for paths in some for path in paths if path.name.startswith("test_source_")]
    assert len(tests) == 6
    done = command(copy, "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(copy), *tests)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "6 passed" in done.stdout


def test_dbt_parses_what_was_written_without_a_warning(tmp_path, monkeypatch):
    """One says it for all: of what dbt reads, only names differ."""
    write(Plan(LONGEST, "points", "sftp", "csv"), copied(tmp_path))
    monkeypatch.setenv("MAJAKKA_WAREHOUSE_HOST", "no-such-host.invalid")
    common = [
        "--project-dir",
        str(tmp_path),
        "--profiles-dir",
        str(tmp_path / "profiles"),
        "--quiet",
        "--target",
        "dev",
    ]
    common += ["--target-path", str(tmp_path / "target"), "--log-level-file", "none"]
    warnings = []
    reset_adapters()
    runner = dbtRunner(
        callbacks=[lambda event: warnings.append(event.info.msg) if event.info.level == "warn" else None]
    )
    parsed = runner.invoke(["parse", "--no-partial-parse", *common])
    assert parsed.success, parsed.exception
    assert warnings == []
    assert f"stg_{LONGEST}__points" in {node.name for node in parsed.result.nodes.values()}


def test_staging_models_are_clean_to_sqlfluff(copy, written):
    folders = [f"models/staging/{name}" for name in (LONGEST, "httpjson")]
    done = command(copy, "sqlfluff", "lint", "--nocolor", "--disable-progress-bar", *folders)
    assert done.returncode == 0, done.stdout + done.stderr


def test_settings_are_named_where_they_belong(copy, written):
    config = (copy / ".dlt" / "config.toml").read_text()
    secrets = (copy / ".dlt" / "secrets.example.toml").read_text()
    assert '[sources.httpjson]\nbase_url = "https://api.example.com"' in config
    assert '[sources.httpjson]\ntoken = ""' in secrets
    assert "[sources.localcsv]" not in config


def test_the_command_tells_what_it_has_written_and_writes_the_dictionary(copy, written):
    words = ("new", "refunds", "--transport", "http", "--format", "json", "--project", str(copy))
    done = command(copy, "ingestion", *words)
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()
    assert told[0] == "ingestion/sources/refunds.py"
    assert told[-1] == "docs/data-dictionary.md"
    assert all((copy / path).is_file() for path in told)
    page = (copy / "docs" / "data-dictionary.md").read_text()
    for plan, _ in written.values():
        assert f"### raw_{plan.name}.{plan.table}" in page
    offline = command(copy, "ingestion", "check", "--offline", "--json")
    assert offline.returncode == 0, offline.stdout + offline.stderr
    assert "refunds" in offline.stdout


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (Plan("crm", "points", "sftp", "csv"), "is there already; a new source needs a new name"),
        (Plan("Loyalty", "points", "sftp", "csv"), "'Loyalty' is no name for a source"),
        (Plan("loyalty2", "points", "sftp", "csv"), "is no name for a source"),
        (Plan("a" * 21, "points", "sftp", "csv"), "is no name for a source"),
        (Plan("loyalty", "points-of-view", "sftp", "csv"), "'points-of-view' is no name for a table"),
        (Plan("loyalty", "points", "http", "csv"), "http brings json, not 'csv'"),
        (Plan("loyalty", "points", "pigeon", "csv"), "there is no transport 'pigeon'"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_and_nothing_is_written(copy, plan, told):
    before = sorted(copy.rglob("*.py"))
    with pytest.raises(IngestError, match=told):
        write(plan, copy)
    assert sorted(copy.rglob("*.py")) == before
