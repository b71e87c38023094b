"""XML as QGIS and GDAL read it; pure."""

import re
from xml.etree import ElementTree as ET

_UNHEARD = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML document can hold, not even escaped."""


def add(parent: ET.Element, tag: str, text: str = "", **attributes: str) -> ET.Element:
    """A new element, at the end of another one."""
    element = ET.SubElement(parent, tag, {key: clean(own) for key, own in attributes.items()})
    element.text = clean(text) or None
    return element


def clean(text: str) -> str:
    """A text without the characters that XML can't hold."""
    return _UNHEARD.sub("", text)


def line(text: str) -> str:
    """A text as a name: on one line."""
    return " ".join(clean(text).split())


def compact(root: ET.Element) -> str:
    """A document within a document, or within a word."""
    return ET.tostring(root, encoding="unicode")


def document(root: ET.Element, doctype: str) -> bytes:
    """A document as a file.

    Args:
        root: What it says.
        doctype: What QGIS expects in the first line.
    """
    ET.indent(root)
    return f"<!DOCTYPE {doctype}>\n{compact(root)}\n".encode()


def number(value: float | str) -> str:
    """A number in as few digits as tell it: whole ones without a point, ``nan`` as documents do."""
    own = float(value)
    return str(int(own)) if own.is_integer() and abs(own) < 2**53 else repr(own)
