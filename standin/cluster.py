"""The folder of a server: made at once or not at all, and looked at before it is used.

In it:

    data                 the Postgres data folder; it is there complete, or it is not there
    superuser.password   the random password of the superuser, mode 0600
    postgres.log         what the server said since its last start (postgres.log.1: before that)
    lock                 held while somebody starts or stops the server
    init-*               a data folder being made; the leftover of a killed one goes at the next start
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from standin.account import permitted_owners
from standin.binaries import MAJOR_VERSION
from standin.errors import StandinError
from standin.processes import user_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from standin.account import Account

SUPERUSER = "postgres"
# An abstract name: no file, and nothing is left behind. The Redshift face saves both sides a tenth of their work by it.
SOCKETS = "@majakka" if sys.platform == "linux" else ""
# measured: 39 MB after initdb, 8 MB for each database, 16 MB for the next segment of the log, and room to work
NEEDED_BYTES = 100_000_000
SCRAM_ITERATIONS = 1
_LOCK_SECONDS = 60
_ESSENTIALS = ("base", "global/pg_control", "pg_hba.conf", "pg_wal")
_DAMAGE = ("PANIC", "checkpoint record", "invalid magic number", "could not read file", "could not open file")
_AGAIN = "Remove it with `make clean` and start again; the local warehouse is rebuilt from its sources by `make demo`."
_ELSEWHERE = "set MAJAKKA_HOME to a folder of your own"


def data_folder(folder: Path) -> Path:
    """Where Postgres' own files are."""
    return folder / "data"


def log_file(folder: Path) -> Path:
    """What the server said since its last start."""
    return folder / "postgres.log"


def superuser_password(folder: Path) -> str:
    """The random password, as text. Raises `StandinError` when the file is gone or closed to this user."""
    file = folder / "superuser.password"
    try:
        return file.read_text().strip()
    except FileNotFoundError as error:
        raise StandinError(
            f"{file} is missing, and nobody can be superuser of that server without it. {_AGAIN}"
        ) from error
    except PermissionError as error:
        raise StandinError(_not_ours(folder)) from error


def prepare_folder(folder: Path) -> None:
    """Make the folder if need be, and raise `StandinError` when this user may not work in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except PermissionError as error:
        parent = next(parent for parent in folder.parents if os.path.lexists(parent))
        raise StandinError(
            f"No permission to make {folder}: {parent} belongs to {user_name(parent.stat().st_uid)}. "
            f"Let yourself write there, or {_ELSEWHERE}."
        ) from error
    except (FileExistsError, NotADirectoryError) as error:
        raise StandinError(
            f"{error.filename} is in the way: it is a file, not a folder. Remove it, or {_ELSEWHERE}."
        ) from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise no_space(folder.parent) from error
        if error.errno == errno.EROFS:
            raise StandinError(f"{folder} cannot be made on a read-only file system: {_ELSEWHERE}.") from error
        raise
    for path in (folder, data_folder(folder)):
        if path.exists() and path.stat().st_uid not in permitted_owners():
            raise StandinError(_not_ours(path))
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise StandinError(
            f"No permission to write to {folder}. Make it writable with `chmod u+rwx {folder}`, or {_ELSEWHERE}."
        )


@contextmanager
def locked(folder: Path) -> Iterator[int]:
    """Hold the folder's lock; yields its descriptor, so that a child may go on holding it when we are killed."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StandinError(
                        f"Another process has been starting or stopping the server in {folder} for "
                        f"{_LOCK_SECONDS} s. Wait for it or end it, then try again."
                    ) from None
                time.sleep(0.02)
        yield descriptor
    finally:
        os.close(descriptor)


def is_made(folder: Path) -> bool:
    """Whether the data folder is there. Raises `StandinError` when it is there but no complete one of our version."""
    data = data_folder(folder)
    if not os.path.lexists(data):
        return False
    version_file = data / "PG_VERSION"
    version = version_file.read_text().strip() if version_file.is_file() else ""
    files = {"PG_VERSION": bool(version)} | {name: (data / name).exists() for name in _ESSENTIALS}
    missing = [name for name, present in files.items() if not present]
    if missing:
        raise StandinError(f"{data} is no complete Postgres data folder: {', '.join(missing)} missing. {_AGAIN}")
    if version != str(MAJOR_VERSION):
        raise StandinError(f"{data} was made by PostgreSQL {version}, and this is PostgreSQL {MAJOR_VERSION}. {_AGAIN}")
    return True


def make_cluster(folder: Path, binaries: Path, account: Account, lock: int) -> None:
    """Make the data folder with a random superuser password. Needs the lock, whose descriptor initdb inherits.

    Killed at any line, it leaves an `init-*` folder at worst: the finished data folder is moved into place in one step,
    after its password. An initdb that outlives us keeps the lock, so nobody clears the folder under its feet.
    """
    remove_leftovers(folder)
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise no_space(folder)
    made = Path(tempfile.mkdtemp(prefix="init-", dir=folder))
    try:
        password = made / "password"
        password.touch(0o600)
        password.write_text(secrets.token_urlsafe(24) + "\n")
        account.take(made)
        initdb = account.spawn(
            [
                str(binaries / "initdb"),
                f"--pgdata={made / 'data'}",
                f"--username={SUPERUSER}",
                f"--pwfile={password}",
                f"--set=scram_iterations={SCRAM_ITERATIONS}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                # by code point, as Redshift compares; builtin: the same on every machine
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--no-data-checksums",
                "--no-instructions",
                "--no-sync",
            ],
            subprocess.PIPE,
            keep=(lock,),
        )
        text = _output_of(initdb)
        if initdb.returncode != 0:
            if "No space left on device" in text:
                raise no_space(folder)
            raise StandinError(f"initdb could not make {data_folder(folder)}. It said:\n{_tail(text)}")
        os.chown(password, os.geteuid(), os.getegid())
        password.replace(folder / "superuser.password")
        (made / "data").rename(data_folder(folder))
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise no_space(folder) from error
        raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what killed starts left half made. Needs the lock."""
    for leftover in folder.glob("init-*"):
        shutil.rmtree(leftover)


def configure(folder: Path, account: Account, port: int) -> None:
    """Write postgresql.conf anew, so that an old folder gets today's settings. `alter system` still beats it."""
    file = data_folder(folder) / "postgresql.conf"
    text = _settings(port, "clone" if _can_clone(folder) else "copy")
    if file.exists() and file.read_text() == text:
        return
    fresh = file.with_suffix(".conf.new")
    fresh.write_text(text)
    account.take(fresh)
    fresh.replace(file)


def no_space(folder: Path) -> StandinError:
    """The error for a full disk."""
    usage = shutil.disk_usage(folder)
    return StandinError(
        f"The disk is full: {usage.free // 1_000_000} MB are free at {folder}, and the server needs about "
        f"{NEEDED_BYTES // 1_000_000} MB to begin with. Make room, or set MAJAKKA_HOME to a folder on a larger disk "
        "(for tests: TMPDIR)."
    )


def why_not_started(folder: Path, log: str) -> StandinError:
    """The error for a server that ended while starting, told from its log."""
    if "No space left on device" in log:
        return no_space(folder)
    text = f"Postgres did not start in {data_folder(folder)}. "
    if any(sign in log for sign in _DAMAGE):
        text += (
            f"Its files look damaged: this server trades safety for speed and does not survive a power cut. {_AGAIN} "
        )
    return StandinError(f"{text}The end of {log_file(folder)}:\n{_tail(log)}")


def _output_of(process: subprocess.Popen[bytes]) -> str:
    try:
        output: bytes = process.communicate()[0]
    except BaseException:
        # Ctrl-C: initdb and the servers that it runs are in a session of their own and would go on
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    return output.decode(errors="replace")


def _tail(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines()[-12:])


def _not_ours(path: Path) -> str:
    owner = user_name(path.stat().st_uid)
    return (
        f"{path} belongs to {owner}, and this is {user_name(os.geteuid())}. Run the command as {owner}, or have "
        f"{owner} remove the folder, or {_ELSEWHERE}."
    )


def _can_clone(folder: Path) -> bool:
    """Whether the kernel copies files by itself here: twice as fast, and free where the file system shares blocks."""
    if not hasattr(os, "copy_file_range"):
        return False
    with _scratch(folder) as source, _scratch(folder) as target:
        source.write(b"x")
        source.flush()
        try:
            return os.copy_file_range(source.fileno(), target.fileno(), 1, 0) == 1
        except OSError:
            return False


def _scratch(folder: Path) -> IO[bytes]:
    return tempfile.TemporaryFile(dir=folder)


def _settings(port: int, file_copy_method: str) -> str:
    return f"""\
# Written by standin at every start: changes here are lost. Use `alter system`.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{SOCKETS}'
# more than Redshift gives to its users, which is 500
max_connections = 600

# Fast and unsafe: a power cut may cost the whole folder. A killed server loses nothing that was committed, as long
# as commits wait for the log to be written; without fsync that wait is too short to measure.
fsync = off
synchronous_commit = on
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
checkpoint_timeout = 30min
file_copy_method = {file_copy_method}

# In the data folder and not in /dev/shm, which is 64 MB in a container and keeps what a killed server leaves.
dynamic_shared_memory_type = mmap
shared_buffers = 512MB
work_mem = 32MB
maintenance_work_mem = 128MB
max_locks_per_transaction = 128
# The data is in memory or near it, and a page is as near as the next one.
random_page_cost = 1.1
# Every table is analyzed as it is written: a thirtieth of a build at this target, an eighth at the default of 100.
default_statistics_target = 20
# Compiling pays on queries of seconds; tests and demos ask for milliseconds.
jit = off
# Tables are loaded and read within seconds: statistics must follow.
autovacuum_naptime = 10s
autovacuum_vacuum_cost_delay = 0

# dbt connects anew for each model and test, and 4096 rounds are half of what a connection takes. They slow down who
# guesses passwords from a stolen catalogue: the random ones nobody guesses, and the one of `make up` is in the docs.
scram_iterations = {SCRAM_ITERATIONS}

timezone = 'UTC'
log_timezone = 'UTC'
datestyle = 'iso, mdy'
default_text_search_config = 'pg_catalog.simple'
lc_messages = 'C'
log_checkpoints = off
log_line_prefix = '%m [%p] %q%u@%d '
"""
