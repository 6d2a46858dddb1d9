"""The next pieces of a file are read by processes of their own, and nothing depends on how these end."""

from __future__ import annotations

import os
import pickle
import signal

import pytest

from buckets.imports import ahead
from buckets.imports.ahead import Ahead
from buckets.models import ImportPiece
from integrations.lookups.identity import Name, names_of
from tests.support import PATIENCE

PIECES = [ImportPiece(pk=number, number=number, content=b"%d" % number) for number in range(1, 6)]


def read(piece: ImportPiece) -> tuple[bytes, int]:
    """What it holds, and who read it."""
    if piece.content == b"5":
        raise LookupError("the fifth piece")
    return bytes(piece.content) * 100_000, os.getpid()


def test_following_pieces_are_read_elsewhere_and_come_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "READERS", 2)
    with Ahead(read, far=True) as reader:
        rows = [reader.rows_of(PIECES[n], PIECES[n + 1 : n + 3]) for n in range(4)]
        processes = [one.process for one in reader._readers]
        with pytest.raises(LookupError, match="the fifth piece"):
            reader.rows_of(PIECES[4], [])
    assert [text[:1] for text, _ in rows] == [b"1", b"2", b"3", b"4"]
    assert [who == os.getpid() for _, who in rows] == [True, False, False, False]
    assert {who for _, who in rows[1:]} == set(processes)
    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def test_a_piece_whose_reader_was_killed_is_read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    here = os.getpid()

    def slow(piece: ImportPiece) -> tuple[bytes, int]:
        if piece.content == b"2" and os.getpid() != here:
            signal.pause()  # what it had sent before it was killed would count
        return read(piece)

    monkeypatch.setattr(ahead, "READERS", 1)
    with Ahead(slow, far=True) as reader:
        reader.rows_of(PIECES[0], PIECES[1:2])
        os.kill(reader._readers[0].process, signal.SIGKILL)
        assert reader.rows_of(PIECES[1], PIECES[2:3])[1] == os.getpid()
        assert reader.rows_of(PIECES[2], [])[1] == reader._readers[0].process


def test_what_was_read_is_received_before_anybody_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "READERS", 1)
    with Ahead(read, far=True) as reader:
        reader.rows_of(PIECES[0], PIECES[1:2])
        rows = reader._readers[0].rows
        assert rows is not None
        assert rows.result(PATIENCE)[0][:1] == b"2"


def test_after_a_worker_has_died_one_piece_is_read_after_the_other() -> None:
    with Ahead(read, far=False) as reader:
        assert reader.rows_of(PIECES[0], PIECES[1:])[1] == os.getpid()
        assert reader._readers == []


def test_a_name_comes_as_it_was_sent() -> None:
    facts = {"property_address": "12 Oak St", "property_city": "Reno", "property_state": "NV", "property_zip": "89501"}
    for name in names_of(facts):
        again = pickle.loads(pickle.dumps(name))
        assert again == name
        assert (again.exact, again.possible, hash(again)) == (name.exact, name.possible, hash(name))
        assert isinstance(again, Name)
