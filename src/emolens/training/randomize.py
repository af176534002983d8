"""Networks that have learnt nothing, to hold the maps of trained ones against.

Source: Adebayo et al. 2018, "Sanity Checks for Saliency Maps", section 3.
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

# A run begins with the weights of its own seed and keeps some of them to the end, a head half of
# them: drawn from the same seed, new weights would not be new. Far from the seeds that people
# choose, and within the 32 bits that torch looks at.
_SEED_OFFSET = 3_000_000_000
_STORED = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT8)


def randomized_network(
    network: ExpressionNetwork, recipe: Recipe, *, seed: int, n_stages: int | None = None
) -> ExpressionNetwork:
    """A copy whose last stages are as new: the cascading randomisation of the source.

    Args:
        network: A trained network.
        recipe: What it was built from.
        seed: Of the new weights, 0 or more; never those that a training begins with.
        n_stages: How many of the last stages lose what they learnt, 1 for the head alone; by
            default all of them, the stem included.

    Returns:
        A new network in evaluation mode; the one given stays as it is.

    Raises:
        ConfigError: The network has fewer stages.
    """
    n_all = network.n_stages + 1
    n_fresh = n_all if n_stages is None else n_stages
    if not 1 <= n_fresh <= n_all:
        raise ConfigError(f"n_stages must be 1 to {n_all} for this network, got {n_fresh}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED_OFFSET + seed)
        fresh = build_network(recipe)
    learnt = {
        name: values
        for name, values in network.state_dict().items()
        if network.stage_of(name) < n_all - n_fresh
    }
    fresh.load_state_dict({**fresh.state_dict(), **learnt})
    return fresh.eval()


def randomized_model(content: bytes, *, seed: int) -> bytes:
    """A model file whose weights stand in random order, each tensor's within itself.

    Every layer keeps the size of its numbers, so the activations stay in range, and knows nothing
    any more. Biases stay.

    Args:
        content: A model file that computes in float32.
        seed: Of the order.

    Returns:
        A sealed model file with the name of the first and `-randomised`.

    Raises:
        ModelError: It is no model file of ours, or one with 8-bit arithmetic.
    """
    graph = onnx.load_from_string(content)
    metadata = {entry.key: entry.value for entry in graph.metadata_props}
    manifest = ModelManifest.from_json(metadata.get(MANIFEST_KEY, ""))
    tensors = list(graph.graph.initializer)
    if any(node.op_type in {"QuantizeLinear", "QLinearConv"} for node in graph.graph.node):
        raise ModelError(
            f"the model {manifest.name} has 8-bit arithmetic; take the one that it was made from"
        )
    rng = np.random.default_rng(seed)
    for tensor in tensors:
        # The steps of filters in bytes, one a filter, stay as biases do.
        if tensor.data_type in _STORED and max(tensor.dims[1:], default=1) > 1:
            values = numpy_helper.to_array(tensor)
            shuffled = rng.permutation(values.ravel()).reshape(values.shape)
            tensor.CopyFrom(numpy_helper.from_array(shuffled, tensor.name))
    name = f"{manifest.name}-randomised"
    return seal(with_manifest(graph, replace(manifest, name=name, sha256=BLANK_SHA256, metrics={})))
