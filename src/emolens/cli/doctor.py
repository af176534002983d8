"""`emolens doctor`: a check of the installation."""

from emolens.cli.options import JsonOption
from emolens.cli.terminal import PartialFailureError, echo_error, show, write_json
from emolens.jobs.doctor import diagnose
from emolens.reports.text import TextTable
from emolens.storage.jsonl import STDOUT


def doctor(
    json: JsonOption = None,
) -> None:
    """Report versions, the inference device, model files, and camera and video support."""
    diagnosis = diagnose()
    if json:
        write_json(json, diagnosis.findings)
    if json != STDOUT:
        rows = list(diagnosis.findings.items())
        show([TextTable((), rows, strong=frozenset((row, 0) for row in range(len(rows))))])
    for error in diagnosis.broken:
        echo_error(str(error))
    if not diagnosis.is_sound:
        raise PartialFailureError
