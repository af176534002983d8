"""Networks with randomised weights, as a baseline for activation maps.

Source:
    Adebayo et al. 2018, "Sanity Checks for Saliency Maps", section 3.
"""

from dataclasses import replace

import numpy as np
import onnx
import torch
from onnx import TensorProto, numpy_helper

from emolens.core.errors import ConfigError, ModelError
from emolens.core.manifest import BLANK_SHA256, ModelManifest
from emolens.runtime.model_file import MANIFEST_KEY, seal
from emolens.training.architectures import build_network
from emolens.training.networks import ExpressionNetwork
from emolens.training.onnx_graph import with_manifest
from emolens.training.recipe import Recipe

# A trained head is still half its initial weights, so the seed must differ from that of the
# training. This offset is far from usual seeds and within torch's 32 bits.
_SEED_OFFSET = 3_000_000_000
_STORED = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT8)


def randomized_network(
    network: ExpressionNetwork, recipe: Recipe, *, seed: int, n_stages: int | None = None
) -> ExpressionNetwork:
    """Copy a network and randomise its last stages (cascading randomisation of the source).

    Args:
        network: A trained network.
        recipe: Recipe of the network.
        seed: Seed of the new weights, 0 or more. They differ from the initial weights of training.
        n_stages: Number of last stages to randomise, 1 for the head alone; by default all,
            including the stem.

    Returns:
        A new network in evaluation mode. The given one does not change.

    Raises:
        ConfigError: The network has fewer stages.
    """
    n_all = network.n_stages + 1
    n_fresh = n_all if n_stages is None else n_stages
    if not 1 <= n_fresh <= n_all:
        raise ConfigError(f"n_stages must be 1 to {n_all} for this network; got {n_fresh}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED_OFFSET + seed)
        fresh = build_network(recipe)
    kept = {
        name: values
        for name, values in network.state_dict().items()
        if network.stage_of(name) < n_all - n_fresh
    }
    fresh.load_state_dict({**fresh.state_dict(), **kept})
    return fresh.eval()


def randomized_model(content: bytes, *, seed: int) -> bytes:
    """Shuffle the weights of a model file within each tensor.

    Every layer keeps the distribution of its weights, so the activations stay in range. Biases do
    not change.

    Args:
        content: A model file that computes in float32.
        seed: Seed of the permutation.

    Returns:
        A sealed model file with `-randomised` appended to its name.

    Raises:
        ModelError: It is not a model file of emolens, or has 8-bit arithmetic.
    """
    graph = onnx.load_from_string(content)
    metadata = {entry.key: entry.value for entry in graph.metadata_props}
    manifest = ModelManifest.from_json(metadata.get(MANIFEST_KEY, ""))
    tensors = list(graph.graph.initializer)
    if any(node.op_type in {"QuantizeLinear", "QLinearConv"} for node in graph.graph.node):
        raise ModelError(f"the model {manifest.name} has 8-bit arithmetic; use its float32 version")
    rng = np.random.default_rng(seed)
    for tensor in tensors:
        # The steps of 8-bit filters, one per filter, do not change either.
        if tensor.data_type in _STORED and max(tensor.dims[1:], default=1) > 1:
            values = numpy_helper.to_array(tensor)
            shuffled = rng.permutation(values.ravel()).reshape(values.shape)
            tensor.CopyFrom(numpy_helper.from_array(shuffled, tensor.name))
    name = f"{manifest.name}-randomised"
    return seal(with_manifest(graph, replace(manifest, name=name, sha256=BLANK_SHA256, metrics={})))
