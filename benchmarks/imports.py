"""What importing costs, each in a fresh interpreter: ours, and the libraries below it."""

import statistics
import subprocess
import sys
from datetime import date
from pathlib import Path

RUNS = 9
CASES = {
    "nothing": "pass",
    "shoestring": "import shoestring",
    "numpy, rasterio, aiohttp": "import numpy, rasterio, aiohttp",
    "shoestring, all public names": "import shoestring\nfor name in shoestring.__all__: getattr(shoestring, name)",
}


def main() -> None:
    """Measure in turn, print a table of medians, keep it in results/."""
    seconds: dict[str, list[float]] = {case: [] for case in CASES}
    for _ in range(RUNS):
        for case, code in CASES.items():
            script = f"import time\nbegan = time.perf_counter()\n{code}\nprint(time.perf_counter() - began)"
            done = subprocess.run(
                [sys.executable, "-c", script], capture_output=True, text=True, check=True
            )
            seconds[case].append(float(done.stdout))
    median = {case: statistics.median(values) for case, values in seconds.items()}
    below = median["numpy, rasterio, aiohttp"]
    rows = [f"| {case} | {value:.3f} | {value / below:.2f} |" for case, value in median.items()]
    head = f"{date.today()}, Python {sys.version.split()[0]}; medians of {RUNS} runs"
    text = "\n".join(
        ["## Imports", "", head, "", "| | seconds | x below |", "|---|---|---|", *rows, ""]
    )
    print(text)
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    (results / "imports.md").write_text(text)


if __name__ == "__main__":
    main()
