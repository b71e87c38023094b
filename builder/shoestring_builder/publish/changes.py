"""What a snapshot changed; pure."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

from shoestring_builder.layer import LayerKey
from shoestring_builder.record import LayerRecord
from shoestring_schema.moment import Moment, format_moment
from shoestring_schema.site import ChangeDocument, Counts

Key = TypeVar("Key", bound=Hashable)

Layers = Mapping[LayerKey, LayerRecord]


def change_of(collection: str, before: Layers, after: Layers) -> ChangeDocument | None:
    """Count what differs between a collection's layers; None where nothing does.

    Args:
        collection: The collection.
        before: The layers that are published.
        after: The layers that are to be.
    """
    layers = _counts(_content(before), _content(after))
    if layers == Counts():
        return None
    old, new = _by_moment(before), _by_moment(after)
    differing = [own for own in old.keys() | new.keys() if old.get(own) != new.get(own)]
    return ChangeDocument(
        collection=collection,
        dates=_counts(old, new),
        layers=layers,
        first=format_moment(min(differing)),
        last=format_moment(max(differing)),
    )


def _content(layers: Layers) -> dict[LayerKey, str]:
    return {key: layer.checksum for key, layer in layers.items()}


def _by_moment(layers: Layers) -> dict[Moment, frozenset[tuple[str, str]]]:
    moments: dict[Moment, set[tuple[str, str]]] = {}
    for key, layer in layers.items():
        moments.setdefault(key.moment, set()).add((key.band, layer.checksum))
    return {moment: frozenset(own) for moment, own in moments.items()}


def _counts(before: Mapping[Key, object], after: Mapping[Key, object]) -> Counts:
    return Counts(
        added=len(after.keys() - before.keys()),
        replaced=sum(before[key] != after[key] for key in after.keys() & before.keys()),
        dropped=len(before.keys() - after.keys()),
    )
