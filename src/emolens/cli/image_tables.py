"""What `emolens image` prints: a table of faces, and a line of totals."""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from emolens.cli.terminal import one_line, say, say_error, stdout_console
from emolens.core.frame import FrameResult
from emolens.jobs.images import ImageOutcome
from emolens.rendering.overlay import label_text

# A table of more pictures than this is no longer read; a line of totals is.
_TABLE_LIMIT = 100


def result_table(results: Sequence[tuple[str, FrameResult]]) -> Table:
    """One row per face, and one per picture without faces."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("picture", overflow="fold")
    table.add_column("face", no_wrap=True)
    table.add_column("apparent expression", overflow="fold")
    table.add_column("next", style="dim", no_wrap=True)
    table.add_column("box (px)", justify="right", style="dim", no_wrap=True)
    for path, result in results:
        name = escape(one_line(path))
        if not result.faces:
            table.add_row(name, "-", "[dim]no face found[/]", "", "")
        for number, face in enumerate(result.faces, start=1):
            second = int(face.scores.probabilities.argsort()[-2])
            label, value = list(face.scores.to_dict().items())[second]
            x_min, y_min, x_max, y_max = map(round, face.box.to_tuple())
            table.add_row(
                name if number == 1 else "",
                str(number),
                escape(label_text(face)),
                f"{label} {value:.0%}",
                f"{x_max - x_min}x{y_max - y_min} at {x_min},{y_min}",
            )
    return table


class ImageReport:
    """Collects what people are told at the end."""

    def __init__(self) -> None:
        self.results: list[tuple[str, FrameResult]] = []
        self.notes: list[str] = []
        self.errors: list[str] = []
        self.n_pictures = 0
        self.n_faces = 0

    def add(self, outcome: ImageOutcome) -> None:
        """Take what came out of the next picture."""
        self.n_pictures += 1
        path, result = outcome.path, outcome.result
        if outcome.error is not None:
            message = str(outcome.error)
            self.errors.append(message if path in message else f"{path}: {message}")
        if outcome.copy_error is not None:
            self.errors.append(f"{path}: {outcome.copy_error}")
        if result is not None:
            self.n_faces += len(result.faces)
            self.notes += [f"{one_line(path)}: {note}" for note in result.notes]
            if len(self.results) <= _TABLE_LIMIT:
                self.results.append((path, result))

    def show(self, *, table: bool, remarks: bool) -> None:
        """Print the table and the errors, then the remarks and the totals."""
        is_short = len(self.results) <= _TABLE_LIMIT
        if table and self.results and is_short:
            stdout_console().print(result_table(self.results))
        for message in self.errors:
            say_error(message)
        if not remarks:
            return
        for note in self.notes:
            say(note)
        if table and not is_short:
            say(f"no table of more than {_TABLE_LIMIT} pictures; --jsonl FILE writes every face")
        if self.n_pictures > 1 or self.errors:
            say(f"{self.n_pictures} pictures, {self.n_faces} faces, {len(self.errors)} failed")
