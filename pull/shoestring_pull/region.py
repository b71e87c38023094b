"""A region from whatever a user has at hand."""

from shoestring.options import Options
from shoestring.roi import Roi, RoiLike, read_roi
from shoestring.site_transport import SiteTransport
from shoestring_pull.context import wait


def read_region(roi: RoiLike, options: Options) -> Roi:
    """Read a region; it may lie on the web.

    Raises:
        RoiError: It is none, or can't be used.
        TransferError: It did not arrive.
    """

    async def read() -> Roi:
        async with SiteTransport(options) as transport:
            return await read_roi(roi, transport)

    return wait(read())
