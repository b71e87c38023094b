"""How much is done of what takes long."""

import os

INSTANTS = int(os.environ.get("SHOESTRING_INSTANTS", "20"))
"""How often a builder is killed, and likewise."""
