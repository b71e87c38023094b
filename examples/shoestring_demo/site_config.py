"""The demo's configuration file, commented for whoever copies it."""

CONFIGURATION = """\
# What `shoestring build` makes a site of. Copy this file and put your own mosaics in.
# Paths are relative to this file.

[catalogue]
id = "shoestring-demo"
title = "Shoestring demo (synthetic data)"
description = "A growing season in northern Ghana. Synthetic data: no satellite took it."
output = "site"                            # the folder that a web server will serve
# base_url = "https://example.org/demo"    # its public address, if it has one

# --- images: several tiles a date, one file a band ---------------------------------------

[[collections]]
id = "s2-demo"
title = "Synthetic reflectance like Sentinel-2's"
description = "Twelve dates of 10 m reflectance, and classes at 20 m. Synthetic data."
license = "CC0-1.0"
# mosaics/s2/S2_2025128_west_B04.tif is tile "west" of band B04 on day 128 of 2025.
# Dates may be written in other ways ({date:%Y%m%d}); {*} stands for anything.
source = "mosaics/s2/S2_{date:%Y%j}_{tile}_{band}.tif"
# Without a grid, all is brought onto that of the first mosaic. To choose your own:
# grid = { crs = "EPSG:32630", resolution = 10 }

[collections.bands.B02]
title = "Blue"
common_name = "blue"                       # lets programs find a band by what it is
nodata = 0                                 # the stored number that means "no data"
scale = 0.0001                             # stored number times scale = reflectance
unit = "1"
resampling = "bilinear"                    # where source pixels do not fall on the grid

[collections.bands.B03]
title = "Green"
common_name = "green"
nodata = 0
scale = 0.0001
unit = "1"

[collections.bands.B04]
title = "Red"
common_name = "red"
nodata = 0
scale = 0.0001
unit = "1"

[collections.bands.B08]
title = "Near infrared"
common_name = "nir"
nodata = 0
scale = 0.0001
unit = "1"

[collections.bands.SCL]                    # 20 m; readers get each pixel twice as wide
title = "Classes: 3 shadow, 4 vegetation, 5 bare, 6 water, 8 and 9 cloud"
nodata = 0
resampling = "nearest"                     # classes must not be averaged

[collections.mask]                         # which pixels are clear
band = "SCL"
clear = [4, 5, 6]

# --- weather: one file a day that holds several bands -------------------------------------

[[collections]]
id = "weather-demo"
title = "Synthetic daily weather"
description = "Temperature and rain at 0.1 degrees. Synthetic data."
license = "CC0-1.0"
source = "mosaics/weather/weather_{date:%Y%m%d}.tif"

[collections.bands.t2m]
title = "Air temperature at 2 m, daily mean"
unit = "degC"
source_band = "t2m"                        # by its name in the file, or by its number

[collections.bands.precipitation]
title = "Precipitation, daily sum"
unit = "mm"
source_band = "precipitation"
"""
"""TOML."""
