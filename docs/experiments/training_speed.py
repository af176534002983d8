"""Time one training step of several networks, in float32 and in bfloat16, plain and compiled.

python docs/experiments/training_speed.py
"""

import argparse
import time

import torch
from torch import nn

from emolens.training.architectures import build_network
from emolens.training.recipe import Recipe

SIZE_PX = 48
N_FACES = 128
N_WARM_UP, N_STEPS = 3, 12
NETWORKS = {
    "32-256, 2-2-2-1, stride 1": ((2, 2, 2, 1), (32, 64, 128, 256), 16, 1),
    "40-320, 2-2-2-2, stride 2": ((2, 2, 2, 2), (40, 80, 160, 320), 20, 2),
    "48-384, 2-2-2-2, stride 2": ((2, 2, 2, 2), (48, 96, 192, 384), 24, 2),
    "64-512, 2-2-2-2, stride 2": ((2, 2, 2, 2), (64, 128, 256, 512), 32, 2),
}


def count_mmac(network: nn.Module) -> float:
    """Count the multiply-accumulates of the convolutions for one face, in millions."""
    total = 0

    def add(module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        nonlocal total
        total += sum(p.numel() for p in module.parameters()) * output.shape[2] * output.shape[3]

    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    hooks = [module.register_forward_hook(add) for module in convolutions]
    with torch.inference_mode():
        network.eval()(torch.zeros(1, 1, SIZE_PX, SIZE_PX))
    for hook in hooks:
        hook.remove()
    return total / 1e6


def step_ms(network: nn.Module, *, bf16: bool, compiled: bool) -> float:
    """Measure the mean milliseconds of forward, backward and AdamW for one batch."""
    network = network.train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3)
    forward = torch.compile(network) if compiled else network
    faces = torch.randn(N_FACES, 1, SIZE_PX, SIZE_PX).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(0, 7, (N_FACES,))
    started = 0.0
    for index in range(N_WARM_UP + N_STEPS):
        if index == N_WARM_UP:
            started = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            loss = nn.functional.cross_entropy(forward(faces).float(), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return (time.perf_counter() - started) / N_STEPS * 1e3


def main() -> None:
    """Print one Markdown row per network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    torch.set_num_threads(parser.parse_args().threads)
    torch.set_flush_denormal(True)
    print("| network | MMAC | parameters | fp32 | bf16 autocast | bf16, compiled |")
    print("|---|---|---|---|---|---|")
    for name, (blocks, channels, stem_channels, stem_stride) in NETWORKS.items():
        section = {
            "blocks": blocks,
            "channels": channels,
            "stem_channels": stem_channels,
            "stem_stride": stem_stride,
        }
        values = {"name": "speed", "data": {"source": "none"}, "network": section}
        network = build_network(Recipe.model_validate(values))
        n_parameters = sum(p.numel() for p in network.parameters()) / 1e6
        cells = [
            f"{step_ms(network, bf16=bf16, compiled=compiled):.0f}"
            for bf16, compiled in ((False, False), (True, False), (True, True))
        ]
        print(
            f"| {name} | {count_mmac(network):.0f} | {n_parameters:.1f} M | {' | '.join(cells)} |"
        )


if __name__ == "__main__":
    main()
