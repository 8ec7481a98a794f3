"""Against transformers' own BLIP-2, on a tiny random checkpoint in shards."""

import json

import pytest
import torch

from msc_kedro.agent.blip2 import blip2_shape, read_blip2
from msc_kedro.agent.qformer import QFormer, QFormerConfig
from msc_kedro.errors import MscKedroError
from msc_kedro.models import weights

SHAPE = {"layers": 3, "width": 16, "heads": 2, "queries": 5, "key_value_width": 24}


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A whole BLIP-2 with random weights, and the folder that it saved its shards into."""
    from transformers import (
        Blip2Config,
        Blip2ForConditionalGeneration,
        Blip2QFormerConfig,
        Blip2VisionConfig,
        OPTConfig,
    )

    heads = {"num_attention_heads": 2}
    config = Blip2Config(
        vision_config=Blip2VisionConfig(
            hidden_size=24, intermediate_size=32, num_hidden_layers=1, image_size=14, **heads
        ).to_dict(),
        qformer_config=Blip2QFormerConfig(
            hidden_size=16,
            num_hidden_layers=3,
            intermediate_size=64,
            encoder_hidden_size=24,
            vocab_size=10,
            initializer_range=0.3,
            **heads,
        ).to_dict(),
        text_config=OPTConfig(
            hidden_size=16, num_hidden_layers=3, ffn_dim=64, vocab_size=400, **heads
        ).to_dict(),
        num_query_tokens=5,
    )
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = Blip2ForConditionalGeneration(config).eval()
        for name, parameter in model.named_parameters():  # biases and norms do not start at 0 or 1
            if name.startswith(("qformer", "query_tokens")):
                parameter.data += 0.1 * torch.randn(parameter.shape)
    folder = tmp_path_factory.mktemp("blip2")
    model.save_pretrained(folder, max_shard_size="20KB")
    return model, folder


def ours(start, *, seed=0, **kwargs):
    torch.manual_seed(seed)
    config = QFormerConfig(**{**SHAPE, "normalise_input": False, "dropout": 0.0, **kwargs})
    made = QFormer(config, input_width=7, output_width=12, output_scale=0.1).eval()
    start.put_into(made)
    return made


def frames(lengths=(6, 3, 1)):
    draw = torch.Generator().manual_seed(1)
    values = torch.randn(len(lengths), max(lengths), 7, generator=draw)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    times = torch.arange(max(lengths)).expand(mask.shape) / 3
    return values, times, mask


def test_the_output_is_blip_2s_with_the_time_embedding_there(published):
    model, folder = published
    made = ours(read_blip2(folder))
    values, times, mask = frames((6, 6))
    theirs = model.qformer(
        query_embeds=model.query_tokens.expand(2, -1, -1),
        encoder_hidden_states=made.front(values),
    ).last_hidden_state
    assert made.time.weight.shape == (24, 64) and not made.time.weight.any()
    assert torch.allclose(made(values, times, mask), made.back(theirs), atol=1e-5)
    torch.nn.init.normal_(made.time.weight)
    assert not torch.allclose(made(values, times, mask), made.back(theirs), atol=1e-3)


def test_true_lengths_are_masked_as_blip_2_masks(published):
    model, folder = published
    made = ours(read_blip2(folder))
    values, times, mask = frames()
    theirs = model.qformer(
        query_embeds=model.query_tokens.expand(3, -1, -1),
        encoder_hidden_states=made.front(values),
        encoder_attention_mask=mask,
    ).last_hidden_state
    assert torch.allclose(made(values, times, mask), made.back(theirs), atol=1e-5)


def test_only_the_q_formers_tensors_and_shards_are_read(published, tmp_path):
    _, folder = published
    needed = weights.needed_files(folder, ("qformer.", "query_tokens"))
    shards = sorted(path.name for path in folder.glob("*.safetensors"))
    assert len(needed) < len(shards)
    for name in (*needed, "config.json", "model.safetensors.index.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    assert set(read_blip2(tmp_path).tensors) == set(read_blip2(folder).tensors)
    found = weights.load_some_tensors(folder, ("qformer.", "query_tokens"))
    assert all(name.startswith(("qformer.", "query_tokens")) for name in found)
    (tmp_path / needed[0]).unlink()
    with pytest.raises(MscKedroError, match=f"{needed[0]} is missing"):
        read_blip2(tmp_path)


def test_video_and_audio_get_copies_of_their_own(published):
    start = read_blip2(published[1])
    video, audio = ours(start, seed=1), ours(start, seed=2)
    inner = {n for n, _ in video.named_parameters() if n.split(".")[0] not in ("front", "back")}
    pairs = [(dict(video.named_parameters())[n], dict(audio.named_parameters())[n]) for n in inner]
    assert all(torch.equal(one, other) and one is not other for one, other in pairs)
    assert not torch.equal(video.front.weight, audio.front.weight)
    kept = start.tensors["queries"].clone()
    with torch.no_grad():
        video.queries += 1
    assert not torch.equal(video.queries, audio.queries)
    assert torch.equal(start.tensors["queries"], kept)


def test_the_whole_inside_comes_from_the_checkpoint(published):
    start = read_blip2(published[1])
    made = ours(start)
    inside = {n for n, _ in made.named_parameters()} - set(start.tensors)
    assert inside == {"front.weight", "time.weight", "back.weight"}


def test_another_shape_is_refused(published):
    start = read_blip2(published[1])
    with pytest.raises(MscKedroError, match=r"layers is 2, expected 3; queries is 4, expected 5"):
        ours(start, layers=2, queries=4)


def test_what_is_no_blip_2_is_refused(published, tmp_path):
    with pytest.raises(MscKedroError, match=r"config.json is missing"):
        read_blip2(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    with pytest.raises(MscKedroError, match="names no qformer_config"):
        read_blip2(tmp_path)
    (tmp_path / "config.json").write_bytes((published[1] / "config.json").read_bytes())
    with pytest.raises(MscKedroError, match="holds no checkpoint"):
        read_blip2(tmp_path)


def test_an_index_that_leads_out_of_the_folder_is_refused(published, tmp_path):
    (tmp_path / "config.json").write_bytes((published[1] / "config.json").read_bytes())
    index = {"weight_map": {"query_tokens": "../model.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(MscKedroError, match="no file beside it"):
        read_blip2(tmp_path)


def test_prepared_once_it_is_the_q_former_alone(published, tmp_path):
    from msc_kedro.models.prepare import blip2_qformer

    blip2_qformer(published[1], tmp_path)
    one, other = read_blip2(published[1]), read_blip2(tmp_path)
    assert one.shape == other.shape
    assert all(torch.equal(one.tensors[n], other.tensors[n]) for n in one.tensors)
    whole = sum(path.stat().st_size for path in published[1].glob("*.safetensors"))
    assert (tmp_path / "model.safetensors").stat().st_size < whole / 2


def test_prepared_without_a_configuration_it_has_the_published_shape(published, tmp_path):
    """As conf/paper fetches it: one shard, which holds the whole Q-Former."""
    from msc_kedro.models.prepare import blip2_qformer

    fetched, made = tmp_path / "fetched", tmp_path / "made"
    published[0].save_pretrained(fetched)
    (fetched / "config.json").unlink()
    made.mkdir()
    blip2_qformer(fetched, made)
    with pytest.raises(MscKedroError, match=r"lacks 184 tensors .* is qformer.encoder.layer.3"):
        read_blip2(made)  # of the twelve layers expected it has three


def test_a_configuration_that_leaves_its_shape_out_is_the_published_one(published, tmp_path):
    """As the hub's does: transformers writes only what differs from its defaults."""
    settings = {"qformer_config": {"model_type": "blip_2_qformer"}}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    (tmp_path / "model.safetensors").write_bytes(
        next(p for p in published[1].glob("*.safetensors")).read_bytes()
    )
    with pytest.raises(MscKedroError, match=r"lacks \d+ tensors.*layer"):
        read_blip2(tmp_path)


def test_the_published_shape_is_transformers_default():
    from transformers import Blip2Config

    config, shape = Blip2Config(), blip2_shape()
    theirs = config.qformer_config
    assert (shape.layers, shape.width, shape.heads) == (
        theirs.num_hidden_layers,
        theirs.hidden_size,
        theirs.num_attention_heads,
    )
    assert shape.key_value_width == theirs.encoder_hidden_size == config.vision_config.hidden_size
    assert (shape.cross_every, shape.queries) == (2, config.num_query_tokens)
