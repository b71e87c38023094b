"""NDVI of your field, from the address of a site and a GeoJSON file: a table and ndvi.png.

python ndvi.py https://example.org/catalog.json s2-l2a field.geojson
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import shoestring

if len(sys.argv) != 4:
    sys.exit(f"Usage: {__doc__.splitlines()[2]}")
url, collection, roi = sys.argv[1:]
with shoestring.open(url) as catalogue:
    images = catalogue[collection]
    band = {band.common_name: name for name, band in images.bands.items()}
    stack = images.extract([band["red"], band["nir"]], roi, min_clear=0.5, scaled=True)

ndvi = {}
for date in stack.dates:
    red, nir = stack[band["red"]][date], stack[band["nir"]][date]
    ndvi[date] = (nir - red) / (nir + red)
    print(f"{date}  NDVI {np.nanmedian(ndvi[date]):.2f}  {stack.clear[date]:.0%} clear")
if not ndvi:
    sys.exit("There is no date on which half of the field is clear.")

above, below = plt.figure(figsize=(12, 8), layout="constrained").subfigures(2)
maps = above.subplots(-(-len(ndvi) // 6), 6, squeeze=False)
for axes in maps.flat:
    axes.set_axis_off()
for axes, date in zip(maps.flat, ndvi, strict=False):
    image = axes.imshow(ndvi[date], cmap="YlGn", vmin=0, vmax=1)
    axes.set_title(str(date), size=9)
above.colorbar(image, ax=maps, label="NDVI")
axes = below.subplots()
axes.plot(list(ndvi), [np.nanmedian(pixels) for pixels in ndvi.values()], marker="o")
axes.set(ylim=(0, 1), ylabel="NDVI, median of the field", title=images.title)
plt.savefig("ndvi.png", dpi=120)
