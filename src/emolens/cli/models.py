"""`emolens models`: listing, verification and download of models."""

from pathlib import Path
from typing import Annotated

import typer

from emolens.cli.options import file_named
from emolens.cli.terminal import PartialFailureError, echo, echo_error, show
from emolens.jobs.doctor import check_model
from emolens.reports.model_card import CardSubject, read_record, write_card
from emolens.reports.text import TextTable
from emolens.runtime.catalogue import (
    YUNET_GRAPH,
    default_name,
    find_known_model,
    known_models,
)
from emolens.runtime.model_file import load_emotion_model
from emolens.storage.files import write_bytes
from emolens.storage.names import MARKDOWN_SUFFIXES

app = typer.Typer(help="List, verify, download and document models.", no_args_is_help=True)


@app.command("list")
def list_models() -> None:
    """List all known models.

    Downloaded models are loaded from the folder in the environment variable EMOLENS_MODELS, or
    else from the cache.
    """
    rows = [
        (
            model.name + (" (default)" if model.name == default_name(model.kind) else ""),
            model.kind,
            "yes" if model.is_installed else "no",
            model.sha256[:12],
            model.license,
            model.origin,
        )
        for model in known_models()
    ]
    headings = ("name", "kind", "installed", "SHA-256", "licence", "origin")
    show([TextTable(headings, rows, folded=frozenset({5}))])
    for model in known_models():
        if not model.is_installed:
            echo(f"{model.name} is not installed. Install it with: {model.install_command}")


@app.command("verify")
def verify() -> None:
    """Verify the SHA-256 of every installed model and load the models of emolens."""
    findings = [check_model(model) for model in (*known_models(), YUNET_GRAPH)]
    for finding in findings:
        if finding.error:
            echo_error(str(finding.error))
        else:
            show([finding.text])
    if any(finding.error for finding in findings):
        raise PartialFailureError


@app.command("fetch")
def fetch(name: Annotated[str, typer.Argument(help="Name from `emolens models list`.")]) -> None:
    """Download a model and verify its SHA-256.

    The file is saved to the cache, or replaces the one in the folder in the environment variable
    EMOLENS_MODELS. To install a model offline, copy its file to that folder.
    """
    path = find_known_model(name).fetch()
    echo(f"wrote {path}")


@app.command("card")
def card(
    name: Annotated[str, typer.Argument(help="Model name or .onnx file.")],
    metrics: Annotated[
        list[Path], typer.Argument(help="Files from `emolens evaluate --json`, one per column.")
    ],
    *,
    out: Annotated[
        Path,
        typer.Option(help="Markdown file to write (.md).", callback=file_named(MARKDOWN_SUFFIXES)),
    ],
) -> None:
    """Write a model card from the manifest and the measured metrics of a model."""
    model = load_emotion_model(name)
    subject = CardSubject(model.manifest, model.sha256, model.size_bytes)
    text = write_card(subject, [read_record(path) for path in metrics])
    write_bytes(out, text.encode())
    echo(f"wrote {out}")
