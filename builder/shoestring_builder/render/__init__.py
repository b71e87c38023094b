"""One layer from its sources: mosaic, warp, write."""
