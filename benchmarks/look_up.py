"""A client that opens a catalogue and looks up the layers of a month under a small region."""

import json
import os
import sys
import time


def main() -> None:
    """A job in, numbers out."""
    job = json.load(sys.stdin)
    os.environ["SSL_CERT_FILE"] = job["ca"]
    start = time.perf_counter()
    import shoestring

    with shoestring.open(job["url"]) as catalogue:
        collection = catalogue["s2"]
        west, south, east, north = collection.extent
        middle = (west + east) / 2, (south + north) / 2
        roi = (*middle, middle[0] + 1e-4, middle[1] + 1e-4)
        plan = collection.explain(
            None, roi, dates=(f"{job['month']}-01", f"{job['month']}-28"), masked=False
        )
        layers = len(plan.dates) * len(collection.bands)
    print(json.dumps({"seconds": time.perf_counter() - start, "layers": layers}))


if __name__ == "__main__":
    main()
