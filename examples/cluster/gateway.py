"""Build a site with workers that Dask Gateway starts.

    pip install "shoestring[builder,dask]" dask-gateway
    python gateway.py CONFIG

The gateway's address and how to log in stand in Dask's configuration (``gateway.address``,
``gateway.auth.type``). Its image must hold the same versions, and mount the folders of the sources
and of the site at the paths that they have here.
"""

import sys
from pathlib import Path

from dask_gateway import Gateway

from shoestring_builder.build import build


def main(config: Path) -> int:
    """Build, and tell what was done."""
    with Gateway() as gateway, gateway.new_cluster(shutdown_on_close=True) as cluster:
        cluster.adapt(minimum=0, maximum=20)  # no worker on a night without news
        with cluster.get_client(set_as_default=False) as client:
            report = build(config, scheduler=client)
    print(*report.collections, sep="\n")
    for sentence in (*report.left, *report.failed):
        print(sentence, file=sys.stderr)
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
