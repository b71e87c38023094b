"""Connections are open before they are needed, and read in batches."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

import shoestring
from shoestring import Options, event_loop
from support.faulty_server import FaultyServer
from support.indexed import add_index
from support.site import UTM, SiteFolder, box_in, numbers


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> SiteFolder:
    """A site of 40 dates."""
    made = SiteFolder(
        tmp_path_factory.mktemp("site"), {"B04": {"data_type": "uint16", "nodata": 0}}
    )
    for day in range(40):
        made.add(f"2018-{day // 28 + 1:02}-{day % 28 + 1:02}", "B04", numbers(UTM.shape, seed=day))
    made.write()
    add_index(made)
    return made


def test_few_connections_are_opened_to_look_and_more_to_read(site: SiteFolder) -> None:
    """Opening a catalogue opens four; an extraction no more than it is allowed."""
    with FaultyServer(site.folder) as server:
        with shoestring.open(server.address, options=Options(connections=12)) as catalogue:
            looked = server.connections
            catalogue["fields"].extract("B04", box_in(UTM, (0, 9), (0, 9)))
        read = server.connections
    assert 1 <= looked <= 4
    assert looked < read <= 12


def test_a_second_extraction_uses_the_same_connections(site: SiteFolder) -> None:
    """What is open is used again."""
    with FaultyServer(site.folder) as server:
        with shoestring.open(server.address, options=Options(connections=8)) as catalogue:
            for _ in range(3):
                catalogue["fields"].extract("B04", box_in(UTM, (0, 9), (0, 9)))
        assert server.connections <= 8


@pytest.fixture
def pairs() -> Iterator[list[tuple[socket.socket, socket.socket]]]:
    """Connected sockets."""
    with ExitStack() as stack:
        made = [socket.socketpair() for _ in range(12)]
        for pair in made:
            for end in pair:
                stack.enter_context(end)
        yield made


def test_what_arrives_while_it_lingers_is_read_at_once(
    pairs: list[tuple[socket.socket, socket.socket]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With many sockets, a wake-up tells of those that became readable a moment later too."""

    def later(seconds: float) -> None:
        pairs[1][0].send(b"b")

    monkeypatch.setattr(event_loop.time, "sleep", later)
    with event_loop.BatchingSelector() as selector:
        for _, end in pairs:
            selector.register(end, 1)
        pairs[0][0].send(b"a")
        assert {key.fileobj for key, _ in selector.select(1)} == {pairs[0][1], pairs[1][1]}


def test_a_few_sockets_are_read_without_delay(
    pairs: list[tuple[socket.socket, socket.socket]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With few sockets nobody lingers; nor where nothing has arrived."""

    def never(seconds: float) -> Any:  # noqa: ANN401
        raise AssertionError("it lingered")

    monkeypatch.setattr(event_loop.time, "sleep", never)
    with event_loop.BatchingSelector() as selector:
        for _, end in pairs[:3]:
            selector.register(end, 1)
        pairs[0][0].send(b"a")
        assert len(selector.select(1)) == 1
        for _, end in pairs[3:]:
            selector.register(end, 1)
        pairs[0][1].recv(1)
        assert selector.select(0) == []
