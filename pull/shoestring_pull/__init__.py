"""`shoestring pull`: a site, or a selection of it, as a site of one's own."""
