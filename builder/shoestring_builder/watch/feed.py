"""An Atom feed of what is new in a collection (RFC 4287); pure.

It says nothing of the time at which it is written: as long as there is no news, its bytes are
the same.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from shoestring_builder.report import counts_text
from shoestring_schema.configuration import CatalogueTable
from shoestring_schema.site import ChangeDocument, SnapshotDocument

MOST_ENTRIES = 50
FEED = "feed.xml"
MEDIA_TYPE = "application/atom+xml"


@dataclass(frozen=True, slots=True)
class Feed:
    """What a feed is about.

    Attributes:
        catalogue: The site's configuration.
        collection: The collection.
        title: Its name for people.
        author: Whom readers have the data from.
    """

    catalogue: CatalogueTable
    collection: str
    title: str
    author: str


@dataclass(frozen=True, slots=True)
class _Entry:
    snapshot: str
    time: str
    change: ChangeDocument


def atom(feed: Feed, news: Iterable[SnapshotDocument]) -> bytes | None:
    """Write a feed.

    Args:
        feed: What it is about.
        news: Snapshots, in order of their times.

    Returns:
        The document; None where there is no news of the collection.
    """
    entries = [
        _Entry(own.id, own.time, change)
        for own in news
        for change in own.changes
        if change.collection == feed.collection
    ][-MOST_ENTRIES:]
    if not entries:
        return None
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<feed xmlns="http://www.w3.org/2005/Atom">',
        f"  <id>{_urn(feed, '')}</id>",
        f"  <title>{_text(feed.title)}</title>",
        f"  <subtitle>{_text(feed.catalogue.title or feed.catalogue.id)}</subtitle>",
        f"  <updated>{entries[-1].time}</updated>",
        f"  <author><name>{_text(feed.author)}</name></author>",
        *_links(feed),
        *(line for own in reversed(entries) for line in _entry(feed, own)),
        "</feed>",
    ]
    return ("\n".join(lines) + "\n").encode()


def headline(change: ChangeDocument) -> str:
    """``2018-01-02 to 2018-01-12: 3 dates added``."""
    if change.first is None or change.last is None:
        return counts_text(change.dates)
    first, last = change.first, change.last
    span = first if first == last else f"{first} to {last}"
    return f"{span}: {counts_text(change.dates)}"


def _links(feed: Feed) -> list[str]:
    base = feed.catalogue.base_url
    links = [_link("alternate", _place(feed, "../status.html"), "text/html")]
    links.append(_link("related", _place(feed, "collection.json"), "application/json"))
    if base:
        links.append(_link("self", _place(feed, FEED), MEDIA_TYPE))
    return [f"  {own}" for own in links]


def _entry(feed: Feed, entry: _Entry) -> list[str]:
    change = entry.change
    layers = counts_text(change.layers, "layer")
    return [
        "  <entry>",
        f"    <id>{_urn(feed, entry.snapshot)}</id>",
        f"    <title>{_text(headline(change))}</title>",
        f"    <updated>{entry.time}</updated>",
        f"    {_link('alternate', _place(feed, f'../status.html#{feed.collection}'), 'text/html')}",
        f"    <summary>{_text(f'{feed.title}: {layers}.')}</summary>",
        "  </entry>",
    ]


def _place(feed: Feed, name: str) -> str:
    """An address relative to the feed, or a whole one where the site's is known."""
    base = feed.catalogue.base_url
    if not base:
        return name
    above = f"{base.rstrip('/')}/"
    within = name.removeprefix("../")
    return above + within if within != name else f"{above}{feed.collection}/{name}"


def _urn(feed: Feed, snapshot: str) -> str:
    """An identifier that is the same wherever the site is moved to."""
    name = f"shoestring:{feed.catalogue.id}/{feed.collection}/{snapshot}"
    return uuid.uuid5(uuid.NAMESPACE_URL, name).urn


def _link(rel: str, href: str, kind: str) -> str:
    return f"<link rel={quoteattr(rel)} type={quoteattr(kind)} href={quoteattr(href)}/>"


def _text(text: str) -> str:
    """Text for XML, which has no place for control characters."""
    return escape("".join(own if own.isprintable() else " " for own in text))
