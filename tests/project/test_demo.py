"""`demo run`, the main job, as a newcomer meets it: real processes, a folder of its own, free ports."""

import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import psycopg
import pytest

from demo.operator import truth

PROJECT = Path(__file__).resolve().parents[2]
DEMO = PROJECT / ".venv" / "bin" / "demo"
SIZE = ("--customers", "60", "--days", "20")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Platform:
    """The command `demo` with a home of its own."""

    def __init__(self, home):
        self.home = home
        self.port = free_port()
        self.environment = {
            **os.environ,
            "MAJAKKA_HOME": str(home),
            "MAJAKKA_WAREHOUSE_PORT": str(self.port),
            "MAJAKKA_OPERATOR_PORT": "0",
            # an empty home: nothing may be expected there, and nothing may be left there
            "HOME": str(home.parent / "nobody"),
        }
        self.program = str(DEMO) if DEMO.exists() else "demo"

    def start(self, *words, **more):
        return subprocess.Popen(
            [self.program, *words],
            env={**self.environment, **more},
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __call__(self, *words, **more):
        process = self.start(*words, **more)
        output, _ = process.communicate(timeout=300)
        return process.returncode, output

    def connect(self):
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="majakka", password="majakka", dbname="majakka", autocommit=True
        )


@pytest.fixture
def platform(tmp_path):
    made = Platform(tmp_path / "home")
    yield made
    code, output = made("clean")
    assert code == 0, output
    assert not made.home.exists()
    assert _processes_of(made.home) == []


def _processes_of(home):
    found = subprocess.run(["pgrep", "--full", "--list-full", str(home)], capture_output=True, text=True)
    return [line for line in found.stdout.splitlines() if "pgrep" not in line]


def _contents(platform):
    """Every mart, hashed row by row."""
    with platform.connect() as connection:
        names = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'marts' order by 1"
        ).fetchall()
        return {
            name: connection.execute(
                "select count(*), md5(string_agg(line, '' order by line)) "
                f"from (select t::text as line from marts.{name} as t) as lines"
            ).fetchone()
            for (name,) in names
        }


def _cells(output, *words):
    """The numbers of the report's line that begins with these words."""
    line = next(line for line in output.splitlines() if line.split()[: len(words)] == list(words))
    return [int(number.replace(",", "")) for number in re.findall(r"(?<![\d.])\d[\d,]*(?![\d.])", line)]


def test_killed_again_and_again_the_report_is_true_and_a_second_run_lands_nothing_twice(platform):
    """SIGKILL while the warehouse is made, while the operator starts, while sources land, and while dbt builds."""
    for seconds in (1.0, 2.5, 5.0, 9.0, 14.0):
        process = platform.start("run", *SIZE)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    code, output = platform("run", *SIZE)
    assert code == 0, output
    assert "incomplete" not in output
    told = truth.load(platform.home / "operator")
    for table, source in {
        "bills": "billing",
        "payments": "billing",
        "customers": "crm",
        "products": "catalog",
        "trouble_tickets": "contacts",
    }.items():
        line = next(line for line in output.splitlines() if re.search(rf"(^|\s){table}\s", line))
        numbers = [int(n.replace(",", "")) for n in re.findall(r"\d[\d,]*", line.partition(table)[2])]
        deliveries = [d for d in told.deliveries if (d.source, d.resource) == (source, table)]
        sent, malformed = sum(d.rows for d in deliveries), sum(d.malformed for d in deliveries)
        assert numbers[:4] == [sent, sent, sent - malformed, malformed], line
        # the killed runs may have landed some
        assert numbers[4] <= sent, line
        assert line.rstrip().endswith("✓")
    with platform.connect() as connection:
        for name, (count, _) in _contents(platform).items():
            assert _cells(output, f"marts.{name}") == [count]
        assert connection.execute("select count(*) from marts.customer_view").fetchone()[0] == len(told.customers)
        versions = connection.execute(
            "select count(*) from snapshots.customers_snapshot where dbt_valid_to is not null"
        )
        assert versions.fetchone()[0] > 0, "a customer who changed between the mornings has two versions"
    page = platform.home / "site" / "index.html"
    assert str(page) in output
    assert page.stat().st_size > 1_000_000
    assert "Completed successfully" in output

    before = _contents(platform)
    # after a stop, so that the operator announces everything again
    code, output_of_down = platform("down")
    assert code == 0, output_of_down
    code, output = platform("run", *SIZE)
    assert code == 0, output
    for table in ("bills", "customers", "products", "usage", "events"):
        line = next(line for line in output.splitlines() if re.search(rf"(^|\s){table}\s", line))
        numbers = re.findall(r"\d[\d,]*", line.partition(table)[2])
        assert numbers[4] == "0", line
    assert _contents(platform) == before

    code, output = platform("run", "--customers", "61", "--days", "20")
    assert code == 1
    assert "make clean" in output, "another operator in the same folder is refused"
    assert not (platform.home.parent / "nobody").exists(), "the home folder of the user was not touched"


def test_a_port_that_is_taken_is_named_with_the_way_out(platform):
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = str(squatter.getsockname()[1])
        code, output = platform("run", *SIZE, MAJAKKA_WAREHOUSE_PORT=port)
        assert (code, "Traceback" in output) == (1, False), output
        assert port in output
        assert "MAJAKKA_WAREHOUSE_PORT" in output
        code, output = platform("run", *SIZE, MAJAKKA_OPERATOR_PORT=port)
        assert (code, "Traceback" in output) == (1, False), output
        assert port in output
        assert "MAJAKKA_OPERATOR_PORT" in output


def test_a_half_written_data_folder_is_refused_with_the_way_out(platform):
    data = platform.home / "warehouse" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("18\n")
    code, output = platform("run", *SIZE)
    assert (code, "Traceback" in output) == (1, False), output
    assert "make clean" in output
    code, output = platform("clean")
    assert code == 0, output
    code, output = platform("up")
    assert code == 0, output


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk takes root; not proven here")
def test_a_full_disk_is_told(platform):
    platform.home.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(platform.home)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"this machine lets nobody mount a small disk: {mounted.stderr.strip()}")
    try:
        code, output = platform("run", *SIZE)
        assert (code, "Traceback" in output) == (1, False), output
        assert re.search("disk|space|free", output), output
    finally:
        platform("down")
        subprocess.run(["umount", str(platform.home)], check=True)


def test_a_home_that_cannot_be_written_is_told(platform):
    platform.home.parent.mkdir(exist_ok=True)
    platform.home.write_text("a file where a folder should be")
    code, output = platform("up")
    platform.home.unlink()
    assert (code, "Traceback" in output) == (1, False), output
    assert str(platform.home) in output


def test_clean_leaves_alone_what_is_not_its_own(platform):
    platform.home.mkdir()
    (platform.home / "thesis.txt").write_text("years of work")
    code, output = platform("clean")
    assert code == 1
    assert "thesis.txt" in output
    assert (platform.home / "thesis.txt").exists()
    (platform.home / "thesis.txt").unlink()


def test_every_command_has_help(platform):
    for words in ((), ("run",), ("up",), ("down",), ("clean",), ("docs",), ("env",)):
        code, output = platform(*words, "--help")
        assert code == 0
        assert output.startswith("Usage: demo")
