"""The command line as a scheduler and a person meet it: real processes."""

import json
import os
import subprocess
import sys

import pytest


@pytest.fixture
def ingest(warehouse, tmp_path):
    def call(*words):
        environment = {**os.environ, **warehouse.environment(), "COLUMNS": "200"}
        return subprocess.run(
            [sys.executable, "-m", "ingestion", *words], env=environment, cwd=tmp_path, capture_output=True, text=True
        )

    return call


def test_run_then_status_then_quarantine(ingest, tmp_path):
    (tmp_path / "t.csv").write_text("n\n1\n2\n")
    assert ingest("run", "files", "--path", "t.csv").returncode == 0
    (tmp_path / "t.csv").write_text("n\n1\nx\n")
    done = ingest("run", "files", "--path", "t.csv", "--json", "--quiet")
    (report,) = json.loads(done.stdout)
    assert report["source"] == "files"
    assert (report["resources"][0]["fetched"], report["resources"][0]["rejected"], report["replaced"]) == (2, 1, 2)
    assert done.stderr == ""

    (line,) = json.loads(ingest("status", "--json").stdout)
    assert (line["deliveries"], line["fetched"], line["rejected"]) == (2, 4, 1)
    assert "25.00%" in ingest("status").stdout

    (row,) = json.loads(ingest("quarantine", "list", "--json").stdout)
    assert row["reason"] == "n 'x' is not a whole number"
    shown = json.loads(ingest("quarantine", "show", row["quarantine_id"][:8]).stdout)
    assert json.loads(shown["payload"]) == {"n": "x"}
    assert "n 'x' is not a whole number" in ingest("quarantine", "list", "--source", "files").stdout


def test_an_empty_warehouse_has_nothing_to_tell(ingest):
    assert json.loads(ingest("status", "--json").stdout) == []
    assert json.loads(ingest("quarantine", "list", "--json").stdout) == []
    assert ingest("quarantine", "show", "abc").returncode == 1


def test_list_names_every_source(ingest):
    found = {line["source"]: line["resources"] for line in json.loads(ingest("list", "--json").stdout)}
    assert set(found) == {"crm", "billing", "catalog", "usage", "contacts", "events"}
    assert found["billing"] == ["bills", "bill_items", "payments"]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("run", "nonsense"), 1, "there is no source 'nonsense'"),
        (("run", "files"), 1, "--path FILE"),
        (("run", "crm", "--path", "x.csv"), 1, "--path is for the source files"),
        (("run", "crm"), 1, "set SOURCES__CRM__"),
        (("run",), 2, "Missing argument"),
        (("quarantine", "list", "--source", "crm"), 1, "nothing has landed from 'crm'"),
    ],
)
def test_wrong_calls_are_told_in_one_line_and_fail(ingest, words, code, told):
    done = ingest(*words)
    assert done.returncode == code
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_exit_codes_let_a_scheduler_decide(ingest, tmp_path):
    (tmp_path / "t.csv").write_text("n\n" + "1\n" * 100)
    ingest("run", "files", "--path", "t.csv")
    (tmp_path / "t.csv").write_text("n\n1\n")
    assert ingest("run", "files", "--path", "t.csv").returncode == 4
    assert ingest("run", "files", "--path", "t.csv", "--allow-shrink").returncode == 0


def test_a_source_that_is_down_is_told_apart(ingest, monkeypatch):
    for key, value in {"WSDL_URL": "http://127.0.0.1:1/crm?wsdl", "USERNAME": "u", "PASSWORD": "hidden word"}.items():
        monkeypatch.setenv(f"SOURCES__CRM__{key}", value)
    done = ingest("run", "crm")
    assert done.returncode == 3
    assert "crm: the SOAP service cannot be reached" in done.stderr
    assert "hidden word" not in done.stderr


def test_help_is_everywhere(ingest):
    for words in (
        (),
        ("list",),
        ("run",),
        ("status",),
        ("quarantine",),
        ("quarantine", "list"),
        ("quarantine", "show"),
    ):
        done = ingest(*words, "--help")
        assert done.returncode == 0
        assert done.stdout.startswith("Usage: ingest")
