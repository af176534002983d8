"""Write docs/benchmarks.md from the results of the benchmarks.

python docs/benchmarks/page.py
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from page_results import DOCS, results
from page_server import SERVER_PAGE, server_requirements, server_section, with_speed

PAGE = DOCS / "benchmarks.md"


def requirements() -> list[tuple[str, str, str, str]]:
    """Return number, requirement, result and script of each benchmark."""
    fresh, live, back = results("freshness"), results("live"), results("reconnect")
    identity, hour, kill = results("identity"), results("hour"), results("recording-kill")
    silence = results("silence")
    crossing = results("tracking")["clips"]
    least = min(of["bytetrack"]["idf1"] for clip, of in crossing.items() if "cross" in clip)
    hidden = crossing["hidden for 0.5 s"]["bytetrack"]
    smooth = results("smoothing")["settings"][0]
    cuts = [of["cut"] for of in smooth["flips"].values()]
    rates = smooth["rate_difference"]
    return [
        (
            "G1",
            "camera with 30 frames/s, classifier with 5 faces/s: results at most one frame and 1.5 inferences old "
            f"(95th percentile within {fresh['limit_ms']:.0f} ms), age grows by at most 1 ms per minute",
            f"{fresh['minutes']:.0f} min: 95th percentile {fresh['age_p95_ms']:.0f} ms; "
            f"{fresh['slope_ms_per_min']:+.2f} ms per minute",
            "freshness.py",
        ),
        (
            "G2",
            "captured = processed + dropped + in flight, at any time",
            f"checked {fresh['n_scrapes']:,} times, {fresh['n_wrong_scrapes']} violations; "
            f"{fresh['captured']:,} = {fresh['processed']:,} + {fresh['dropped']:,} + "
            f"{fresh['in_flight']}",
            "freshness.py",
        ),
        (
            "G3",
            "640x480, one face, two cores: at least 25 frames/s; latency from "
            "capture to the drawn image: 95th percentile within 120 ms",
            f"`{live['model']}`: {live['frames_per_s']:.1f} of 30 frames/s, {live['dropped']} of "
            f"{live['captured']:,} dropped; latency: median {live['delay_p50_ms']:.0f}, 95th percentile "
            f"{live['delay_p95_ms']:.0f} ms",
            "live.py",
        ),
        (
            "G4",
            "a lost source is detected within 5 s and reconnected within 2 s of its return; "
            "100 cycles leak no thread and no open file; stopping takes at most 2 s",
            f"{back['cycles']} cycles: detected within {back['noticed_max_s']:.1f} s, reconnected within "
            f"{back['back_max_s']:.1f} s; {back['more_threads']} threads and "
            f"{back['more_descriptors']} open files leaked; stopped in {back['stop_s']:.2f} s",
            "reconnect.py",
        ),
        (
            "G5",
            "label changes under noise reduced by at least 70 %; a clear change shown within "
            "400 ms; smoothing at 15, 30 and 60 frames/s equal within 0.05",
            f"reduced by {100 * min(cuts):.0f} to {100 * max(cuts):.0f} %; shown within "
            f"{1e3 * smooth['delays']['clear, 30 Hz']['max_s']:.0f} ms; "
            f"equal within {rates['smile in 0.5 s']:.3f} for a smile of 0.5 s onset, "
            f"{rates['smile in 0.3 s']:.4f} for 0.3 s; **not met** for an instantaneous "
            f"smile: {rates['sudden smile']:.2f}",
            "../experiments/smoothing.py",
        ),
        (
            "G6",
            "one face keeps one track number for 10 min; two crossing faces: IDF1 at least 0.95; a face hidden "
            "for half a second keeps its number",
            f"{identity['n_frames']:,} frames: {identity['n_ids']} number; crossing: IDF1 at least "
            f"{least:.2f}; hidden: {hidden['n_ids']} number",
            "identity.py, ../experiments/tracking.py",
        ),
        (
            "G7",
            "every decodable frame is read once, time stamps within 1 ms of the container's, also with a variable "
            "frame rate, rotation or B-frames",
            "met for every tested container and codec",
            "`pytest tests/contract/test_sources.py tests/unit/media`",
        ),
        (
            "G8",
            "108,000 frames: memory grows by at most 50 MB, peak 1.5 GB, speed of the last tenth at least "
            "95 % of the first",
            f"{hour['n_frames']:,} frames: growth {hour['growth_mb']:.0f} MB, peak "
            f"{hour['peak_mb']:.0f} MB, last tenth {100 * hour['last_tenth_over_first']:.0f} %",
            "hour.py",
        ),
        (
            "G9",
            "process killed while recording: the file can be opened and at most 2 s are lost, 20 of 20",
            f"{kill['n_opened']} of {kill['n_runs']} opened, at most "
            f"{kill['max_lost_s']:.2f} s lost",
            "recording_kill.py",
        ),
        *server_requirements(),
        (
            "G22",
            "the same video gives identical bytes: tables and annotated video",
            "met",
            "`pytest tests/integration/test_video_command.py -k same_bytes`",
        ),
        (
            "G25",
            "no hidden access: `image`, `video`, `live`, `serve` (except for its own socket) and Python open no internet "
            "socket, resolve no address and leave no unrequested file",
            f"{silence['seconds']:.0f} s each: {silence['n_calls']} calls, {silence['n_files']} files",
            "silence.py",
        ),
    ]


def command(name: str) -> str:
    """Return a script as a command."""
    if name.startswith("`"):
        return name
    scripts = [f"`{Path('docs/benchmarks', part)}`" for part in name.split(", ")]
    return ", ".join(scripts).replace("docs/benchmarks/../", "docs/")


def bench_rows(bench: dict[str, Any]) -> list[str]:
    """Return the table of `emolens bench`."""
    rows = [
        "| settings | threads | size | faces | frames/s | frame, ms | detection, ms | "
        "localization, ms | classification, ms | drawing, ms |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for case in bench["measurements"]:
        stages = case["stages_ms"]
        width, height = case["size_wh"]
        times = [cell(stages, stage) for stage in STAGES]
        rows.append(
            f"| {case['mode']} | {case['threads']} | {width}x{height} | {case['faces']} | "
            f"{case['frames_per_s']:.0f} | " + " | ".join(times) + " |"
        )
    return rows


def silence_rows(silence: dict[str, Any]) -> list[str]:
    """Return the table of network calls and unrequested files of every command."""
    rows = ["| | network calls | unrequested files |", "|---|---|---|"]
    for name, found in silence["runs"].items():
        rows.append(f"| {name} | {len(found['calls'])} | {len(found['files'])} |")
    return rows


STAGES: Sequence[str] = ("frame", "detection", "following", "classification", "drawing")


def cell(stages: dict[str, dict[str, float]], stage: str) -> str:
    """Return median and 95th percentile."""
    if stage not in stages:
        return "-"
    return f"{stages[stage]['p50']:.1f} / {stages[stage]['p95']:.1f}"


def peer_times(peers: dict[str, Any]) -> list[str]:
    """Return the table of times for images and frames, compared with other programs."""
    sizes = list(peers["programs"]["emolens"]["clips"])
    rows = [
        "| | image | "
        + " | ".join(f"frame of {size}" for size in sizes)
        + " | first result | memory |",
        "|---" * (len(sizes) + 4) + "|",
    ]
    own = peers["programs"]["emolens"]
    for name, of in peers["programs"].items():
        cells = [peer_cell(of["images"], own["images"])]
        cells += [peer_cell(of["clips"].get(size), own["clips"][size]) for size in sizes]
        cells += [f"{of['first_answer_s']:.1f} s", f"{of['peak_mb']:,.0f} MB"]
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return rows


def peer_cell(of: dict[str, Any] | None, own: dict[str, Any]) -> str:
    """Return wall time, CPU time and the ratio to the wall time of emolens."""
    if of is None:
        return "-"
    times = of["wall_ms"] / own["wall_ms"]
    ratio = "" if of is own else f" ({times:.{1 if times < 10 else 0}f} x)"
    return f"{of['wall_ms']:.1f} / {of['cpu_ms']:.1f} ms{ratio}"


def peer_counts(peers: dict[str, Any]) -> list[str]:
    """Return the table of detected faces and of predictions that match FER2013's label."""
    grounds = list(next(iter(peers["fer2013"].values()), {}))
    heads = [f"FER2013 on {of}: detected | false positives | accuracy on these" for of in grounds]
    rows = [
        "| | " + " | ".join(["faces detected", "false positives", *heads]) + " |",
        "|---" * (3 + 3 * len(grounds)) + "|",
    ]
    for name in peers["every"]:
        images = peers["programs"].get(name, {}).get("images")
        labelled = peers["fer2013"].get(name, {})
        if not images and not labelled:
            continue
        cells = counted(images["counts"]) if images else ["-", "-"]
        for of in (labelled.get(ground) for ground in grounds):
            accuracy = f"{100 * of['right'] / max(1, of['found']):.1f} %" if of else "-"
            cells += [*(counted(of) if of else ["-", "-"]), accuracy]
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return rows


def counted(of: dict[str, Any]) -> list[str]:
    """Return the number of detected faces and of false positives."""
    return [f"{of['found']} of {of['shown']}", str(of["false"])]


def other_programs() -> list[str]:
    """Return the section about other programs."""
    peers = results("peers")
    packages = ("emolens", "fer", "deepface", "tensorflow", "onnxruntime")
    versions = {
        of: seen
        for program in peers["programs"].values()
        for of, seen in program["versions"].items()
    }
    listed = ", ".join(f"{of} {versions[of]}" for of in packages if of in versions)
    images = peers["programs"]["emolens"]["images"]["counts"]
    every = [
        f"one in {n} for {name}"
        for name, n in peers["every"].items()
        if n > 1 and name in peers["programs"]
    ]
    low, high = peers["face_px"]
    own = peers["own"]
    return [
        "## Comparison with other programs",
        "",
        "`make peers` (or `python docs/benchmarks/peers.py --data fer2013 --json docs/metrics/peers.json`, then "
        "`python docs/benchmarks/page.py`). All programs get the same images and clips. Each runs in its own "
        f"environment, with {peers['threads']} threads on as many processors. {listed}; {peers['processor']}, "
        f"{peers['machine']}, Python {peers['python']}, {peers['date']}."
        + (f" {peers['warning']}" if peers["warning"] else ""),
        "",
        "Times are wall time / CPU time, as medians of "
        f"{peers['rounds']} alternating rounds. In brackets: the ratio to the wall time of emolens. Times include "
        "reading the file, but not loading the models. `first result` is the time from the start of the process to "
        "the faces of the first image, `memory` the peak memory. Clips are files of "
        f"{peers['clip_seconds']:.0f} s with {peers['clip_hz']} frames/s and one face. `emolens` detects faces "
        "10 times a second and localizes them in between, its default; `every frame` detects them in each frame. "
        "The other programs process single frames only. To limit the run time, they get an evenly spaced subset "
        f"of the frames: {', '.join(every)}. fer is called frame by frame, because its class for videos writes a "
        "copy of each video. `fer` detects faces with OpenCV's cascade, `fer, MTCNN` with a network. "
        "`deepface, faces only` is its default detector without classification.",
        "",
        *peer_times(peers),
        "",
        *[f"Not measured: {name}: {reason}." for name, reason in peers["not_measured"].items()],
        "",
        f"The {images['images']} images show {images['shown']} faces of {low} to {high} px of two subjects "
        "(sample images of scikit-image and matplotlib, mirrored, lighter and darker) on photographs without people. A "
        "face is detected if the centre of a box lies in it and the box is 0.4 to 2.5 times as wide. FER2013's "
        "faces (PublicTest) were enlarged and pasted on plain grey and on the same photographs, up to three per "
        "image. They are cropped at the edge of the face, unlike faces in photographs, which makes detection harder. "
        "fer's network was trained on FER2013 as well. `emolens` is the default model, whose output lies between "
        "the majority vote and FER2013's label; `labels` is the model for labels.",
        "",
        *peer_counts(peers),
        "",
        f"`emolens image IMAGE`, from the shell command to its output: {own['command_s']:.2f} s. `emolens live` on the "
        f"640x480 clip, including the drawing for its window: {own['results_per_s']:.0f} results/s at full speed. At "
        f"{peers['clip_hz']} frames/s it uses {100 * own['cores_at_30_hz']:.0f} % of one core and drops "
        f"{own['dropped_at_30_hz']} of {own['frames']}.",
        "",
    ]


def page() -> str:
    """Return the page."""
    bench, small, silence = results("bench"), results("whole-chain-live"), results("silence")
    rows = [f"| {n} | {p} | {m} | {command(c)} |" for n, p, m, c in requirements()]
    return "\n".join(
        [
            "# Benchmarks",
            "",
            "Requirements for videos, cameras and the server, and their measurements. Device: "
            "an Intel Xeon with two cores, on 25 November 2026. Benchmarks that depend on the speed of detection "
            f"(G3, G6, speed, server, other programs): {bench['processor']}, {bench['machine']}, on 27 November. "
            "`make soak` runs all benchmarks (about two hours, close other programs first) and writes this page. "
            "Shortened versions are part of the tests.",
            "",
            "| | requirement | result | script |",
            "|---|---|---|---|",
            *rows,
            "",
            "## Silence",
            "",
            f"`python docs/benchmarks/silence.py --seconds {silence['seconds']:.0f}`: each command runs in an empty "
            "folder with an empty home, without the variable `CI`, which disables the telemetry of some libraries. "
            "Calls of native libraries are recorded too (by a small C library that is loaded before them). With "
            f"ONNX Runtime {silence['onnxruntime']}:",
            "",
            *silence_rows(silence),
            "",
            "Two libraries need precautions. ONNX Runtime (1.29 and newer) creates a device id and "
            "a database in the user's cache folder when it is imported, and resolves the address of its vendor's "
            "telemetry server 10 s later. emolens disables this for its own import. A program that imports "
            "`onnxruntime` before emolens has to set `ORT_DISABLE_TELEMETRY=1` itself. The trackers import `requests`, "
            "which opens a socket to test for IPv6. emolens prevents that import. Pages with plots and "
            "training write matplotlib's font list to a temporary folder. emolens uses the network only on request: "
            "for `emolens models fetch`, and for cameras and videos with a URL.",
            "",
            "## Speed",
            "",
            "`emolens bench --json docs/metrics/bench.json`: generated clips, the model "
            f"`{bench['model']}`, times "
            "as median / 95th percentile. The detector runs on every third of 30 frames/s. In the other frames, known "
            "faces are localized near their expected position. The median frame is therefore one without detection, "
            "the 95th percentile one with detection. `live` "
            "and `video` both detect at 640 px, `live` with CenterFace at 320 px. The decoded clips are "
            "synthetic. Measure your own device and video with `emolens bench --source film.mp4`.",
            "",
            *bench_rows(bench),
            "",
            f"Accuracy at the settings of `live`: {small['n']} FER2013 PublicTest faces were enlarged to "
            f"{48 * small['factor']:.0f} px on an image of 640x480. `live` detects "
            f"{100 * small['share_detected']:.1f} % of them and classifies {100 * small['accuracy_whole_chain']:.1f} % of these "
            f"correctly, compared with {100 * small['accuracy_face_crops']:.1f} % of the same faces as face "
            "crops (`python docs/experiments/whole_chain.py fer2013 --model labels --detector-px 640 --factor 2`).",
            "",
            *server_section(),
            *other_programs(),
        ]
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    SERVER_PAGE.write_text(with_speed(SERVER_PAGE.read_text(encoding="utf-8")), encoding="utf-8")
