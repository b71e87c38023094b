"""How the builder is doing: for its owner, for a monitor, for readers who wait for new data."""
