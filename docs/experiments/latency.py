"""Measure the milliseconds per face on one CPU thread, for model files and recipes.

python docs/experiments/latency.py everyday labels labels-small --json docs/metrics/latency.json
python docs/experiments/latency.py recipes/small.toml
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from emolens.core.manifest import InputSpec
from emolens.runtime.model_file import load_emotion_model
from emolens.runtime.session import OnnxSession

N_WARM = 20
N_TIMED = 2000


def session_of(name: str) -> tuple[OnnxSession, InputSpec, float]:
    """Return a single-threaded session, its input and the size of its file in MB."""
    if not name.endswith(".toml"):
        model = load_emotion_model(name, n_threads=1)
        return model.session, model.manifest.input, model.size_bytes / 1e6
    from emolens.training.architectures import build_network
    from emolens.training.export import deployable
    from emolens.training.networks import LogitsAndCam
    from emolens.training.onnx_graph import store_weights_compactly, to_graph
    from emolens.training.recipe_file import load_recipe

    network = build_network(load_recipe(Path(name))).eval()
    spec = network.input_spec
    graph = store_weights_compactly(to_graph(deployable(LogitsAndCam([network])), spec.size_px))
    content = graph.SerializeToString()
    return OnnxSession(content, name=name, n_threads=1), spec, len(content) / 1e6


def main() -> None:
    """Print one Markdown row per model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = {}
    print("| model | MB | ms per face: minimum | median | 95th percentile |")
    print("|---|---|---|---|---|")
    for name in options.models:
        session, spec, size_mb = session_of(name)
        face = np.zeros((1, 1, spec.size_px, spec.size_px), np.float32)
        durations_ms = []
        for index in range(N_WARM + N_TIMED):
            started_s = time.perf_counter()
            session.run({session.input_names[0]: face}, ["logits"])
            if index >= N_WARM:
                durations_ms.append(1e3 * (time.perf_counter() - started_s))
        least, median, p95 = np.percentile(durations_ms, [0, 50, 95])
        print(f"| {name} | {size_mb:.1f} | {least:.2f} | {median:.2f} | {p95:.2f} |")
        results[name] = {"size_mb": size_mb, "least_ms": least, "median_ms": median, "p95_ms": p95}
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
