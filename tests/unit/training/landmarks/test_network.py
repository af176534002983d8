import torch

from emolens.training.landmarks.network import LandmarkNetwork
from emolens.training.landmarks.recipe import LandmarkNetworkSection


def trained() -> LandmarkNetwork:
    """A network whose batch statistics are those of some close-ups."""
    torch.manual_seed(0)
    network = LandmarkNetwork(LandmarkNetworkSection())
    network(torch.rand(32, 1, 64, 64) * 255)
    return network.eval()


def test_it_begins_with_a_face_in_the_middle() -> None:
    found = trained()(torch.rand(3, 1, 64, 64) * 255)
    assert found.landmarks.shape == (3, 5, 2)
    assert found.boxes.shape == (3, 4)
    assert found.faces.shape == (3,)
    right_eye, left_eye, nose, right_mouth, left_mouth = found.landmarks[0]
    assert right_eye[0] < nose[0] < left_eye[0]
    assert right_mouth[0] < left_mouth[0]
    assert right_eye[1] < nose[1] < right_mouth[1]
    assert (found.boxes[:, 2:] > 0.4).all()


def test_light_does_not_matter() -> None:
    network, closeup = trained(), torch.rand(1, 1, 64, 64) * 100 + 100
    plain, dark = network(closeup), network(0.5 * closeup - 20)
    torch.testing.assert_close(plain.landmarks, dark.landmarks, atol=3e-3, rtol=0)


def test_a_flat_close_up_gives_finite_numbers() -> None:
    found = trained()(torch.full((1, 1, 64, 64), 90.0))
    assert all(torch.isfinite(answer).all() for answer in found)


def test_a_close_up_does_not_depend_on_the_others() -> None:
    network, closeups = trained(), torch.rand(4, 1, 64, 64) * 255
    together = network(closeups)
    alone = network(closeups[2:3])
    torch.testing.assert_close(together.landmarks[2:3], alone.landmarks, atol=1e-5, rtol=0)


def test_it_fits_into_400_kilobytes_of_two_bytes_a_weight() -> None:
    network = LandmarkNetwork(LandmarkNetworkSection())
    assert 2 * sum(weights.numel() for weights in network.parameters()) < 400_000
