"""A certificate made on the spot, for a server on a laptop."""

import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = timedelta(days=30)
"""Long enough for a field trip, short enough to be forgotten."""


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """PEM files of a server.

    Attributes:
        certificate: The certificate, with what leads to its authority.
        key: Its private key.
    """

    certificate: Path
    key: Path


def make_certificate(folder: Path, host: str) -> CertificateFiles:
    """Write a self-signed certificate for this machine, which is its own authority.

    Args:
        folder: An existing folder that only its owner can enter.
        host: A name or address by which the server will be called, besides ``localhost``,
            ``127.0.0.1`` and ``::1``.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    files = CertificateFiles(folder / "certificate.pem", folder / "key.pem")
    descriptor = os.open(files.key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    certificate = _sign(key, host)
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return files


def _sign(key: ec.EllipticCurvePrivateKey, host: str) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shoestring serve")])
    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # clocks differ
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectAlternativeName(_names(host)), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(usage, critical=True)
    )
    return builder.sign(key, hashes.SHA256())


def _names(host: str) -> list[x509.GeneralName]:
    names: dict[str, x509.GeneralName] = {}
    for text in ("localhost", "127.0.0.1", "::1", host, socket.gethostname()):
        try:
            names[text] = x509.IPAddress(ip_address(text))
        except ValueError:
            if text.isascii() and text:
                names[text] = x509.DNSName(text)
    return list(names.values())
