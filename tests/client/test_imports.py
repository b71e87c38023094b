"""What importing the client costs, and what it makes public."""

import subprocess
import sys
import textwrap
from pathlib import Path

import shoestring
from support.site import simple_site

HEAVY = {"xarray", "pandas", "dask", "rioxarray", "pyogrio", "matplotlib", "shoestring_builder", "shoestring_demo",
         "shoestring_pull", "pystac", "rio_cogeo", "scipy", "geopandas"}  # fmt: skip


def run(script: str, *arguments: str) -> str:
    """Run a script in a fresh interpreter."""
    command = [sys.executable, "-c", textwrap.dedent(script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_importing_it_imports_nothing_heavy() -> None:
    """A bare import loads none of the heavy packages, nor the other half."""
    loaded = run("import shoestring, sys; print(*{name.partition('.')[0] for name in sys.modules})")
    assert HEAVY.isdisjoint(loaded.split())


def test_extracting_imports_nothing_heavy(tmp_path: Path) -> None:
    """Opening and extracting need neither xarray nor pandas, dask or the builder."""
    simple_site(tmp_path, 1)
    script = """
        import shoestring, sys
        with shoestring.open(sys.argv[1]) as catalogue:
            collection = catalogue["fields"]
            stack = collection.extract("B04", (-2.09, 7.232, -2.087, 7.2345))
            repr(stack), stack._repr_html_(), stack.save(sys.argv[2])
        print(*{name.partition('.')[0] for name in sys.modules})
    """
    loaded = run(script, str(tmp_path), str(tmp_path / "out"))
    assert HEAVY.isdisjoint(loaded.split())


def test_all_is_what_is_public() -> None:
    """__all__ names just what can be seen, each can be had, and there are at most a dozen."""
    assert sorted(dir(shoestring)) == sorted(shoestring.__all__)
    assert len(shoestring.__all__) <= 12
    for name in shoestring.__all__:
        assert getattr(shoestring, name).__doc__
    assert not hasattr(shoestring, "nonsense")


def test_the_version_is_that_of_the_distribution() -> None:
    """The package's version is that of what pip installed."""
    from importlib.metadata import version

    assert shoestring.__version__ == version("shoestring")
