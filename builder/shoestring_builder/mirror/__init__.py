"""A site's copy elsewhere: in a folder, in an object store, on another machine."""
