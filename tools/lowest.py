"""Print the lower bounds that pyproject.toml states, as pip constraints.

python tools/lowest.py > lowest.txt
pip install -c lowest.txt -e '.[dev]'
"""

import re
import tomllib
from pathlib import Path


def lowest(pyproject: str) -> list[str]:
    """``name==bound`` for each requirement with a lower bound, sorted."""
    project = tomllib.loads(pyproject)["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    found = (
        re.match(r"([A-Za-z0-9._-]+)(?:\[.*\])?>=([0-9.]+)$", text)
        for group in groups
        for text in group
    )
    return sorted({f"{match[1]}=={match[2]}" for match in found if match})


if __name__ == "__main__":
    print("\n".join(lowest((Path(__file__).parents[1] / "pyproject.toml").read_text())))
