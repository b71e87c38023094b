"""Which source files there are, and what they say of themselves."""
