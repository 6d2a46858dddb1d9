"""Points, circles and areas, as people write them."""

from __future__ import annotations

import pytest

from common.values.geo import CORNERS_MOST, Box, Circle, Point, is_in_us, read_area, read_circle

TRIANGLE = [Point(47.61, -122.35), Point(47.62, -122.30), Point(47.58, -122.30)]


@pytest.mark.parametrize(
    "text",
    [
        "47.61,-122.35 47.62,-122.30 47.58,-122.30",
        " 47.61,-122.35;47.62,-122.30\n47.58,-122.30 ",
        "47.61,-122.35 47.62,-122.30 47.58,-122.30 47.61,-122.35",  # closed by hand
    ],
)
def test_an_area_is_its_corners(text: str) -> None:
    assert read_area(text) == TRIANGLE


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "at least 3 corners"),
        ("47.61,-122.35 47.62,-122.30", "at least 3 corners"),
        ("47.61 -122.35 47.62", "latitude,longitude"),
        ("47.61,-122.35 47.62,-122.30 nan,-122.30", "latitude,longitude"),
        ("47.61,-122.35 47.62,-122.30 1e1,-122.30", "latitude,longitude"),
        ("47.61,-122.35 47.62,-122.30 ४७,-122.30", "latitude,longitude"),
        ("47.61,-122.35 47.62,-122.30 0,0", "0,0 is not in the United States"),
        ("47,-122 48,-122 49,-122", "in one line"),
        ("47,-122 48,-121 47,-121 48,-122", "sides of this area cross"),
        (" ".join(f"{40 + n / 1000},-1{10 + n / 100:.2f}" for n in range(CORNERS_MOST + 1)), "at most 100 corners"),
    ],
)
def test_what_is_no_area_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_area(text)


def test_a_circle_has_a_center_and_miles() -> None:
    assert read_circle("47.6062, -122.3321, 2") == Circle(Point(47.6062, -122.3321), 2.0)
    box = Circle(Point(60.0, -150.0), 69.0).box
    assert [round(end, 2) for end in (box.west, box.south, box.east, box.north)] == [-152.0, 59.0, -148.0, 61.0]


@pytest.mark.parametrize(
    "text", ["", "47,-122", "47,-122,0", "47,-122,101", "47,-122,nan", "91,-122,1", "0,0,1", "a,b,c"]
)
def test_what_is_no_circle_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"latitude,longitude,miles|radius is|United States"):
        read_circle(text)


def test_the_country_has_its_corners_and_no_other_place() -> None:
    inside = [
        (47.6, -122.3),
        (25.8, -80.2),
        (71.3, -156.8),
        (21.3, -157.9),
        (18.4, -66.1),
        (52.9, 172.9),
        (44.8, -67.0),
    ]
    assert all(is_in_us(*at) for at in inside)
    assert not any(is_in_us(*at) for at in [(0, 0), (51.5, 0.1), (-33.9, 151.2), (47.6, 122.3), (90, -100)])
    assert Box(1, 2, 3, 4).north == 4
