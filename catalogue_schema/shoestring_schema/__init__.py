"""The contract between the two halves: what the builder writes and the client reads.

Pure values only: nothing in this package opens a file or a connection.
"""

from shoestring_schema.version import SCHEMA_VERSION

__all__ = ["SCHEMA_VERSION"]
