"""A server on loopback that speaks the protocol of Google Cloud Storage."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import s3


@contextlib.contextmanager
def emulator(bucket: str) -> Iterator[str]:
    """Yield HOST:PORT of a server that speaks Google's protocol, with one bucket.

    It is a process of its own: pyarrow closes objects without giving other threads of Python their turn.
    """
    port = s3.free_port()
    command = [sys.executable, "-m", "gcp_storage_emulator", "start", "--quiet", "--in-memory"]
    command += ["--host", s3.HOST, "--port", str(port), "--default-bucket", bucket]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=s3.clean()) as server:
        try:
            for _ in range(10 * s3.PATIENCE):
                assert server.poll() is None, "the emulator does not start"
                with contextlib.suppress(OSError), socket.create_connection((s3.HOST, port), 1):
                    break
                time.sleep(0.1)
            yield f"{s3.HOST}:{port}"
        finally:
            server.terminate()
