"""A private certificate authority, so that tests speak real TLS."""

from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True)
class PrivateCa:
    """Files in PEM format.

    Attributes:
        ca: Certificate of the authority: what a client is told to trust.
        cert: Certificate of the server, for localhost, 127.0.0.1 and ::1.
        key: Its private key.
    """

    ca: Path
    cert: Path
    key: Path


def make_ca(folder: Path) -> PrivateCa:
    """Write a new authority and one server's certificate into an existing folder."""
    authority = trustme.CA()
    server = authority.issue_cert("localhost", "127.0.0.1", "::1")
    files = PrivateCa(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    authority.cert_pem.write_to_path(str(files.ca))
    server.private_key_pem.write_to_path(str(files.key))
    for number, certificate in enumerate(server.cert_chain_pems):
        certificate.write_to_path(str(files.cert), append=number > 0)
    return files
