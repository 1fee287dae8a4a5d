"""An SFTP server over a folder, with a password and a key that lets in."""

import asyncio
import threading

import asyncssh


class SftpFolder:
    """Serves a folder on loopback to the user `reader`."""

    def __init__(self, folder, password):
        self.folder = folder
        self.password = password
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self.client_key = asyncssh.generate_private_key("ssh-ed25519")
        self.forbidden = None
        self._loop = asyncio.new_event_loop()

    def __enter__(self):
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.port = self._server.get_port()
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _listen(self):
        password, authorized = self.password, self.client_key.convert_to_public()

        class Login(asyncssh.SSHServer):
            def password_auth_supported(self):
                return True

            def validate_password(self, username, given):
                return (username, given) == ("reader", password)

            def public_key_auth_supported(self):
                return True

            def validate_public_key(self, username, key):
                return username == "reader" and key == authorized

        served = self

        class Folder(asyncssh.SFTPServer):
            def open(self, path, pflags, attrs):
                if served.forbidden and path.decode().endswith(served.forbidden):
                    raise asyncssh.SFTPPermissionDenied("not for you")
                return super().open(path, pflags, attrs)

        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[self.host_key],
            server_factory=Login,
            sftp_factory=lambda channel: Folder(channel, chroot=str(self.folder).encode()),
        )

    def known_hosts(self, port):
        """The line for a known_hosts file, for whoever listens on that port on the server's behalf."""
        return f"[127.0.0.1]:{port} {self.host_key.export_public_key().decode()}"
