"""``shoestring demo``: the whole path on one machine, with synthetic data."""
