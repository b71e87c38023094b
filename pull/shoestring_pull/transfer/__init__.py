"""Orders in, whole files in their places out. Knows nothing of catalogues."""
