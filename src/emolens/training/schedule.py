"""Learning-rate schedule of a phase."""

import math

import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler


def warmed_cosine(
    optimizer: torch.optim.Optimizer, n_steps: int, warmup_share: float
) -> OptimizerLRScheduler:
    """Build a schedule of linear warm-up and cosine decay to 0, per step.

    Args:
        optimizer: The optimiser; its learning rates are the peak rates.
        n_steps: Steps of the phase.
        warmup_share: Fraction of the steps for the warm-up, 0 or more. The last step is never part
            of it.

    Returns:
        The return value of Lightning's `configure_optimizers`.

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
