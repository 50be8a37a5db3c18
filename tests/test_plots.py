"""The chapters' figures: what is drawn, and in which colors."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from cnnlib.plots import (
    GRAY,
    canvas,
    draw_cells,
    dress,
    outline,
    show_images,
    show_lines,
    show_rows,
    show_spread,
    write,
)

plt.switch_backend("agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_each_image_has_its_title_and_each_pixel_its_number():
    show_images({"a": np.array([[0.0, 9, 3]]), "b": np.ones((1, 3))}, 9, numbers=True)
    first, second = plt.gcf().axes
    assert (first.get_title(), second.get_title()) == ("a", "b")
    assert [text.get_text() for text in first.texts] == ["0", "9", "3"]


def test_pixels_are_drawn_from_black_to_white_and_signed_numbers_around_zero():
    show_images({"a": np.array([[0.0, 20]]), "b": np.array([[-3.0, 1]])}, 9)
    pixels, signed = plt.gcf().axes
    assert pixels.images[0].get_clim() == (0, 9)
    assert pixels.images[0].get_array().tolist() == [[0, 9]]
    low, high = signed.images[0].get_clim()
    assert low == -high == pytest.approx(-3, abs=0.1)


def test_a_figure_has_no_background_so_that_it_suits_both_themes():
    show_images({"a": np.ones((2, 2))})
    assert plt.gcf().patch.get_alpha() == 0


def test_cells_stand_where_they_are_asked_to_and_hold_their_numbers():
    ax = canvas(8, 6)
    draw_cells(ax, np.array([[3.0, -2.5]]), np.array([[[0, 0, 0.2], [1, 1, 0.9]]]), left=2, top=4)
    assert [cell.get_xy() for cell in ax.patches] == [(2, 4), (3, 4)]
    assert {(cell.get_width(), cell.get_height()) for cell in ax.patches} == {(1, 1)}
    assert [cell.get_facecolor() for cell in ax.patches] == [(0, 0, 0.2, 1), (1, 1, 0.9, 1)]
    assert [text.get_text() for text in ax.texts] == ["3", "\N{MINUS SIGN}2.5"]
    assert [text.get_position() for text in ax.texts] == [(2.5, 4.5), (3.5, 4.5)]
    assert [text.get_color() for text in ax.texts] == ["w", "k"]  # on dark and on bright


def test_cells_of_one_color_and_their_frame_fit_the_canvas_whatever_its_size():
    for columns, rows in ((5, 3), (13, 20)):
        ax = canvas(columns, rows)
        draw_cells(ax, np.ones((2, 4)), "#ffd9d7", top=1)
        outline(ax, 0, 1, 4, 2, "#e8710a")
        write(ax, "a - b", 2, 0.5)
        *cells, frame = ax.patches
        assert [cell.get_xy() for cell in cells] == [(j, i) for i in (1, 2) for j in range(4)]
        assert {cell.get_facecolor() for cell in cells} == {(1, 0xD9 / 255, 0xD7 / 255, 1)}
        assert (frame.get_xy(), frame.get_width(), frame.get_height()) == ((0, 1), 4, 2)
        assert not frame.get_fill()
        assert ax.texts[-1].get_text() == "a \N{MINUS SIGN} b"
        assert (ax.get_xlim(), ax.get_ylim()) == ((0, columns), (rows, 0))
        width, height = ax.figure.get_size_inches()
        assert height / width == pytest.approx(rows / columns)  # a cell is a square
        assert ax.texts[0].get_fontsize() < 72 * width / columns  # and has room for its number
        assert ax.figure.patch.get_alpha() == 0


def test_lines_have_names_labels_and_axes_of_equal_factors():
    show_lines({"a": ([1, 10], [3, 4]), "b": ([1, 10], [5, 6])}, "steps", "loss", log_x=True)
    (ax,) = plt.gcf().axes
    assert [line.get_ydata().tolist() for line in ax.lines] == [[3, 4], [5, 6]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("steps", "loss")
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "linear")
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["1", "10"]
    assert len({(line.get_color(), line.get_linestyle()) for line in ax.lines}) == 2
    show_lines({"a": ([1, 10], [3, 4])}, "steps", "loss", log_y=True)
    (ax,) = plt.gcf().axes
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "log")


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0.02, 30], ["0.1", "1", "10"]), ([1e-14, 1e-10], ["1e-13", "1e-11"]), ([1.5, 4.5], "234")],
)
def test_axes_of_equal_factors_have_plain_numbers_for_which_every_page_has_a_font(values, expected):
    show_lines({"a": ([1, 2], values)}, "steps", "loss", log_y=True)
    (ax,) = plt.gcf().axes
    plt.gcf().canvas.draw()
    low, high = ax.get_ylim()
    ticks = [(ax.yaxis.get_majorticklabels(), ax.yaxis.get_majorticklocs())]
    ticks.append((ax.yaxis.get_minorticklabels(), ax.yaxis.get_minorticklocs()))
    shown = [
        label.get_text()
        for labels, places in ticks
        for label, place in zip(labels, places, strict=True)
        if low <= place <= high and label.get_text()
    ]
    assert set(expected) <= set(shown)
    assert all(float(text) > 0 for text in shown)


def test_axes_have_letters_that_a_phone_shows_and_no_background():
    _, ax = plt.subplots(figsize=(7, 3))
    ax.plot([1, 2], [3, 4], label="a")
    dress(ax, "steps", "loss")
    texts = [ax.xaxis.label, ax.yaxis.label, *ax.get_legend().get_texts(), *ax.get_xticklabels()]
    pixels = [text.get_fontsize() / 72 * 358 / 7 for text in texts]  # the figure is 358 px wide
    assert min(pixels) > 9
    assert {to_hex(text.get_color()) for text in texts} == {GRAY}
    assert (ax.patch.get_alpha(), ax.figure.patch.get_alpha()) == (0, 0)


def test_rows_of_pictures_are_gray_or_signed_on_one_scale_for_the_row():
    show_rows({"a": [np.eye(2), np.eye(2)], "b": [np.array([[-4.0, 1]]) / 2]}, signed=["b"])
    first, second, signed, nothing = (ax for part in plt.gcf().subfigs for ax in part.axes)
    assert first.images[0].get_clim() == second.images[0].get_clim() == (0, 1)
    low, high = signed.images[0].get_clim()
    assert low == -high == pytest.approx(-2, abs=0.1)
    assert len(nothing.images) == 0
    assert [part.get_suptitle() for part in plt.gcf().subfigs] == ["a", "b"]
    assert plt.gcf().patch.get_alpha() == 0


def test_images_stand_in_as_many_columns_as_asked_for():
    show_images({name: np.ones((2, 2)) for name in "abcde"}, columns=4)
    assert plt.gcf().axes[0].get_subplotspec().get_gridspec().get_geometry() == (2, 4)


def test_each_group_has_a_row_with_its_values_and_their_mean():
    show_spread({"a": [1, 2, 6], "b": [4, 8]}, "wrong")
    (ax,) = plt.gcf().axes
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a", "b"]
    dots, mean, more, other_mean, compared = ax.lines
    assert (list(dots.get_xdata()), list(more.get_xdata())) == ([1, 2, 6], [4, 8])
    assert [line.get_xdata()[0] for line in (mean, other_mean, compared)] == [3, 6, 3]
