"""Into the site, so that every reader sees a whole snapshot."""
