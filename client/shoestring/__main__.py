"""``python -m shoestring``: the same as the command ``shoestring``."""

from shoestring.cli import main

main()
