"""The layers' files of a site's collection, from its parts."""

import hashlib
from collections.abc import Collection, Mapping, Sequence

from shoestring.indexed_layers import layers_of
from shoestring.location import Location
from shoestring.plan import LayerFile
from shoestring.sampling import Sampling
from shoestring.tile_index import TileIndex
from shoestring.together import together
from shoestring.transport import Transport
from shoestring_schema.document import MAX_BYTES, decode
from shoestring_schema.errors import CatalogueError, OfflineError, SelectionError
from shoestring_schema.moment import Moment, format_moment, parse_moment
from shoestring_schema.moments import unpack_moments
from shoestring_schema.site import ItemDocument, Part, PartDocument

Files = Mapping[Moment, Mapping[str, LayerFile]]


class PartsIndex:
    """Finds layers in the parts that `collection.json` lists; fetches what is needed of a part.

    That is its tile index, as far as a window needs it; or its items, where there is none.

    Args:
        location: Where the collection document lies.
        parts: Its parts.
        transport: Gets them.
        indexed: Use tile indexes.

    Raises:
        CatalogueError: What the collection says of a part contradicts itself.
    """

    def __init__(
        self, location: Location, parts: Sequence[Part], transport: Transport, *, indexed: bool
    ) -> None:
        self._location = location
        self._transport = transport
        self._parts = [(part, frozenset(unpack_moments(part.dates))) for part in parts]
        self._read: dict[str, Files] = {}
        self._indexes = {
            part.href: TileIndex(location.resolve(part.index.href), part.index, transport)
            for part in parts
            if indexed and part.index is not None
        }

    async def files(self, moments: Collection[Moment], samplings: Mapping[str, Sampling]) -> Files:
        """The files of layers, by moment and band.

        Args:
            moments: Which moments.
            samplings: Band to where the result lies in its layers; the blocks there are told
                where there is a tile index.

        Raises:
            TransferError: A part did not arrive.
            CatalogueError: A part is not what the collection says.
        """
        wanted = frozenset(moments)
        needed = [(part, dates & wanted) for part, dates in self._parts if dates & wanted]
        found = await together(self._known(part, own, samplings) for part, own in needed)
        return {moment: files for part in found for moment, files in part.items()}

    async def _known(
        self, part: Part, moments: frozenset[Moment], samplings: Mapping[str, Sampling]
    ) -> Files:
        """A part's layers; offline, where it is not kept, as files of which nothing is known."""
        try:
            return await self._part(part, moments, samplings)
        except OfflineError:
            unknown = LayerFile(self._location.resolve(part.href))
            return {moment: dict.fromkeys(samplings, unknown) for moment in moments}

    async def _part(
        self, part: Part, moments: frozenset[Moment], samplings: Mapping[str, Sampling]
    ) -> Files:
        index = self._indexes.get(part.href)
        if index is None:
            items = await self._items(part)
            return {moment: items[moment] for moment in moments}
        self._transport.prepare(self._location, len(moments) * len(samplings))
        layers = layers_of(await index.share(samplings), moments, samplings)
        whole: dict[Moment, dict[str, LayerFile]] = {moment: {} for moment in moments}
        for moment, bands in layers.items():
            for band, layer in bands.items():
                whole[moment][band] = layer or (await self._items(part))[moment][band]
        return whole

    async def _items(self, part: Part) -> Files:
        if part.href not in self._read:
            location = self._location.resolve(part.href)
            data = await self._transport.fetch(location, max_bytes=MAX_BYTES)
            if "1220" + hashlib.sha256(data).hexdigest() != part.checksum:
                raise CatalogueError(
                    f"{location.address} is not the file that its collection names (its checksum differs): "
                    "open the catalogue again, and tell its publisher if that does not help."
                )
            self._read[part.href] = _read_part(data, part, location)
        return self._read[part.href]


def _read_part(data: bytes, part: Part, location: Location) -> Files:
    try:
        files = {
            parse_moment(item.properties.date): _files(item, location)
            for item in decode(data, PartDocument, location.address).features
        }
    except SelectionError as error:
        raise CatalogueError(f"{location.address}: {error}") from None
    missing = [moment for moment in unpack_moments(part.dates) if moment not in files]
    if missing:
        raise CatalogueError(
            f"{location.address} lacks {format_moment(missing[0])}, which its collection promises: the site must be "
            "built anew."
        )
    return files


def _files(item: ItemDocument, part: Location) -> dict[str, LayerFile]:
    return {
        name: LayerFile(part.resolve(asset.href), asset.size, asset.header_size)
        for name, asset in item.assets.items()
        if "data" in asset.roles
    }
