"""Write constraints.txt: the versions that CI uses, from two environments.

    python tools/pin.py .venv/bin/python .venv-newest/bin/python > constraints.txt

What differs between them (a package's last release for the older Python) gets
an environment marker. No addresses: names and versions only.
"""

import json
import subprocess
import sys


def installed(python: str) -> tuple[str, dict[str, str]]:
    """The environment's Python version and its packages, but for ours."""
    version = subprocess.check_output(
        [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], text=True
    ).strip()
    listing = subprocess.check_output([python, "-m", "pip", "list", "--format=json"], text=True)
    packages = {entry["name"].lower(): entry["version"] for entry in json.loads(listing)}
    return version, {name: packages[name] for name in packages if name not in {"shoestring", "pip"}}


def pins(older: dict[str, str], newer: dict[str, str], newer_version: str) -> list[str]:
    """One line for each package, two where the versions differ."""
    lines = []
    for name in sorted(older | newer):
        if older.get(name, newer.get(name)) == newer.get(name, older.get(name)):
            lines.append(f"{name}=={older.get(name) or newer[name]}")
        else:
            lines.append(f'{name}=={older[name]}; python_version < "{newer_version}"')
            lines.append(f'{name}=={newer[name]}; python_version >= "{newer_version}"')
    return lines


if __name__ == "__main__":
    _, old = installed(sys.argv[1])
    _, new = installed(sys.argv[2])
    print("# Versions that CI uses; made by tools/pin.py.")
    print("\n".join(pins(old, new, "3.12")))
