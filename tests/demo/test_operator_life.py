"""Generating and running: the same again from the same seed, all or nothing, errors that say what to do."""

from __future__ import annotations

import hashlib
import json
import signal
import socket
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest
from operator_story import FREE, SETTINGS

from demo.operator import process, truth
from demo.operator.generate import generate, read_settings, unfinished
from demo.operator.settings import SERVED, OperatorError, OperatorSettings, Ports

PRIVATE = {"credentials.json", "host_key", "known_hosts.template"}


def _bytes(folder: Path) -> dict[str, tuple[str, float]]:
    """Content and time of every file that is delivered or true; a folder's own secrets differ."""
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime if path.parts[len(folder.parts)][:4] in ("sftp", "s3-1", "s3-2") else 0.0,
        )
        for path in folder.rglob("*")
        if path.is_file() and path.name not in PRIVATE
    }


def test_the_seed_decides_every_byte(tmp_path: Path) -> None:
    small = OperatorSettings(customers=40, days=14)
    generate(tmp_path / "one", small)
    time.sleep(1.1)  # a clock that leaked into a file would show
    generate(tmp_path / "two", small)
    generate(tmp_path / "other", OperatorSettings(customers=40, days=14, seed=2))
    one, two, other = (_bytes(tmp_path / name) for name in ("one", "two", "other"))
    assert one == two
    assert len(one) > 80
    same = [name for name in one if other.get(name) == one[name]]
    # Empty billing days, the catalogue of offerings and the morning are no matter of chance.
    assert not [name for name in same if not name.startswith(("sftp-", "catalog/")) and name != "morning"]
    assert (tmp_path / "one" / "credentials.json").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "one" / "host_key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "settings",
    [
        OperatorSettings(customers=40, days=14, seed=3),
        OperatorSettings(customers=40, days=14, seed=4, last_day=date(2026, 2, 28)),
        OperatorSettings(customers=41, days=15, seed=5, last_day=date(2027, 1, 15)),
        OperatorSettings(customers=45, days=31, seed=6),
    ],
)
def test_small_operators_have_their_dirt_too(tmp_path: Path, settings: OperatorSettings) -> None:
    generate(tmp_path / "operator", settings)
    known = truth.load(tmp_path / "operator")
    for source in SERVED:
        assert sum(delivery.malformed for delivery in known.sent(source)) > 0
    assert sum(d.superseded for d in known.sent("billing")) == 1
    assert len(known.customers) == settings.customers


def test_a_folder_keeps_its_settings(tmp_path: Path) -> None:
    folder = tmp_path / "operator"
    small = OperatorSettings(customers=40, days=14)
    generate(folder, small)
    before = _bytes(folder)
    generate(folder, small)
    assert _bytes(folder) == before
    assert read_settings(folder) == small
    with pytest.raises(OperatorError, match=r"customers 40 \(now 41\).*make clean"):
        generate(folder, OperatorSettings(customers=41, days=14))


def test_a_killed_generation_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "operator"
    program = (
        "import sys; from pathlib import Path; from demo.operator.generate import generate;"
        "from demo.operator.settings import OperatorSettings; generate(Path(sys.argv[1]), OperatorSettings(400, 60))"
    )
    victim = subprocess.Popen([sys.executable, "-c", program, str(folder)])
    deadline = time.monotonic() + 20
    while not (unfinished(folder) / "crm").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    victim.kill()
    assert victim.wait() == -signal.SIGKILL
    assert unfinished(folder).exists()
    assert not folder.exists()
    small = OperatorSettings(customers=40, days=14)
    with pytest.raises(OperatorError, match="generate it first"):
        truth.load(folder)
    generate(folder, small)
    assert not unfinished(folder).exists()
    assert len(truth.load(folder).customers) == 40


def test_a_folder_that_is_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(OperatorError, match="half written or is something else"):
        generate(tmp_path, SETTINGS)
    assert (tmp_path / "thesis.txt").read_text() == "precious"


def test_impossible_settings_say_what_is_possible() -> None:
    with pytest.raises(OperatorError, match="give 40 to 200000"):
        OperatorSettings(customers=3)
    with pytest.raises(OperatorError, match="give 14 to 730"):
        OperatorSettings(days=1)


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "operator"
    small = OperatorSettings(customers=40, days=14)
    generate(folder, small)
    for place in range(3):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            taken = other.getsockname()[1]
            ports = Ports(*(taken if place == number else 0 for number in range(3)))
            with pytest.raises(OperatorError, match=f"port {taken} .*MAJAKKA_OPERATOR_PORT"):
                process.start(folder, small, ports)
    assert process.status(folder) == process.Status(running=False)


def test_start_is_reused_and_stop_is_final(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    folder = tmp_path / "operator"
    small = OperatorSettings(customers=40, days=14)
    assert process.stop(folder) is False
    try:
        operator = process.start(folder, small, FREE)
        assert process.start(folder, small, FREE) == operator
        status = process.status(folder)
        assert (status.running, status.morning, status.pid) == (True, 1, operator.pid)
        assert status.settings == json.loads((folder / "settings.json").read_text())
        second = subprocess.run(
            [sys.executable, "-m", "demo.operator", "serve", "--folder", str(folder), "--http-port", "0"],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert second.returncode == 1
        assert "another process already serves" in second.stderr
        assert operator.advance() == 2
    finally:
        assert process.stop(folder) is True
    assert process.status(folder) == process.Status(running=False)
    assert not (folder / "endpoints.json").exists()
    with pytest.raises(OperatorError, match="make up"):
        operator.advance()


def test_ports_follow_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAJAKKA_OPERATOR_PORT", "9100")
    assert Ports.from_environment() == (9100, 9101, 9102)
    monkeypatch.setenv("MAJAKKA_OPERATOR_PORT", "0")
    assert Ports.from_environment() == (0, 0, 0)
    monkeypatch.delenv("MAJAKKA_OPERATOR_PORT")
    assert Ports.from_environment() == (8701, 8702, 8703)
    monkeypatch.setenv("MAJAKKA_OPERATOR_PORT", "high")
    with pytest.raises(OperatorError, match="give a number"):
        Ports.from_environment()
