"""Views: row numbers in an order."""

from __future__ import annotations

import numpy as np
import pytest

from engine.errors import DataError
from engine.service.views import KEPT_VIEWS, View, Views


def test_a_view_grows_and_can_be_read_meanwhile() -> None:
    view = View(1)
    for start in range(0, 5000, 50):
        view.add(range(start, start + 50))
        assert view.rows(start, start + 3).tolist() == [start, start + 1, start + 2]
    assert len(view) == 5000
    assert view.rows(4998, 6000).tolist() == [4998, 4999]
    assert view.rows(7000, 7010).tolist() == []


def test_an_order_takes_the_place_of_what_was_found() -> None:
    view = View(1)
    view.add([1, 2, 3])
    view.put(np.array([3, 1, 2], dtype=np.int32))
    assert view.complete
    assert view.rows().tolist() == [3, 1, 2]


def test_the_view_that_was_not_asked_for_the_longest_makes_room() -> None:
    views = Views()
    first = views.new()
    others = [views.new() for _ in range(KEPT_VIEWS - 1)]
    assert views.get(first.number) is first
    views.new()
    assert views.get(first.number) is first
    with pytest.raises(DataError, match="Filter again"):
        views.get(others[0].number)
    views.drop(first)
    with pytest.raises(DataError, match=f"no view {first.number}"):
        views.get(first.number)
