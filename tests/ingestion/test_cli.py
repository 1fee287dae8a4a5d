"""The command line as a scheduler and a person meet it."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from ingestion import sources
from ingestion.cli import main
from ingestion.commands.landing import stopped_by_signals

HEAVY = ("dlt", "pyarrow", "boto3", "psycopg", "requests", "lxml", "zeep", "asyncssh", "sqlglot", "rich", "orjson")


@pytest.fixture
def ingest(warehouse, monkeypatch):
    """The command, in this process: what it prints and what it ends with."""
    for name, value in {**warehouse.environment(), "COLUMNS": "200"}.items():
        monkeypatch.setenv(name, value)

    def call(*words, typed=""):
        done = CliRunner().invoke(main, [str(word) for word in words], input=typed, prog_name="ingest")
        assert not done.exception or isinstance(done.exception, SystemExit), done.exception
        return SimpleNamespace(code=done.exit_code, out=done.stdout, err=done.stderr)

    return call


def test_run_then_status_then_quarantine(ingest, tmp_path):
    (path := tmp_path / "t.csv").write_text("n\n1\n2\n")
    assert ingest("run", "files", "--path", path).code == 0
    path.write_text("n\n1\nx\n")
    done = ingest("run", "files", "--path", path, "--json", "--quiet")
    (report,) = json.loads(done.out)
    assert report["source"] == "files"
    assert (report["resources"][0]["fetched"], report["resources"][0]["rejected"], report["replaced"]) == (2, 1, 2)
    assert done.err == ""

    (line,) = json.loads(ingest("status", "--json").out)
    assert (line["deliveries"], line["fetched"], line["rejected"], line["quarantined"]) == (2, 4, 1, 1)
    assert "25.00%" in ingest("status").out

    (row,) = json.loads(ingest("quarantine", "list", "--json").out)
    assert row["reason"] == "n 'x' is not a whole number"
    shown = json.loads(ingest("quarantine", "show", row["quarantine_id"][:8]).out)
    assert json.loads(shown["payload"]) == {"n": "x"}
    assert "n 'x' is not a whole number" in ingest("quarantine", "list", "--source", "files").out

    (line,) = json.loads(ingest("quarantine", "replay", "files", "--json").out)
    assert (line["landed"], line["still_broken"], line["reasons"]) == (0, 1, {"n 'x' is not a whole number": 1})
    assert "still broken" in ingest("quarantine", "replay", "--resource", "t", "--dry-run").out
    refused = ingest("quarantine", "purge", "files")
    assert (refused.code, "1 rows would be dropped" in refused.err) == (2, True)
    assert "0 rows dropped" in ingest("quarantine", "purge", "files", "--older-than", "1d", "--yes").out
    assert "1 rows dropped" in ingest("quarantine", "purge", "--id", row["quarantine_id"][:8], "--yes").out
    assert json.loads(ingest("quarantine", "list", "--json").out) == []


def test_an_empty_warehouse_has_nothing_to_tell(ingest):
    assert json.loads(ingest("status", "--json").out) == []
    assert json.loads(ingest("quarantine", "list", "--json").out) == []
    assert json.loads(ingest("quarantine", "replay", "--json").out) == []
    assert ingest("quarantine", "show", "abc").code == 1


def test_a_monitor_is_told_what_is_stale(ingest, warehouse, tmp_path):
    (path := tmp_path / "t.csv").write_text("n\n1\n")
    ingest("run", "files", "--path", path)
    assert ingest("status", "--max-age", "1h").code == 0
    never = ingest("status", "billing", "--max-age", "1h")
    assert never.code == 6
    assert "billing.payments is stale: nothing has ever landed" in never.err
    with warehouse.connect() as connection:
        connection.execute("update raw_files._deliveries set landed_at = landed_at - interval '3 hours'")
    stale = ingest("status", "files", "--max-age", "2h")
    assert stale.code == 6
    assert "files.t is stale: 3 h old" in stale.err
    assert "3 h (stale)" in stale.out


def test_list_names_every_source(ingest):
    found = {line["source"]: line["resources"] for line in json.loads(ingest("list", "--json").out)}
    assert set(found) == set(sources.NAMES)
    assert found["billing"] == ["bills", "bill_items", "payments", "dunning_notices", "top_ups"]


def test_tables_can_be_made_before_anything_lands(ingest, warehouse):
    assert "raw_billing.bills" in ingest("prepare", "billing", "usage").out
    with warehouse.connect() as connection:
        assert connection.execute("select count(*) from raw_billing.bills").fetchone() == (0,)
        assert connection.execute("select count(*) from raw_usage._deliveries").fetchone() == (0,)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("run", "nonsense"), 1, "there is no source 'nonsense'"),
        (("run", "files"), 1, "--path FILE"),
        (("run", "crm", "--path", "x.csv"), 1, "--path is for the source files"),
        (("run",), 2, "Missing argument"),
        (("run", "crm", "--since", "yesterday"), 2, "'yesterday' is no time; write 2026-01-31"),
        (("run", "crm", "--since", "2026-02-01", "--until", "2026-02-01"), 2, "the window ends"),
        (("backfill", "crm", "--from", "2026-02-01"), 2, "Missing option '--to'"),
        (("backfill", "crm", "--from", "2026-01-01", "--to", "2026-02-01", "--step", "1y"), 2, "no length of time"),
        (("receive", "nonsense"), 1, "there is no source 'nonsense'"),
        (("redrive", "billing"), 1, "billing is not announced by a queue"),
        (("check", "nonsense"), 1, "there is no source 'nonsense'"),
        (("quarantine", "list", "--source", "crm"), 1, "nothing has landed from 'crm'"),
        (("quarantine", "replay", "crm"), 1, "nothing has landed from 'crm'"),
        (("quarantine", "purge", "--yes"), 2, "say which rows"),
    ],
)
def test_wrong_calls_are_told_in_one_line_and_fail(ingest, words, code, told):
    done = ingest(*words)
    assert done.code == code
    assert told in done.err
    assert "Traceback" not in done.err


def test_exit_codes_let_a_scheduler_decide(ingest, warehouse, tmp_path, monkeypatch):
    (path := tmp_path / "t.csv").write_text("n\n" + "1\n" * 100)
    ingest("run", "files", "--path", path)
    path.write_text("n\n1\n")
    assert ingest("run", "files", "--path", path).code == 4
    assert ingest("run", "files", "--path", path, "--allow-shrink").code == 0
    with warehouse.connect() as connection:
        connection.execute("select pg_advisory_lock(hashtextextended('ingest raw_files', 0))")
        path.write_text("n\n2\n")
        assert ingest("run", "files", "--path", path).code == 5
    monkeypatch.setenv("SOURCES__CATALOG__BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("SOURCES__CATALOG__TOKEN", "hidden word")
    done = ingest("run", "catalog", "files", "--path", path)
    assert done.code == 1, "the first failure counts: catalog has no --path"


def test_a_signal_asks_to_stop_and_a_second_one_insists():
    before = signal.getsignal(signal.SIGTERM)
    with stopped_by_signals() as stop:
        assert not stop.is_set()
        signal.raise_signal(signal.SIGTERM)
        assert stop.is_set()
        with pytest.raises(SystemExit) as ended:
            signal.raise_signal(signal.SIGINT)
    assert ended.value.code == 128 + signal.SIGINT
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_commands_that_the_guide_names_exist():
    guide = (Path(__file__).resolve().parents[2] / "docs" / "add-a-source.md").read_text("utf-8")
    named = set(re.findall(r"(?:^|`)ingest ([a-z]+)", guide, re.MULTILINE))
    assert len(named) > 8
    assert named <= set(main.commands)


def test_help_is_everywhere_and_needs_nothing_heavy(tmp_path):
    script = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from ingestion.cli import main\n"
        "def walk(command, words):\n"
        "    done = CliRunner().invoke(main, [*words, '--help'], prog_name='ingest')\n"
        "    assert done.exit_code == 0 and done.output.startswith('Usage: ingest'), words\n"
        "    assert command.help, words\n"
        "    for name, sub in getattr(command, 'commands', {}).items():\n"
        "        walk(sub, [*words, name])\n"
        "walk(main, [])\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("[]\n", "")
