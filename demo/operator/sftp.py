"""The billing system's SFTP server: one user, one folder, nothing that writes."""

from __future__ import annotations

import asyncio
import hmac
import os
import shutil
import threading
from typing import TYPE_CHECKING

import asyncssh

from demo.operator.settings import LOOPBACK

if TYPE_CHECKING:
    from pathlib import Path


class _ReadOnly(asyncssh.SFTPServer):
    """Serves below a root, and refuses whatever would change it."""

    def __init__(self, chan: asyncssh.SSHServerChannel[bytes], root: bytes) -> None:
        super().__init__(chan, chroot=root)

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        """Open to read only."""
        if pflags & (asyncssh.FXF_WRITE | asyncssh.FXF_APPEND | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC):
            self._refuse()
        return super().open(path, pflags, attrs)

    def open56(self, path: bytes, desired_access: int, flags: int, attrs: asyncssh.SFTPAttrs) -> object:
        """The same in the later protocol, which no client of ours speaks."""
        raise asyncssh.SFTPOpUnsupported("this server speaks SFTP version 3")

    def _refuse(self, *_: object) -> None:
        raise asyncssh.SFTPPermissionDenied("this server is for reading")

    write = setstat = lsetstat = fsetstat = _refuse  # type: ignore[assignment]
    remove = mkdir = rmdir = rename = posix_rename = symlink = link = _refuse  # type: ignore[assignment]


class _Login(asyncssh.SSHServer):
    def __init__(self, username: str, password: str) -> None:
        self.username = username
        self.password = password

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return hmac.compare_digest(username.encode(), self.username.encode()) and hmac.compare_digest(
            password.encode(), self.password.encode()
        )


class SftpServer:
    """Serves `<folder>/served` in a thread of its own.

    The root is built anew at every start from the deliveries of the mornings that have come, so that a crash in
    the middle of `bring` leaves nothing behind.
    """

    def __init__(self, folder: Path, credentials: dict[str, str], morning: int) -> None:
        self.folder = folder
        self.credentials = credentials
        self.root = folder / "served"
        if self.root.exists():
            shutil.rmtree(self.root)
        for number in range(1, morning + 1):
            self.bring(number)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sftp", daemon=True)
        self._server: asyncssh.SSHAcceptor | None = None

    def bring(self, morning: int) -> None:
        """Let a morning's files appear, each whole at once, with its time of modification."""
        delivered = self.folder / f"sftp-{morning}"
        for source in sorted(path for path in delivered.rglob("*") if path.is_file()):
            target = self.root / source.relative_to(delivered)
            target.parent.mkdir(parents=True, exist_ok=True)
            arriving = self.folder / "arriving"
            arriving.unlink(missing_ok=True)
            os.link(source, arriving)
            arriving.replace(target)
            # Replacing a link by another to the same file leaves both.
            arriving.unlink(missing_ok=True)

    def start(self, port: int) -> int:
        """Listen; gives the port. Raises OSError if it is taken."""
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(port), self._loop).result(15)
        return int(self._server.get_port())

    async def _listen(self, port: int) -> asyncssh.SSHAcceptor:
        root = str(self.root).encode()
        return await asyncssh.listen(
            LOOPBACK,
            port,
            server_host_keys=[str(self.folder / "host_key")],
            server_factory=lambda: _Login(self.credentials["billing_username"], self.credentials["billing_password"]),
            sftp_factory=lambda channel: _ReadOnly(channel, root),
            allow_scp=False,
        )

    def stop(self) -> None:
        """Close the listener and every connection."""
        if self._server is not None:
            self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
