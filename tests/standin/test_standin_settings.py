"""What the environment says about the warehouse."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from standin import settings
from standin.errors import StandinError
from standin.settings import Settings, postgres_url, run_folder, run_folders, warehouse_folder


def test_defaults_and_empty_variables() -> None:
    assert Settings.from_environment({"MAJAKKA_WAREHOUSE_PORT": ""}) == Settings(
        "127.0.0.1", 5442, "majakka", "majakka", "majakka"
    )


def test_environment_leads_back() -> None:
    settings = Settings("db", 1234, "me", "a b'c", "mine")
    assert Settings.from_environment(settings.environment()) == settings


@pytest.mark.parametrize("port", ["x", "0", "65536", "-1", "5442.0", "٣"])
def test_a_port_that_is_none(port: str) -> None:
    with pytest.raises(StandinError, match=r"MAJAKKA_WAREHOUSE_PORT is .*between 1 and 65535"):
        Settings.from_environment({"MAJAKKA_WAREHOUSE_PORT": port})


@pytest.mark.parametrize(
    ("name", "value"),
    [("USER", "postgres"), ("USER", "pg_monitor"), ("DATABASE", "postgres"), ("DATABASE", "template1")],
)
def test_names_that_postgres_keeps(name: str, value: str) -> None:
    with pytest.raises(StandinError, match=f"MAJAKKA_WAREHOUSE_{name} is '{value}'"):
        Settings.from_environment({f"MAJAKKA_WAREHOUSE_{name}": value})


def test_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert warehouse_folder({"MAJAKKA_HOME": str(tmp_path)}) == tmp_path / "warehouse"
    monkeypatch.chdir(tmp_path)
    assert warehouse_folder({"MAJAKKA_HOME": "relative"}) == tmp_path / "relative" / "warehouse"
    # the clone's own, wherever the command is typed
    clone = Path(__file__).resolve().parents[2]
    assert warehouse_folder({}) == clone / ".majakka" / "warehouse"


def test_temporary_servers_live_in_memory_only_if_there_is_plenty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(settings, "_MEMORY", tmp_path / "memory")
    monkeypatch.setattr("os.path.ismount", lambda path: True)
    (tmp_path / "memory").mkdir()
    for free, place in ((4 * 10**9, tmp_path / "memory"), (64 * 10**6, tmp_path)):
        monkeypatch.setattr("shutil.disk_usage", lambda path, free=free: SimpleNamespace(free=free))
        assert run_folder("x").parent == place
        run_folder(str(free)).mkdir()
    assert len(run_folders()) == 2, "what is elsewhere must be found too"
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=4 * 10**9))
    assert run_folder("x").parent == tmp_path


def test_an_address_is_escaped_and_secrets_are_not_shown() -> None:
    assert postgres_url("h", 1, "a@b", "p/w:d", "d b") == "postgresql://a%40b:p%2Fw%3Ad@h:1/d%20b"
    assert "secret" not in repr(Settings(password="secret"))
