import threading
import time

import pytest

from msc_kedro.training.feed import Feed


def test_items_come_in_order_and_end():
    with Feed(range(7), ahead=3) as feed:
        assert list(feed) == list(range(7))
        assert list(feed) == []


def test_so_many_are_made_ahead_and_no_more():
    made, taken = [], threading.Event()

    def items():
        for number in range(6):
            made.append(number)
            if len(made) == 2:
                taken.set()
            yield number

    with Feed(items(), ahead=2) as feed:
        assert taken.wait(5)
        time.sleep(0.05)
        assert made == [0, 1]
        assert next(feed) == 0
    assert len(made) <= 3  # none is made after the end


def test_what_fails_is_raised_where_it_is_asked_for():
    def items():
        yield 1
        raise OSError("a shard is gone")

    with Feed(items(), ahead=3) as feed:
        assert next(feed) == 1
        with pytest.raises(OSError, match="a shard is gone"):
            next(feed)


def test_waiting_is_measured():
    def slow():
        for number in range(2):
            time.sleep(0.05)
            yield number

    with Feed(slow(), ahead=1) as feed:
        list(feed)
    assert feed.waited_s > 0.05
    with Feed(range(3), ahead=3) as feed:
        time.sleep(0.05)
        next(feed)
    assert feed.waited_s < 0.04
