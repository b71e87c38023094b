"""A small web server for a laptop."""
