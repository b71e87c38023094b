"""The builder: mosaics in, a site out."""
