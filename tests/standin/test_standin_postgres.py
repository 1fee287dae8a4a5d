"""Starting and stopping, and every way in which a start can go wrong."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg
import psycopg2
import pytest

from standin import cluster, postgres
from standin.account import Account
from standin.errors import PortTakenError, StandinError
from standin.processes import free_port, is_alive, wait_until
from standin.server import Server


def value(server: Server, setting: str) -> str:
    with server.connect() as connection:
        row = connection.execute("select current_setting(%s)", [setting]).fetchone()
    assert row is not None
    return str(row[0])


def end(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    os.kill(pid, number)
    assert wait_until(lambda: not is_alive(pid), 10)


class TestStart:
    def test_listens_on_loopback_only_with_a_password_and_our_settings(self, folder: Path) -> None:
        port = free_port()
        server = postgres.start(folder, port)
        assert (server.host, server.port) == ("127.0.0.1", port)
        settings = {
            "listen_addresses": "127.0.0.1",
            # abstract: in no folder
            "unix_socket_directories": "@majakka" if sys.platform == "linux" else "",
            "fsync": "off",
            "TimeZone": "UTC",
            "server_encoding": "UTF8",
            "dynamic_shared_memory_type": "mmap",
        }
        assert {name: value(server, name) for name in settings} == settings
        with server.connect() as connection:
            query = (
                "select datlocprovider, datlocale, 'Z' < 'a', upper('ä') from pg_database where datname = 'postgres'"
            )
            assert connection.execute(query).fetchone() == ("b", "C.UTF-8", True, "Ä")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(server.url(user="postgres", password="guessed"))
        if server.socket is not None:
            place = {"host": server.socket.rpartition("/")[0], "port": port, "user": "postgres"}
            with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
                psycopg2.connect(**place, password="guessed", dbname="postgres")
        assert (folder / "superuser.password").stat().st_mode & 0o777 == 0o600

    def test_reuses_the_running_server_and_keeps_data_over_a_restart(self, made: Path) -> None:
        port = free_port()
        first = postgres.start(made, port)
        first.create_database("kept")
        assert postgres.start(made, port) == first
        assert postgres.start(made) == first
        assert postgres.running(made) == first
        assert postgres.stop(made)
        assert not is_alive(first.pid or 0)
        assert postgres.running(made) is None
        assert not postgres.stop(made)
        assert "kept" in postgres.start(made, port).databases()

    def test_many_at_once_share_one_server(self, folder: Path) -> None:
        script = (
            f"from pathlib import Path; from standin import postgres; print(postgres.start(Path({str(folder)!r})).pid)"
        )
        starts = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(3)]
        pids = {start.communicate(timeout=60)[0].strip() for start in starts}
        server = postgres.running(folder)
        assert server is not None
        assert pids == {str(server.pid)}

    def test_ignores_postgres_variables_of_the_caller(self, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PGDATA", "/nowhere")
        monkeypatch.setenv("PGPORT", "1")
        monkeypatch.setenv("TZ", "Asia/Tokyo")
        assert value(postgres.start(made), "log_timezone") == "UTC"

    def test_old_settings_are_replaced_at_the_next_start(self, made: Path) -> None:
        configuration = made / "data" / "postgresql.conf"
        configuration.write_text("listen_addresses = '*'\nmax_connections = 10\n")
        assert value(postgres.start(made), "max_connections") == "600"


class TestPort:
    def test_taken_names_the_port_the_holder_and_the_variable(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as holder:
            port = holder.getsockname()[1]
            with pytest.raises(PortTakenError) as caught:
                postgres.start(folder, port)
        text = str(caught.value)
        assert f"Port {port} " in text
        assert "MAJAKKA_WAREHOUSE_PORT" in text
        assert not Path("/proc/net/tcp").exists() or f"process {os.getpid()} (" in text
        assert not (folder / "data").exists()

    def test_lost_in_a_race_is_told_alike(self, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(postgres, "require_free_port", lambda port: None)
        with socket.create_server(("127.0.0.1", 0)) as holder:
            port = holder.getsockname()[1]
            with pytest.raises(PortTakenError, match=f"Port {port} .*MAJAKKA_WAREHOUSE_PORT"):
                postgres.start(made, port)
        assert postgres.start(made, port).port == port

    def test_without_a_wish_a_lost_race_is_run_again(self, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.create_server(("127.0.0.1", 0)) as holder:
            offers = [free_port(), holder.getsockname()[1], holder.getsockname()[1]]
            monkeypatch.setattr(postgres, "free_port", offers.pop)
            assert postgres.start(made).port not in {holder.getsockname()[1]}
        assert offers == []

    def test_another_one_than_the_running_server_has(self, made: Path) -> None:
        server = postgres.start(made)
        with pytest.raises(StandinError, match=f"already runs on port {server.port}.*standin down"):
            postgres.start(made, free_port())

    @pytest.mark.parametrize("port", [-1, 0, 65536])
    def test_that_is_none(self, folder: Path, port: int) -> None:
        with pytest.raises(StandinError, match="is no port"):
            postgres.start(folder, port)


class TestKilled:
    @pytest.mark.parametrize("seconds", [0.0, 0.2])
    def test_first_start_is_made_up_for(self, folder: Path, seconds: float) -> None:
        script = f"from pathlib import Path; from standin import postgres; postgres.start(Path({str(folder)!r}))"
        starting = subprocess.Popen([sys.executable, "-c", script])
        assert wait_until(lambda: any(folder.glob("init-*")), 20)
        wait_until(lambda: False, seconds)
        starting.kill()
        starting.wait()
        server = postgres.start(folder)
        assert "postgres" in server.databases()
        assert sorted(path.name for path in folder.iterdir() if path.name != "postgres.log.1") == [
            "data",
            "lock",
            "postgres.log",
            "superuser.password",
        ]

    def test_server_recovers(self, made: Path) -> None:
        server = postgres.start(made)
        with server.connect() as connection:
            connection.execute("create table kept as select generate_series(1, 100000) as number")
            # with a backend, which outlives the server for a moment
            end(server.pid or 0)
            assert (made / "data" / "postmaster.pid").exists()
            assert postgres.running(made) is None
            again = postgres.start(made, server.port)
        assert again.pid != server.pid
        with again.connect() as connection:
            assert connection.execute("select count(*) from kept").fetchone() == (100000,)

    def test_a_stale_pid_file_is_no_obstacle(self, made: Path) -> None:
        # as after a reboot: the number belongs to another process, to none, or the file was cut off
        for pid in ("1", str(os.getppid()), "999999999", "", "nonsense"):
            server = postgres.start(made)
            file = made / "data" / "postmaster.pid"
            lines = file.read_text().splitlines()
            end(server.pid or 0)
            file.write_text("\n".join([pid, *lines[1:]]) if pid else "")
            assert postgres.running(made) is None
            assert not postgres.stop(made)
            assert postgres.start(made).pid != server.pid

    def test_server_of_a_removed_folder_gives_way(self, folder: Path) -> None:
        server = postgres.start(folder)
        shutil.rmtree(folder)
        again = postgres.start(folder, server.port)
        assert again.pid != server.pid
        assert not is_alive(server.pid or 0)


class TestFolder:
    @pytest.mark.parametrize("missing", ["PG_VERSION", "global/pg_control", "pg_wal"])
    def test_half_written_is_refused_with_the_remedy(self, folder: Path, missing: str) -> None:
        data = folder / "data"
        for name in ("base", "global", "pg_wal"):
            (data / name).mkdir(parents=True)
        for name in ("PG_VERSION", "global/pg_control", "pg_hba.conf"):
            (data / name).write_text("18\n")
        path = data / missing
        path.rmdir() if path.is_dir() else path.unlink()
        with pytest.raises(StandinError, match=f"no complete Postgres data folder: {missing} missing.*make clean"):
            postgres.start(folder)
        assert data.exists()

    def test_of_another_version_is_refused(self, made: Path) -> None:
        (made / "data" / "PG_VERSION").write_text("16\n")
        with pytest.raises(StandinError, match=r"made by PostgreSQL 16.*make clean"):
            postgres.start(made)

    def test_damaged_shows_the_log_and_the_remedy(self, made: Path) -> None:
        server = postgres.start(made)
        end(server.pid or 0)
        for segment in (made / "data" / "pg_wal").glob("0*"):
            segment.write_bytes(b"\0" * segment.stat().st_size)
        with pytest.raises(StandinError, match=r"(?s)look damaged.*make clean.*checkpoint record"):
            postgres.start(made)

    def test_without_its_password_is_refused(self, made: Path) -> None:
        (made / "superuser.password").unlink()
        with pytest.raises(StandinError, match=r"superuser.password is missing.*make clean"):
            postgres.start(made)

    def test_with_a_bad_setting_shows_the_log(self, made: Path) -> None:
        (made / "data" / "postgresql.auto.conf").write_text("work_mem = lots\n")
        with pytest.raises(StandinError) as caught:
            postgres.start(made)
        assert 'invalid value for parameter "work_mem"' in str(caught.value)
        assert "damaged" not in str(caught.value)

    def test_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        for path in (tmp_path / "file", tmp_path / "file" / "below"):
            with pytest.raises(StandinError, match="in the way"):
                postgres.start(path)

    def test_with_wrong_permissions_is_put_right(self, made: Path) -> None:
        (made / "data").chmod(0o777)
        assert postgres.start(made).pid


class TestDisk:
    def test_too_small_is_told_beforehand(self, tmpfs: Callable[[str], Path]) -> None:
        place = tmpfs("8m")
        with pytest.raises(StandinError, match=r"disk is full: 8 MB are free at .*needs about 100 MB.*MAJAKKA_HOME"):
            postgres.start(place / "warehouse")

    def test_full_during_initdb_leaves_nothing(
        self, tmpfs: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cluster, "NEEDED_BYTES", 1)
        place = tmpfs("8m")
        with pytest.raises(StandinError, match="disk is full: 8 MB are free"):
            postgres.start(place / "warehouse")
        assert [path.name for path in (place / "warehouse").iterdir()] == ["lock"]

    def test_full_at_a_later_start(self, tmpfs: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cluster, "NEEDED_BYTES", 1)
        place = tmpfs("64m")
        folder = place / "warehouse"
        server = postgres.start(folder)
        postgres.stop(folder)
        ballast = place / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"\0" * 4096)
        with pytest.raises(StandinError, match="disk is full: 0 MB are free"):
            postgres.start(folder, server.port)
        ballast.unlink()
        assert postgres.start(folder, server.port).databases()
        postgres.stop(folder)


AsUser = Callable[[int, Callable[[], str]], str]
NOBODY = 65534


class TestPermission:
    @pytest.fixture
    def place(self, room: Path) -> Path:
        """A folder that everybody can reach."""
        room.chmod(0o755)
        return room

    @pytest.mark.usefixtures("open_binaries")
    def test_an_ordinary_user_runs_a_server(self, place: Path, as_user: AsUser) -> None:
        os.chown(place, NOBODY, NOBODY)

        def start_and_stop() -> str:
            server = postgres.start(place / "warehouse")
            owner = (place / "warehouse" / "data").stat().st_uid
            return f"{owner} {postgres.running(place / 'warehouse') == server} {postgres.stop(place / 'warehouse')}"

        assert as_user(NOBODY, start_and_stop) == f"{NOBODY} True True"

    def test_none_to_make_the_folder(self, place: Path, as_user: AsUser) -> None:
        text = as_user(NOBODY, lambda: str(postgres.start(place / "a" / "warehouse")))
        assert text.startswith(f"StandinError: No permission to make {place}/a/warehouse: {place} belongs to root")
        assert "MAJAKKA_HOME" in text

    def test_none_to_write_to_the_own_folder(self, place: Path, as_user: AsUser) -> None:
        (place / "warehouse").mkdir()
        os.chown(place / "warehouse", NOBODY, NOBODY)
        (place / "warehouse").chmod(0o500)
        text = as_user(NOBODY, lambda: str(postgres.start(place / "warehouse")))
        assert text.startswith(f"StandinError: No permission to write to {place}/warehouse.")
        assert "chmod u+rwx" in text

    def test_none_to_use_or_stop_what_root_made(self, place: Path, as_user: AsUser) -> None:
        server = postgres.start(place / "warehouse")
        try:
            text = as_user(NOBODY, lambda: str(postgres.start(place / "warehouse")))
            assert f"{place}/warehouse belongs to root, and this is nobody. Run the command as root" in text
            for function in (postgres.stop, postgres.running):
                text = as_user(NOBODY, lambda function=function: str(function(place / "warehouse")))
                assert text.startswith(f"StandinError: {place}/warehouse belongs to root")
            assert postgres.running(place / "warehouse") == server
        finally:
            postgres.stop(place / "warehouse")

    def test_root_leaves_a_users_folder_alone(self, place: Path, as_user: AsUser) -> None:
        (place / "warehouse").mkdir()
        os.chown(place / "warehouse", 12345, 12345)
        with pytest.raises(StandinError, match="belongs to uid 12345, and this is root"):
            postgres.start(place / "warehouse")


def test_a_wheel_for_another_platform_is_told(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("initdb", "postgres", "psql"):
        (tmp_path / name).write_bytes(b"\xcf\xfa\xed\xfe not for this machine")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(postgres, "find_binaries", lambda: tmp_path)
    account = Account(os.geteuid(), os.getegid())
    assert account.can_run(tmp_path, tmp_path) is not None
    with pytest.raises(StandinError, match=r"(do not run for|neither way around works)"):
        postgres.start(folder)
