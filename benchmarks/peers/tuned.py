"""GDAL and obstore at their best for reads of one pass, for the peers that stand on them."""

import os
from pathlib import Path
from typing import Any

Job = dict[str, Any]


def tune_gdal(job: Job) -> None:
    """Set GDAL's options in the environment, where every thread of every tool finds them."""
    options = {
        "GDAL_CURL_CA_BUNDLE": job["ca"],
        "CURL_CA_BUNDLE": job["ca"],
        "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
        "GDAL_PAM_ENABLED": "NO",
        "GDAL_HTTP_VERSION": "2TLS",
        "GDAL_INGESTED_BYTES_AT_OPEN": max(16384, job["header"]),
        "GDAL_HTTP_MAX_RETRY": 3,
        "GDAL_HTTP_RETRY_DELAY": 0.5,
        "GDAL_HTTP_RETRY_CODES": "429,500,502,503,504",
        "CPL_VSIL_CURL_CACHE_SIZE": 256 * 2**20,
        "VSI_CACHE": "FALSE",
        "GDAL_NUM_THREADS": 1,
    }
    os.environ.update({name: str(value) for name, value in options.items()})


def client_options(job: Job) -> dict[str, Any]:
    """What obstore's stores need to know of the server; patient, as the line is slow."""
    certificate = Path(job["ca"]).read_text()
    return {"root_certificate": certificate, "timeout": "300s", "connect_timeout": "60s"}
