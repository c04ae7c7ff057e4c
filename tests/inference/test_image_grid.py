"""Sheets of pictures: everything in its place, nothing over anything else."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFont

from vectortag.core.types import Heatmap
from vectortag.inference.heatmap_drawing import draw_heatmap
from vectortag.inference.image_grid import GAP, PAPER, SIDE, TEXT, Cell, draw_comparison, draw_sheet, fit, shorten

FONT = ImageFont.load_default(TEXT)
HEAD = TEXT + GAP
"""From the top of a cell to its picture."""


def plain(width: int, height: int, colour: str) -> Image.Image:
    return Image.new("RGB", (width, height), colour)


def colours(image: Image.Image, box: tuple[int, int, int, int]) -> set[tuple[int, ...]]:
    return {colour for _, colour in image.crop(box).getcolors(1 << 20)}


def ink(sheet: Image.Image, x: int, width: int, y: int = GAP) -> np.ndarray:
    """For each of the columns of a title line, whether anything is written there: (width,) bool."""
    line = np.asarray(sheet.crop((x, y, x + width, y + HEAD)).convert("L"))
    return (line < 200).any(axis=0)


def spots(*warm: tuple[int, int], score: float = 0.5, tag: str = "sea", source: str | None = None) -> Heatmap:
    values = np.zeros((4, 4), np.float32)
    for place in warm:
        values[place] = 1
    return Heatmap(values, tag=tag, source=source or tag, score=score)


class TestSheet:
    def test_pictures_stand_in_rows_and_columns_without_touching(self):
        sheet = draw_sheet(
            [
                [Cell(plain(100, 50, "red")), Cell(plain(60, 80, "lime"))],
                [Cell(plain(40, 30, "blue")), Cell(plain(70, 20, "yellow"))],
            ]
        )

        assert sheet.size == (100 + 70 + 3 * GAP, 80 + 30 + 2 * HEAD + 3 * GAP)
        right, below = 100 + 2 * GAP, GAP + HEAD + 80 + GAP + HEAD
        boxes = {
            (GAP, GAP + HEAD, GAP + 100, GAP + HEAD + 50): (255, 0, 0),
            (right, GAP + HEAD, right + 60, GAP + HEAD + 80): (0, 255, 0),
            (GAP, below, GAP + 40, below + 30): (0, 0, 255),
            (right, below, right + 70, below + 20): (255, 255, 0),
        }
        for box, colour in boxes.items():
            assert colours(sheet, box) == {colour}
            sheet.paste(PAPER, box)
        assert colours(sheet, (0, 0, *sheet.size)) == {(255, 255, 255)}

    def test_a_short_row_leaves_its_last_columns_free(self):
        sheet = draw_sheet([[Cell(plain(50, 50, "red"))] * 2, [Cell(plain(50, 50, "red"))]])

        assert colours(sheet, (2 * GAP + 50, 2 * GAP + HEAD + 50, *sheet.size)) == {(255, 255, 255)}

    def test_a_title_is_at_the_left_and_a_note_at_the_right(self):
        title, note, neither = (
            ink(draw_sheet([[Cell(plain(200, 20, "red"), **text)]]), GAP, 200)
            for text in ({"title": "lite0"}, {"note": "0.83"}, {})
        )

        assert title[:5].any()
        assert not title[60:].any()
        assert note[-5:].any()
        assert not note[:140].any()
        assert not neither.any()

    @pytest.mark.parametrize(("title", "note"), [("W" * 40, "0.83"), ("W" * 40, "W" * 40), ("W" * 40, "")])
    def test_long_texts_are_cut_at_the_edge_of_their_column_and_kept_apart(self, title: str, note: str):
        sheet = draw_sheet([[Cell(plain(200, 20, "red"), title, note), Cell(plain(50, 20, "red"))]])

        assert not ink(sheet, GAP + 200, GAP + 50).any()
        assert not ink(sheet, 0, GAP).any()
        written = "".join("#" if column else " " for column in ink(sheet, GAP, 200))
        assert ("#" + " " * (GAP - 3) in written.strip()) == bool(note)  # a gap between the two, and nowhere else

    def test_a_note_stands_over_the_right_edge_of_its_picture_though_the_column_is_wider(self):
        sheet = draw_sheet([[Cell(plain(120, 20, "red"), "sea", "0.83")], [Cell(plain(300, 20, "red"))]])

        written = ink(sheet, GAP, 300)
        assert written[110:121].any()
        assert not written[121:].any()

    def test_a_note_may_be_long_where_the_title_is_short(self):
        note = ink(draw_sheet([[Cell(plain(300, 20, "red"), "sea", "0.83, seen as something")]]), GAP, 300)

        width = round(FONT.getlength("0.83, seen as something"))
        assert 150 < width < 240
        assert note[300 - width : 300 - width + 3].any()


class TestShorten:
    def test_a_text_that_fits_is_left_alone(self):
        assert shorten("golden gate", 300, FONT) == "golden gate"

    def test_a_text_that_does_not_fit_is_cut_as_late_as_possible(self):
        text = "golden gate bridge"
        for width in range(30, int(FONT.getlength(text))):
            short = shorten(text, width, FONT)
            kept = short.removesuffix("...")
            assert FONT.getlength(short) <= width
            assert text.startswith(kept)
            assert FONT.getlength(text[: len(kept) + 2] + "...") > width

    def test_nothing_is_left_where_there_is_no_room(self):
        assert shorten("golden gate", 5, FONT) == ""


class TestFit:
    @pytest.mark.parametrize(
        ("size", "expected"),
        [((4000, 3000), (40, 30)), ((12, 16), (30, 40)), ((40, 40), (40, 40)), ((900, 1), (40, 1))],
    )
    def test_the_longer_side_gets_the_length(self, size: tuple[int, int], expected: tuple[int, int]):
        assert fit(plain(*size, "red"), 40).size == expected

    def test_any_mode_becomes_rgb(self):
        assert fit(plain(10, 10, "red").convert("L"), 40).mode == "RGB"


class TestComparison:
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8))

    def cell(self, sheet: Image.Image, row: int, column: int) -> np.ndarray:
        width, height = SIDE, SIDE * 3 // 4
        x, y = GAP + column * (width + GAP), GAP + HEAD + row * (height + HEAD + GAP)
        return np.asarray(sheet.crop((x, y, x + width, y + height)))

    def test_a_row_is_the_photo_and_each_models_map_over_it(self):
        maps = [[("a", spots((0, 0))), ("b", spots((3, 3)))], [("a", spots((1, 2))), ("b", spots((2, 1)))]]

        sheet = draw_comparison(self.photo, maps, opacity=0.8)

        small = fit(self.photo)
        for row in range(2):
            np.testing.assert_array_equal(self.cell(sheet, row, 0), np.asarray(small))
            for column in range(2):
                expected = draw_heatmap(small, maps[row][column][1], opacity=0.8)
                np.testing.assert_array_equal(self.cell(sheet, row, column + 1), np.asarray(expected))

    @pytest.mark.parametrize(
        ("heatmap", "note"),
        [
            (spots((0, 0), score=0.826), "0.83"),
            (spots((0, 0), score=0.826, tag="animal", source="dog"), "0.83, seen as dog"),
            (spots(score=0.004), "0.00, empty"),
        ],
    )
    def test_above_each_map_stand_the_models_name_and_the_score(self, heatmap: Heatmap, note: str):
        sheet = draw_comparison(self.photo, [[("lite0", heatmap)]])

        small = fit(self.photo)
        expected = draw_sheet([[Cell(small, heatmap.tag), Cell(draw_heatmap(small, heatmap), "lite0", note)]])
        np.testing.assert_array_equal(np.asarray(sheet), np.asarray(expected))
