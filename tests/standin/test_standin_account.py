"""As whom Postgres runs when we are root."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from standin import account, postgres
from standin.account import choose_account
from standin.binaries import find_binaries
from standin.errors import StandinError
from standin.settings import temporary_place

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="root's ways need root")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="test-", dir=temporary_place()))
    place.chmod(0o755)
    yield place
    postgres.stop(place)
    shutil.rmtree(place)


@pytest.fixture
def closed_folder(room: Path) -> Path:
    (room / "closed" / "below").mkdir(parents=True)
    (room / "closed").chmod(0o700)
    return room / "closed" / "below"


def owner_of(pid: int | None) -> str:
    return pwd.getpwuid(Path(f"/proc/{pid}").stat().st_uid).pw_name


@pytest.mark.usefixtures("open_binaries")
def test_the_system_user_where_the_way_is_open(open_folder: Path) -> None:
    server = postgres.start(open_folder)
    assert owner_of(server.pid) == "pgserver"
    assert (open_folder / "data").owner() == "pgserver"
    assert open_folder.owner() == "root"
    assert open_folder.stat().st_mode & 0o777 == 0o755
    assert server.databases()


def test_a_namespace_where_it_is_closed(closed_folder: Path) -> None:
    server = postgres.start(closed_folder)
    try:
        assert owner_of(server.pid) == "root"
        assert (closed_folder / "data").owner() == "root"
        assert closed_folder.parent.stat().st_mode & 0o777 == 0o700
        assert server.databases()
    finally:
        assert postgres.stop(closed_folder)


@pytest.mark.usefixtures("open_binaries")
def test_a_folder_moves_from_one_to_the_other(open_folder: Path) -> None:
    postgres.start(open_folder).create_database("kept")
    postgres.stop(open_folder)
    for mode, owner in ((0o700, "root"), (0o755, "pgserver")):
        open_folder.chmod(mode)
        server = postgres.start(open_folder)
        assert owner_of(server.pid) == owner
        assert {path.owner() for path in (open_folder / "data").rglob("*")} == {owner}
        assert "kept" in server.databases()
        postgres.stop(open_folder)


def test_neither_names_the_first_closed_folder(closed_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account.shutil, "which", lambda program, **options: None)
    binaries = find_binaries()
    # the programs come first: without them there is nothing to run in the folder
    first = next(
        path for path in (*reversed(binaries.parents), *reversed(closed_folder.parents)) if not path.stat().st_mode & 1
    )
    with pytest.raises(
        StandinError, match=f"closed to other users is {first}\\..*no program unshare.*chmod o.x {first}"
    ):
        choose_account(binaries, closed_folder)


def test_a_namespace_that_the_kernel_forbids_is_told(
    closed_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbidding = tmp_path / "unshare"
    forbidding.write_text("#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2\nexit 1\n")
    forbidding.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(StandinError, match="In a user namespace: unshare: unshare failed: Operation not permitted"):
        choose_account(find_binaries(), closed_folder)


def test_without_a_way_to_make_the_system_user(closed_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "SYSTEM_USER", "pgserver-that-is-not")
    monkeypatch.setattr(account.shutil, "which", lambda program, **options: None)
    with pytest.raises(StandinError, match=r"As the user pgserver-that-is-not: .*no useradd to make it"):
        choose_account(find_binaries(), closed_folder)
