"""Blocks under a region, wrapped as smaller COGs: nothing is decoded or made anew."""
