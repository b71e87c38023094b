"""One cache, sixteen processes, and kill -9."""

import os
import signal
import sqlite3
from pathlib import Path

import pytest

from shoestring.cache_store import FILE
from support.instants import INSTANTS
from support.python import python

HAMMER = Path(__file__).parents[1] / "support" / "hammer.py"


@pytest.mark.torture
@pytest.mark.skipif(not hasattr(os, "fork"), reason="This system has no fork.")
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="This system has no SIGKILL.")
@pytest.mark.parametrize("shared", [False, True], ids=["log", "journal"])
def test_killed_processes_never_make_others_read_a_wrong_byte(tmp_path: Path, shared: bool) -> None:
    """Whoever is killed whenever: no wrong byte, no warning, a sound database, below its limit, with hits.

    On a disk that machines share SQLite keeps another journal, which has to hold as well.
    """
    script = HAMMER
    if shared:
        script = tmp_path / "hammer.py"
        script.write_text(
            "import shoestring.cache_store as store\nstore.is_shared = lambda path: True\n"
            + HAMMER.read_text("utf-8"), "utf-8"
        )  # fmt: skip
    ran = python(tmp_path, script, tmp_path / "cache", str(INSTANTS))
    assert ran.code == 0, ran.err
    wrong = tmp_path / "wrong"
    assert not wrong.exists(), wrong.read_text()
    assert int(ran.out) > 20
    database = sqlite3.connect(tmp_path / "cache" / FILE)
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    entries = database.execute("SELECT count(*) FROM entry").fetchone()
    assert entries == database.execute("SELECT count(*) FROM content").fetchone()
    database.close()
    assert (tmp_path / "cache" / FILE).stat().st_size <= 1_500_000
