import torch

from msc_kedro.agent.qformer import QFormer, QFormerConfig, time_features

CONFIG = QFormerConfig(layers=3, width=32, heads=4, queries=5, key_value_width=24)


def qformer(**kwargs):
    torch.manual_seed(0)
    return QFormer(CONFIG, input_width=7, output_width=16, output_scale=0.1, **kwargs).eval()


def frames(u=3, f=6):
    draw = torch.Generator().manual_seed(1)
    return (
        torch.randn(u, f, 7, generator=draw),
        torch.arange(f).expand(u, f) / 3,
        torch.ones(u, f, dtype=torch.bool),
    )


def test_gives_so_many_vectors_per_utterance():
    assert qformer()(*frames()).shape == (3, 5, 16)


def test_the_shape_is_blip_2s():
    blip2 = QFormerConfig(layers=12, width=768, heads=12, queries=32, key_value_width=1408)
    with torch.device("meta"):
        made = QFormer(blip2, input_width=512, output_width=4096, output_scale=0.1)
    crossing = [layer.cross is not None for layer in made.layers]
    assert crossing == [True, False] * 6
    inner = [
        p for n, p in made.named_parameters() if n.split(".")[0] not in ("front", "back", "time")
    ]
    assert 104e6 < sum(p.numel() for p in inner) < 106e6  # originals: about 105 M


def test_padding_changes_nothing():
    model = qformer()
    values, times, mask = frames()
    alone = model(values[:1, :4], times[:1, :4], mask[:1, :4])
    mask[0, 4:] = False
    values[0, 4:] = 1e3
    assert torch.allclose(model(values, times, mask)[:1], alone, atol=1e-6)


def test_an_utterance_without_frames_gives_zeros_and_clean_gradients():
    model = qformer()
    values, times, mask = frames()
    mask[1] = False
    out = model(values, times, mask)
    assert not out[1].any() and out[0].any()
    out.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


def test_time_is_silent_at_first_and_can_be_learned():
    model = qformer()
    values, times, mask = frames()
    backwards = model(values.flip(1), times, mask)
    assert torch.allclose(model(values, times, mask), backwards, atol=1e-6)
    model(values, times, mask).square().sum().backward()
    assert model.time.weight.grad.abs().sum() > 0
    torch.nn.init.normal_(model.time.weight)
    assert not torch.allclose(
        model(values, times, mask), model(values.flip(1), times, mask), atol=1e-2
    )


def test_output_starts_at_the_scale_asked_for():
    torch.manual_seed(0)
    model = QFormer(QFormerConfig(), input_width=40, output_width=576, output_scale=0.13).eval()
    values = 50 * torch.randn(8, 9, 40).abs()  # whatever the encoder's own scale
    out = model(values, torch.zeros(8, 9), torch.ones(8, 9, dtype=torch.bool))
    assert 0.11 < out.std().item() < 0.15


def test_time_features_tell_near_and_far_times_apart():
    found = time_features(torch.tensor([[0.0, 0.02, 1.0, 60.0]]))[0]
    assert found.shape == (4, 64)
    apart = torch.cdist(found, found) + 10 * torch.eye(4)
    assert float(apart.min()) > 0.5
