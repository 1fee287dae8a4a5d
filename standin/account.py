"""As whom Postgres runs. It refuses to run as root, and continuous integration is root more often than not.

An ordinary user simply runs it. For root there are two ways, tried in this order:

1. as the system user `pgserver`, made if absent, who owns the data folder;
2. where a folder on the way is closed to that user (a clone below /root, a temporary folder with mode 0700): in a user
   namespace that calls root by another name. To the kernel the process still is root without privileges, so root's
   own files stay open to it; Postgres sees a user who is not root.

No permission of a folder that is not ours is ever changed.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from standin.errors import StandinError
from standin.processes import user_name

SYSTEM_USER = "pgserver"


@dataclass(frozen=True)
class Account:
    """Who owns the data folder and how a program is started as that owner."""

    uid: int
    gid: int
    switches: bool = False
    prefix: tuple[str, ...] = ()

    def spawn(
        self, arguments: list[str], output: IO[bytes] | int, keep: tuple[int, ...] = ()
    ) -> subprocess.Popen[bytes]:
        """Start a program as this account, out of reach of the terminal's Ctrl-C.

        `output` takes both of its streams, `keep` are file descriptors that it inherits. The environment is bare: PG*
        variables of the caller must not steer the server.
        """
        return subprocess.Popen(
            [*self.prefix, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            cwd="/",
            start_new_session=True,
            pass_fds=keep,
            user=self.uid if self.switches else None,
            group=self.gid if self.switches else None,
            extra_groups=[] if self.switches else None,
        )

    def take(self, path: Path) -> None:
        """Make this account the owner of the path and of all below it; nothing happens if it owns the path already."""
        if path.lstat().st_uid == self.uid:
            return
        for folder, _, files in os.walk(path):
            for file in files:
                os.chown(Path(folder) / file, self.uid, self.gid, follow_symlinks=False)
        # the top goes last: after a kill half way it still tells that work is left
        for folder, _, _ in os.walk(path, topdown=False):
            os.chown(folder, self.uid, self.gid)
        if not path.is_dir():
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def can_run(self, binaries: Path, folder: Path) -> str | None:
        """None if this account can run Postgres and enter the folder, else what stood in the way."""
        # through a shell, because only the account itself can tell whether it may enter the folder
        script = 'cd "$1" && exec "$2" --version'
        try:
            probe = self.spawn(
                ["/bin/sh", "-c", script, "sh", str(folder), str(binaries / "postgres")], subprocess.PIPE
            )
        except OSError as error:
            return str(error)
        text = probe.communicate()[0].decode(errors="replace").strip()
        return None if probe.returncode == 0 else text or f"exit code {probe.returncode}"


def choose_account(binaries: Path, folder: Path) -> Account:
    """The account that can run the binaries and work in the (existing) folder.

    Raises `StandinError` when nobody can: the binaries do not run on this platform, or both of root's ways are barred.
    """
    if os.geteuid() != 0:
        own = Account(os.geteuid(), os.getegid())
        if obstacle := own.can_run(binaries, folder):
            raise StandinError(_does_not_run(binaries, obstacle))
        return own
    reasons = []
    for account, problem in (_system_user(), _namespace()):
        obstacle = problem if account is None else account.can_run(binaries, folder)
        if account is not None and obstacle is None:
            return account
        reasons.append(obstacle)
    closed = _closed_folder(binaries) or _closed_folder(folder)
    if closed is None:
        raise StandinError(_does_not_run(binaries, "; ".join(filter(None, reasons))))
    raise StandinError(
        f"Postgres does not run as root, and neither way around works here. As the user {SYSTEM_USER}: {reasons[0]}; "
        f"the first folder that is closed to other users is {closed}. In a user namespace: {reasons[1]}. Run as an "
        f"ordinary user, or move the project (for its data alone: set MAJAKKA_HOME) to a folder that others may enter, "
        f"or open that one with `chmod o+x {closed}`."
    )


def permitted_owners() -> set[int]:
    """The owners of data folders that this process may use: root also has its system user."""
    owners = {os.geteuid()}
    if os.geteuid() == 0 and (entry := _lookup(SYSTEM_USER)):
        owners.add(entry.pw_uid)
    return owners


def _does_not_run(binaries: Path, obstacle: str) -> str:
    return (
        f"The PostgreSQL programs in {binaries} do not run for {user_name(os.geteuid())}: {obstacle}. If that is about "
        "permissions, let this user read the Python environment; else the wheel is built for another platform, and "
        "installing the project's locked requirements again helps."
    )


def _lookup(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _system_user() -> tuple[Account | None, str | None]:
    entry = _lookup(SYSTEM_USER)
    if entry is None:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
        program = shutil.which(command[0], path="/usr/sbin:/sbin:" + os.environ.get("PATH", os.defpath))
        if program is None:
            return None, "it does not exist, and there is no useradd to make it"
        made = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False)
        entry = _lookup(SYSTEM_USER)
        # two first starts at once: the other one made it
        if entry is None:
            return None, f"it could not be made ({made.stderr.strip()})"
    return Account(entry.pw_uid, entry.pw_gid, switches=True), None


def _namespace() -> tuple[Account | None, str | None]:
    program = shutil.which("unshare")
    nobody = _lookup("nobody")
    if program is None or nobody is None:
        return None, "there is no program unshare" if program is None else "there is no user nobody to map to"
    prefix = (program, "--user", f"--map-user={nobody.pw_uid}", f"--map-group={nobody.pw_gid}")
    return Account(0, 0, prefix=prefix), None


def _closed_folder(path: Path) -> Path | None:
    """The first folder from the root down that other users may not enter, going by its mode."""
    resolved = path.resolve()
    for folder in (*reversed(resolved.parents), resolved):
        if not folder.stat().st_mode & 0o001:
            return folder
    return None
