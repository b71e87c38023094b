"""Is every file of a site there, whole and right."""
