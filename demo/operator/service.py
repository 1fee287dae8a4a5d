"""One process that is the whole operator: HTTP, SFTP and AWS on loopback."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import signal
import socket
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, jsonify
from werkzeug.serving import make_server

from demo.operator.generate import read_settings
from demo.operator.settings import LOOPBACK, OperatorError, OperatorSettings, Ports
from demo.operator.sftp import SftpServer
from demo.operator.soap import crm
from demo.operator.tmf import PATHS, collections

if TYPE_CHECKING:
    from flask import Response


class Service:
    """The running operator. `advance` brings the second morning; which morning it is survives a restart."""

    def __init__(self, folder: Path, settings: OperatorSettings) -> None:
        self.folder = folder
        self.settings = settings
        self.credentials: dict[str, str] = json.loads((folder / "credentials.json").read_text())
        self.morning = int((folder / "morning").read_text())
        self.sftp = SftpServer(folder, self.credentials, self.morning)
        # moto takes most of the start: a taken port is told before.
        from demo.operator.aws import Aws

        self.aws = Aws(folder, self.credentials)
        self._advancing = threading.Lock()

    def app(self) -> Flask:
        """The HTTP side: CRM, catalogue, orders and the control endpoint."""
        app = Flask(__name__)
        app.register_blueprint(crm(self.folder, self.credentials, lambda: self.settings.morning(self.morning)))
        for system in PATHS:
            token = self.credentials[f"{system}_token"]
            app.register_blueprint(collections(system, self.folder, token, lambda: self.morning))

        @app.get("/_demo/health")
        def health() -> Response:
            return jsonify(
                morning=self.morning,
                settings=self.settings.as_json(),
                folder=str(self.folder),
                pid=os.getpid(),
            )

        @app.post("/_demo/advance")
        def advance() -> Response:
            return jsonify(morning=self.advance())

        return app

    def advance(self) -> int:
        """Bring the second morning, if it has not come; gives the morning it is now.

        The morning is written down after everything has arrived: an operator that dies in between starts again on
        the first morning, without what had come, and the next `advance` brings the same once more.
        """
        with self._advancing:
            if self.morning == 1:
                self.sftp.bring(2)
                self.aws.bring(2)
                _write(self.folder / "morning", "2\n")
                self.morning = 2
            return self.morning


def serve(folder: Path, ports: Ports) -> None:
    """Serve a generated folder until SIGTERM or SIGINT. Raises `OperatorError` if it cannot."""
    folder = folder.absolute()
    settings = read_settings(folder)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    _lock(folder)
    with ExitStack() as running:
        endpoints = folder / "endpoints.json"
        endpoints.unlink(missing_ok=True)
        for port in ports:
            _check_free(port)
        service = Service(folder, settings)
        server = make_server(LOOPBACK, ports.http, service.app(), threaded=True)
        running.callback(server.server_close)
        running.callback(service.sftp.stop)
        running.callback(service.aws.stop)
        found = Ports(
            server.server_port,
            service.sftp.start(ports.sftp),
            service.aws.start(ports.aws, service.morning),
        )
        template = (folder / "known_hosts.template").read_text()
        _write(folder / "known_hosts", template.format(host=LOOPBACK, port=found.sftp))
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="http", daemon=True)
        thread.start()
        running.callback(server.shutdown)
        _write(endpoints, json.dumps({**found._asdict(), "pid": os.getpid()}) + "\n")
        running.callback(endpoints.unlink, missing_ok=True)
        print(
            f"operator of {settings.customers} customers, morning {service.morning}: HTTP {found.http}, "
            f"SFTP {found.sftp}, AWS {found.aws} on {LOOPBACK}",
            flush=True,
        )
        stopped.wait()


def lock_file(folder: Path) -> Path:
    """Locked by the process that serves the folder, as long as it lives; holds its process number."""
    return folder / "operator.lock"


def _lock(folder: Path) -> None:
    """Hold the folder's lock until the end of the process: whoever finds it free knows that nobody is left."""
    # a bare descriptor, which nothing closes before the kernel does
    descriptor = os.open(lock_file(folder), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise OperatorError(f"another process already serves {folder}: stop it first (make down)") from error
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())


def _check_free(port: int) -> None:
    """Raise `OperatorError` if somebody listens on the port; 0 is always free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise OperatorError(
                f"port {port} on {LOOPBACK} cannot be used ({error.strerror}): stop what listens there, or set "
                "MAJAKKA_OPERATOR_PORT to the first of three free ports (0: any)"
            ) from error


def _write(path: Path, text: str) -> None:
    """Replace a file at once."""
    arriving = path.with_name(f"{path.name}.new")
    arriving.write_text(text)
    arriving.replace(path)
