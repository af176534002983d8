"""Training losses: cross-entropy with corrections for imbalance, FER+'s votes and teachers."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from emolens.core.emotion import N_EMOTIONS
from emolens.training.recipe import LossSection

# Cui et al. 2019 use 0.9 to 0.9999. Beyond 1 / (1 - beta) faces, here a thousand, more of them
# hardly change the weight. FER2013's rarest class has fewer, the others have more.
_EFFECTIVE_BETA = 0.999


def class_weights(
    kind: str, class_counts: npt.NDArray[np.int64], classes: Sequence[int]
) -> npt.NDArray[np.float64]:
    """Compute class weights float64 (7,) with mean 1 over the training faces; 0 for other classes.

    Args:
        kind: `none`, `sqrt`, `inverse` or `effective`, as in `LossSection.class_weights`.
        class_counts: int64 (7,), training faces per class, above 0 for every one of `classes`.
        classes: The predicted classes.

    Source:
        `effective`: Cui et al. 2019, "Class-Balanced Loss Based on Effective Number of Samples",
        equation 2.
    """
    weights = np.zeros(N_EMOTIONS)
    counts = class_counts[list(classes)].astype(np.float64)
    of_kind = {
        "none": np.ones_like(counts),
        "sqrt": counts**-0.5,
        "inverse": 1 / counts,
        "effective": 1 / (1 - _EFFECTIVE_BETA**counts),
    }[kind]
    weights[list(classes)] = of_kind * counts.sum() / (of_kind * counts).sum()
    return weights


class ExpressionLoss(nn.Module):
    """Mean loss of a batch against soft labels."""

    def __init__(
        self, spec: LossSection, class_counts: npt.NDArray[np.int64], classes: Sequence[int]
    ) -> None:
        super().__init__()
        self.spec = spec
        present = np.isin(np.arange(N_EMOTIONS), list(classes))
        weights = class_weights(spec.class_weights, class_counts, classes)
        priors = np.where(present, class_counts, 1) / class_counts[present].sum()
        self.weights: Tensor
        self.log_priors: Tensor
        for name, values in {"weights": weights, "log_priors": np.log(priors)}.items():
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32), persistent=False)

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Compute the mean loss of logits (N, 7) against weighted target probabilities (N, 7)."""
        spec = self.spec
        if spec.logit_adjustment:
            logits = logits + spec.logit_adjustment * self.log_priors
        log_shares = nn.functional.log_softmax(logits, dim=1)
        losses = -targets * self.weights * log_shares
        if spec.focal_gamma:
            losses = losses * (1 - log_shares.exp()) ** spec.focal_gamma
        return losses.sum(dim=1).mean()


def vote_loss(vote_logits: Tensor, shares: Tensor) -> Tensor:
    """Compute the cross-entropy of logits (N, 10) against the shares of FER+'s votes (N, 10).

    It is the mean over the faces with votes. Faces without votes have zeros. Mixed faces count by
    their share.
    """
    losses = -shares * nn.functional.log_softmax(vote_logits, dim=1)
    return losses.sum() / shares.sum().clamp_min(torch.finfo(shares.dtype).tiny)


def choose_likeliest(targets: Tensor, logits: Tensor) -> Tensor:
    """Reduce the classes with the highest target to the most likely one.

    Args:
        targets: (N, 7); several classes of a row may have the highest value.
        logits: (N, 7), outputs of the network.

    Returns:
        (N, 7) with the highest value once per row. The other classes that had it get the lowest
        value of the row.

    Source:
        Barsoum et al. 2016, "Training Deep Networks for Facial Expression Recognition with
        Crowd-Sourced Label Distribution", the multi-label loss: the largest log-probability among
        the correct classes.
    """
    is_correct = targets == targets.max(dim=1, keepdim=True).values
    likeliest = logits.detach().masked_fill(~is_correct, -torch.inf).argmax(dim=1, keepdim=True)
    is_likeliest = torch.zeros_like(is_correct).scatter(1, likeliest, value=True)
    return torch.where(is_correct & ~is_likeliest, targets.min(dim=1, keepdim=True).values, targets)


def distillation_loss(logits: Tensor, teacher_logits: Tensor, temperature: float) -> Tensor:
    """Compute the KL divergence of softened logits (N, 7), scaled to keep the size of gradients.

    Source:
        Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network", section 2:
        the factor T^2.
    """
    return temperature**2 * nn.functional.kl_div(
        nn.functional.log_softmax(logits / temperature, dim=1),
        nn.functional.log_softmax(teacher_logits / temperature, dim=1),
        reduction="batchmean",
        log_target=True,
    )
