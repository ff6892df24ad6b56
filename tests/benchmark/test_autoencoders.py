"""The published autoencoder is built from the names in its files."""

import pytest
import torch
from diffusers import AutoencoderTiny

from benchmark.studies import autoencoders
from inpainters.errors import InputError


def published(folder, **changes):
    """Files of random weights under the publisher's names: the decoder begins by a clamp, inner blocks
    pool.
    """
    torch.manual_seed(0)
    plain = AutoencoderTiny(latent_channels=32)
    for part, shift in (("encoder", 0), ("decoder", 1)):
        given = {}
        for key, tensor in getattr(plain, part).layers.state_dict().items():
            place, _, rest = key.partition(".")
            given[f"{int(place) + shift}.{rest}"] = torch.randn_like(tensor) * 0.05
        inner = 11 if part == "encoder" else 3
        given |= {
            f"{inner}.pool.0.weight": torch.randn(256, 64, 1, 1) * 0.1,
            f"{inner}.pool.1.weight": torch.ones(256),
            f"{inner}.pool.1.bias": torch.zeros(256),
            f"{inner}.pool.3.weight": torch.randn(64, 256, 1, 1) * 0.1,
        }
        torch.save(given | changes.get(part, {}), folder / f"taef2_{part}.pth")


def test_all_weights_find_their_place(tmp_path):
    published(tmp_path)
    net = autoencoders.taef2(tmp_path)
    given = torch.load(tmp_path / "taef2_encoder.pth", weights_only=True)
    block = net.encoder.layers[11]
    assert torch.equal(block.pool[3].weight, given["11.pool.3.weight"])
    assert torch.equal(block.block.conv[2].weight, given["11.conv.2.weight"])
    x = torch.rand(1, 64, 8, 8)
    assert torch.equal(block(x), block.block(x + block.pool(x)))
    latent = net.encoder.layers(torch.rand(1, 3, 64, 64))
    assert latent.shape == (1, 32, 8, 8)
    assert net.decoder.layers(latent).shape == (1, 3, 64, 64)


def test_other_weights_get_a_sentence(tmp_path):
    published(tmp_path, encoder={"0.weight": torch.zeros(8, 3, 3, 3)})
    with pytest.raises(InputError, match=r"not the weights of TAEF2 \(size mismatch"):
        autoencoders.taef2(tmp_path)
