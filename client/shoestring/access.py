"""By what ways bytes may come: the network, a cache before it, or the cache alone."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shoestring.cache_settings import FOLDER, CacheLike, cache_settings
from shoestring.location import Location
from shoestring.options import Options
from shoestring.site_transport import SiteTransport
from shoestring_schema.errors import SelectionError

if TYPE_CHECKING:
    from shoestring.cache import CacheSettings
    from shoestring.cached_transport import CachedTransport


@dataclass(frozen=True, slots=True)
class Access:
    """The ways that are open.

    Attributes:
        cache: Which cache; None for none.
        offline: No connection is opened.
    """

    cache: "CacheSettings | None" = None
    offline: bool = False


ONLINE = Access()
"""The network, and nothing is kept."""


def choose_access(cache: CacheLike, options: Options, *, offline: bool) -> Access:
    """The ways that a user means.

    Raises:
        SelectionError: The environment names a size of the cache that is none.
    """
    return Access(cache_settings(cache, options), offline)


def transports(
    access: Access, options: Options, location: Location
) -> "tuple[SiteTransport, CachedTransport | None]":
    """What gets bytes, and the part of it that keeps them.

    Args:
        access: The ways that are open.
        options: For HTTP.
        location: What is going to be opened.

    Raises:
        SelectionError: It can't be had in these ways.
    """
    if access.cache is None and not access.offline:
        return SiteTransport(options), None
    from shoestring.cache import Cache
    from shoestring.cached_transport import CachedTransport
    from shoestring.http_transport import HttpTransport
    from shoestring.offline import OfflineOrigin

    origin = OfflineOrigin() if access.offline else HttpTransport(options)
    if access.cache is None:
        if not location.is_local:
            raise SelectionError(
                f"{location.address} can't be read with offline=True without a cache: name its folder, cache=..., or "
                f"set {FOLDER}."
            )
        return SiteTransport(options, origin), None
    cached = CachedTransport(origin, Cache(access.cache))
    return SiteTransport(options, cached), cached
