"""What the collector is told by configuration, and what it says when it is told nonsense."""

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner
from dlt.common.configuration.container import Container
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

from ingestion.cli import main
from ingestion.collector.settings import from_configuration
from ingestion.errors import IngestError
from standin.processes import free_port

PROJECT = Path(__file__).resolve().parents[2]
KEY = "a-key-that-is-long-enough"


@pytest.fixture
def configured(monkeypatch, tmp_path):
    """One site; no .dlt of anybody's."""
    monkeypatch.chdir(tmp_path)
    # dlt reads the folder that it was first asked in, unless told
    context = Container()[PluggableRunContext]
    context.reload(str(tmp_path))

    def set_to(**settings):
        known = {"site_ids": "www", "sites__www__write_keys": KEY, "spool_folder": tmp_path / "spool", **settings}
        for key, value in known.items():
            monkeypatch.setenv(f"COLLECTOR__{key.upper()}", str(value))

    set_to()
    yield set_to
    context.reload(str(PROJECT))


def test_settings_come_from_the_environment(configured):
    configured(
        site_ids="www, app",
        port=9000,
        trusted_proxies='["10.0.0.0/8"]',
        body_kilobytes="12.5",
        sites__www__write_keys=f'["{KEY}", "{KEY}-next"]',
        sites__www__origins="https://www.example.com",
        sites__app__write_keys=f"{KEY}-of-the-app",
    )
    settings = from_configuration()
    assert (settings.port, settings.body_kilobytes, len(settings.proxies)) == (9000, 12.5, 1)
    www = settings.sites.find(f"{KEY}-next".encode())
    assert (www.site_id, www.allows("https://www.example.com"), www.allows("https://app.example.com")) == (
        "www",
        True,
        False,
    )
    assert settings.sites.find(f"{KEY}-of-the-app".encode()).site_id == "app"
    assert settings.sites.find(b"another key") is None
    assert KEY not in repr(settings)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"site_ids": ""}, "the collector knows no site"),
        ({"site_ids": "www.example.com"}, "is no name for a site"),
        ({"site_ids": "www,app"}, "the site app needs a write key"),
        ({"sites__www__write_keys": "too-short"}, "shorter than 16 characters"),
        ({"sites__www__write_keys": '["broken'}, "write_keys cannot be read"),
        ({"site_ids": "www,app", "sites__app__write_keys": KEY}, "app has a write key that another site has"),
        ({"port": "http"}, "collector.port is 'http'"),
        ({"body_seconds": "0"}, "collector.body_seconds is 0.0: give a number above 0"),
        ({"sites__www__events_per_second": "-1"}, "give a number above 0"),
        ({"trusted_proxies": "10.0.0.1/8"}, "trusted_proxies: 10.0.0.1/8 has host bits set"),
    ],
)
def test_nonsense_is_told_without_the_keys(configured, settings, told):
    configured(**settings)
    with pytest.raises(IngestError, match=told) as raised:
        from_configuration()
    assert KEY not in str(raised.value)
    assert "broken" not in str(raised.value)


def test_the_command_tells_what_keeps_it_from_starting(configured, monkeypatch):
    monkeypatch.setenv("SOURCES__EVENTS__KIND", "kafka")
    for name in ("STREAM", "BOOTSTRAP_SERVERS"):
        monkeypatch.delenv(f"SOURCES__EVENTS__{name}", raising=False)
    done = CliRunner().invoke(main, ["collect", "--help"])
    assert "An event is acknowledged when the stream has it" in done.stdout
    assert "events needs the setting 'stream'" in CliRunner().invoke(main, ["collect"]).stderr
    monkeypatch.setenv("SOURCES__EVENTS__STREAM", "web-events")
    assert "events needs the setting 'bootstrap_servers'" in CliRunner().invoke(main, ["collect"]).stderr
    monkeypatch.setenv("SOURCES__EVENTS__BOOTSTRAP_SERVERS", "127.0.0.1:1")
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        done = CliRunner().invoke(main, ["collect", "--port", str(port)])
    assert done.exit_code == 1
    assert f"ingest: the port {port} of 127.0.0.1 cannot be used" in done.stderr
