"""The demo, run once as a user runs it, for all tests that look at what it left."""

import warnings

import pytest

from support.demo_run import DemoRun
from support.python import python

with warnings.catch_warnings():
    # matplotlib 3.8 uses names that a newer pyparsing calls deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    import matplotlib.backends.backend_agg
    import matplotlib.figure
    import matplotlib.image  # noqa: F401


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    """``shoestring demo "my demo"``: in a folder that has a space in its name."""
    home = tmp_path_factory.mktemp("demo")
    ran = python(home, "-m", "shoestring", "demo", "my demo")
    assert ran.code == 0, ran.err
    return DemoRun(home, home / "my demo", ran)
