import matplotlib as mpl

from emolens.reports.svg import new_figure, plotting, to_svg


def test_a_figure_is_inline_searchable_the_same_every_time_and_described() -> None:
    def draw() -> str:
        with plotting():
            figure = new_figure(2, 1)
            axes = figure.subplots()
            axes.plot([0, 1], [1, 0])
            axes.set_title("a < b")
            return str(to_svg(figure, 'plot of "x"'))

    drawing = draw()
    assert drawing == draw()
    assert drawing.startswith('<svg role="img" aria-label="plot of &#34;x&#34;" ')
    assert "a &lt; b</text>" in drawing
    assert "<?xml" not in drawing


def test_plotting_leaves_the_settings_of_others_alone() -> None:
    before = dict(mpl.rcParams)
    with plotting():
        assert mpl.rcParams["svg.fonttype"] == "none"
    assert dict(mpl.rcParams) == before
