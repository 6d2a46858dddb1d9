from decimal import Decimal

import pytest

from common.values.percent import percent


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [(0, 0, 0), (5, 0, 0), (1, 3, 33), (2, 3, 67), (999, 1000, 99), (3, 3, 100), (4, 3, 100), (Decimal("0.5"), 1, 50)],
)
def test_a_share_is_whole_and_100_only_of_all(part: Decimal | int, whole: int, shown: int) -> None:
    assert percent(part, whole) == shown
