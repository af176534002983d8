"""How the learning rate goes over a phase."""

import math

import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler


def warmed_cosine(
    optimizer: torch.optim.Optimizer, n_steps: int, warmup_share: float
) -> OptimizerLRScheduler:
    """Let the rate rise in a line and fall to 0 along a cosine, step by step.

    Args:
        optimizer: Its rates are the highest ones.
        n_steps: Steps of the whole phase.
        warmup_share: Part of them over which the rate rises, 0 and up; the last step is never one.

    Returns:
        What Lightning's `configure_optimizers` gives.

    Source:
        Loshchilov and Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts",
        equation 5, without restarts.
    """
    n_warmup = min(round(n_steps * warmup_share), n_steps - 1)

    def factor(step: int) -> float:
        if step < n_warmup:
            return (step + 1) / n_warmup
        part = (step - n_warmup) / max(n_steps - n_warmup, 1)
        return 0.5 * (1 + math.cos(math.pi * min(part, 1.0)))

    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}
