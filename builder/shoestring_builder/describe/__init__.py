"""STAC documents from layers. Pure."""
