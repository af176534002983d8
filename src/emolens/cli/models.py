"""`emolens models`: which models there are, and whether their files are sound."""

from pathlib import Path
from typing import Annotated

import typer

from emolens.cli.terminal import PartialFailureError, say, say_error, show
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

app = typer.Typer(help="List, verify and fetch models.", no_args_is_help=True)


@app.command("list")
def list_models() -> None:
    """List every model emolens knows by name.

    Files of models that are fetched are looked for in the folder that the environment variable
    EMOLENS_MODELS names, and then in the cache.
    """
    rows = [
        (
            model.name + (" (default)" if model.name == default_name(model.kind) else ""),
            model.kind,
            "yes" if model.is_installed else "no",
            model.license,
            model.origin,
        )
        for model in known_models()
    ]
    headings = ("name", "kind", "installed", "licence", "from")
    show([TextTable(headings, rows, folded=frozenset({4}))])
    for model in known_models():
        if not model.is_installed:
            say(f"get {model.name} with: {model.install_command}")


@app.command("verify")
def verify() -> None:
    """Check the SHA-256 of every installed model and load those of emolens."""
    findings = [check_model(model) for model in (*known_models(), YUNET_GRAPH)]
    for finding in findings:
        if finding.error:
            say_error(str(finding.error))
        else:
            show([finding.text])
    if any(finding.error for finding in findings):
        raise PartialFailureError


@app.command("fetch")
def fetch(name: Annotated[str, typer.Argument(help="A name from `emolens models list`.")]) -> None:
    """Download a model and check its SHA-256; the only command that uses a network.

    The file goes into the cache, or replaces the one in the folder that the environment variable
    EMOLENS_MODELS names. Without a network, put it into such a folder yourself.
    """
    path = find_known_model(name).fetch()
    say(f"wrote {path}")


@app.command("card")
def card(
    name: Annotated[str, typer.Argument(help="Model name or .onnx file.")],
    figures: Annotated[
        list[Path], typer.Argument(help="Files of `emolens evaluate --json`, a column each.")
    ],
    *,
    out: Annotated[Path, typer.Option(help="The Markdown file to write.")],
) -> None:
    """Write a model card from a model's manifest and its measured figures."""
    model = load_emotion_model(name)
    subject = CardSubject(model.manifest, model.sha256, model.size_bytes)
    text = write_card(subject, [read_record(path) for path in figures])
    write_bytes(out, text.encode())
    say(f"wrote {out}")
