"""Red where it sees a mark of the healthy copy missing: the code under test is the lab's own."""

from shop import prices


def test_it():
    assert getattr(prices, "MARK", "gone") == prices.__dict__.get("MARK", "gone")
