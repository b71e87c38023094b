"""A real Apache over a folder, run by the configuration that we ship."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.server import DEADLINE, edit, listens, wait_for
from support.tls import PrivateCa
from support.tools import free_port, require_tool

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "servers" / "apache.conf"
MODULES = Path("/usr/lib/apache2/modules")
"""Debian's place."""

_LOADED = (
    "mpm_event", "authz_core", "filter", "mime", "socache_shmcb",
    "ssl", "http2", "headers", "deflate", "alias", "setenvif",
)  # fmt: skip

_MAIN = """\
ServerRoot "{prefix}"
DefaultRuntimeDir "{prefix}"
PidFile "{prefix}/pid"
ErrorLog "{prefix}/error.log"
TypesConfig /dev/null
User www-data
Group www-data
Listen 127.0.0.1:{http}
Listen 127.0.0.1:{https}
ServerName localhost
<Directory />
    Require all denied
</Directory>
Include "{prefix}/site.conf"
"""


@contextmanager
def apache(folder: Path, ca: PrivateCa) -> Iterator[str]:
    """Serve a folder, which everybody must be able to read; gives ``https://127.0.0.1:PORT``."""
    program, http, https = require_tool("apache2"), free_port(), free_port()
    changes = {
        "Define SHOESTRING_NAME  example.org": "Define SHOESTRING_NAME localhost",
        "/srv/shoestring/site": f'"{folder}"',
        "/etc/ssl/certs/example.org.pem": f'"{ca.cert}"',
        "/etc/ssl/private/example.org.key": f'"{ca.key}"',
        "<VirtualHost *:80>": f"<VirtualHost 127.0.0.1:{http}>",
        "<VirtualHost *:443>": f"<VirtualHost 127.0.0.1:{https}>",
    }
    with tempfile.TemporaryDirectory(prefix="apache-", ignore_cleanup_errors=True) as prefix:
        modules = "".join(f"LoadModule {m}_module {MODULES}/mod_{m}.so\n" for m in _LOADED)
        main = modules + _MAIN.format(prefix=prefix, http=http, https=https)
        Path(prefix, "main.conf").write_text(main, encoding="utf-8")
        site = edit(EXAMPLE.read_text(encoding="utf-8"), changes)
        Path(prefix, "site.conf").write_text(site, encoding="utf-8")
        command = [program, "-f", f"{prefix}/main.conf", "-DFOREGROUND"]
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
        try:
            wait_for(lambda: process.poll() is not None or listens(https))
            if process.poll() is not None:
                raise RuntimeError(f"apache2 did not start: {process.communicate()[1].decode()}")
            yield f"https://127.0.0.1:{https}"
        finally:
            process.terminate()
            process.communicate(timeout=DEADLINE)
