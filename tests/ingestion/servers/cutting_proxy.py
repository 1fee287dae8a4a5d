"""A TCP proxy that cuts connections at chosen bytes."""

import socket
import threading
from collections import deque
from contextlib import suppress


class CuttingProxy:
    """Stands before a server on loopback. The n-th connection breaks after as many bytes from the server as the n-th
    cut says; a cut of None, and the end of the list, let a connection be.
    """

    def __init__(self, port, cuts=()):
        self.target = port
        self.cuts = deque(cuts)
        self.connections = 0
        self.broken = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            cut = self.cuts.popleft() if self.cuts else None
            server = socket.create_connection(("127.0.0.1", self.target))
            for end in (client, server):
                # small packets wait for nobody's acknowledgement
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._pump, args=(client, server, None), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, cut), daemon=True).start()

    def _pump(self, source, sink, cut):
        passed = 0
        try:
            while chunk := source.recv(65536):
                if cut is not None and passed + len(chunk) >= cut:
                    sink.sendall(chunk[: cut - passed])
                    self.broken += 1
                    break
                sink.sendall(chunk)
                passed += len(chunk)
        except OSError:
            pass
        for end in (source, sink):
            # at once for both sides, whoever else still holds the socket
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
