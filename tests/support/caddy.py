"""A real Caddy over a folder, run by the configuration that we ship."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.server import DEADLINE, edit, listens, wait_for
from support.tls import PrivateCa
from support.tools import free_port, require_tool

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "servers" / "Caddyfile"

_GLOBAL = "{\n\tadmin off\n\tauto_https disable_redirects\n}\n"


@contextmanager
def caddy(folder: Path, ca: PrivateCa) -> Iterator[str]:
    """Serve a folder; gives ``https://127.0.0.1:PORT``."""
    program, port = require_tool("caddy"), free_port()
    changes = {
        "\nexample.org {": f"\n{_GLOBAL}https://127.0.0.1:{port} {{\n\tbind 127.0.0.1\n",
        "/srv/shoestring/site": f'"{folder}"',
        "# tls /etc/ssl/certs/example.org.pem /etc/ssl/private/example.org.key": (
            f'tls "{ca.cert}" "{ca.key}"'
        ),
    }
    with tempfile.TemporaryDirectory(prefix="caddy-", ignore_cleanup_errors=True) as prefix:
        file = Path(prefix, "Caddyfile")
        file.write_text(edit(EXAMPLE.read_text(encoding="utf-8"), changes), encoding="utf-8")
        home = {"HOME": prefix, "XDG_DATA_HOME": prefix, "XDG_CONFIG_HOME": prefix}
        command = [program, "run", "--config", str(file), "--adapter", "caddyfile"]
        with Path(prefix, "log").open("wb") as log:
            process = subprocess.Popen(command, stderr=log, env={**os.environ, **home})
        try:
            wait_for(lambda: process.poll() is not None or listens(port))
            if process.poll() is not None:
                raise RuntimeError(f"caddy did not start: {Path(prefix, 'log').read_text()}")
            yield f"https://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(DEADLINE)
