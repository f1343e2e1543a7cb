"""The end of what a run writes."""

import os

from lrsearch.runs.process.tail import KEPT_BYTES, Tail


def test_the_end_of_a_stream_is_kept_in_whatever_pieces_it_comes() -> None:
    """No more than that."""
    reading, writing = os.pipe()
    tail = Tail()
    with os.fdopen(writing, "wb", buffering=0) as output:
        pieces = tail.read(os.fdopen(reading, "rb"))
        for number in range(12):
            output.write(b"%06d\n" % number * (10 if number < 10 else 9000))
            next(pieces)
    assert list(pieces) == []
    assert KEPT_BYTES == len(tail.text)
    assert tail.text.endswith("000011\n")
