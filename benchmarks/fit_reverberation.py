"""Fit the embedded estimator of clarity (C50) and noise, and say how well it does.

    python benchmarks/fit_reverberation.py SPEECH \
        --out src/msc_kedro/listening/reverberation.safetensors

SPEECH holds a folder per voice with dry recordings of single sentences in it (FLAC or WAV); a
folder `a+b` is a blend of the voices a and b. The weights in the repository were fitted to
Kokoro-82M (Apache-2.0): three sentences of each of its 28 English voices, and one of each of 116
blends of two of them (the weighted mean of their style vectors), spoken at 0.8
to 1.25 times the usual pace; the text is from MELD's training table. No voice, room, noise or
sentence of the demo is among them.

Every track is one to four sentences of one voice with pauses between, at a speed drawn for it, two
fifths of them through the vocoder that `synthesize` changes voices with; in a room drawn for it
(`made_rooms.py`): dense noise under an exponential decay behind a few single reflections (Polack
1988), a box by the image method (Allen and Berkley 1979), or none. Then noise of a random colour at
-3 to 60 dB, for two fifths AAC or Opus, and 16 bit. C50 is computed from the impulse response, SNR
from the two signals that were added. While fitting, cuts of 1 to 6 s are drawn from the tracks anew
each time. A fifth of the voices is held out, and all blends with them. Half an hour on one core.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import zlib
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import soundfile
import soxr
from made_rooms import RATE, c50_of, coloured, made_room, through_codec
from scipy.signal import oaconvolve

from msc_kedro.listening import reverberation
from msc_kedro.listening.reverberation import CONVOLUTIONS, HOP, WINDOW, band_levels
from msc_kedro.voice import bins

C50_DB = np.append(np.arange(-5.0, 60.0, 2.5), 60.0)  # what the outputs stand for
SNR_DB = np.arange(0.0, 60.1, 2.5)
TAPS = {"first": 5, "second": 5, "third": 3, "fourth": 3, "fifth": 3}
WIDTHS = (20, 64, 64, 64, 64, 64)
HEAD = 64
BLUR_DB = 2.0  # of the values that are to be told
NOISES = 3  # a room
VOCODED = 0.4  # of the rooms: speech that went through a vocoder
CODED = 0.4  # of the tracks
STEP_DB = 0.5  # of the levels as they are kept
CUTS_S = (1.0, 6.0)
BATCH = 64


def voices_in(folder: Path) -> tuple[dict[str, list[np.ndarray]], set[str]]:
    """Sentences [n] at 24 kHz by voice, and which voices are held out."""
    names = sorted(p.name for p in folder.iterdir() if p.is_dir())
    single = sorted((n for n in names if "+" not in n), key=lambda n: zlib.crc32(n.encode()))
    held = set(single[: len(single) // 5])
    found = {}
    for name in names:
        if "+" not in name or not held & set(name.split("+")):
            files = sorted([*(folder / name).glob("*.flac"), *(folder / name).glob("*.wav")])
            found[name] = [
                soxr.resample(*soundfile.read(f, dtype="float32"), 24_000) for f in files
            ]
    return found, held


def vocoded(sentences: list[np.ndarray], seed: int) -> list[np.ndarray]:
    """Each sentence in another manner, through the vocoder that `synthesize` uses.

    It smears sounds over some 10 ms, which must not be taken for a room.
    """
    from msc_kedro.speaking.world import reshape
    from msc_kedro.voice.manner import Identity, Manner, Speech

    random = np.random.default_rng(seed)
    return [
        reshape(
            Speech(sentence.astype(np.float32), 24_000),
            manner=Manner(semitones=random.uniform(-4, 4), range=random.uniform(0.4, 1.6)),
            identity=Identity(formant=random.uniform(0.9, 1.1)),
            tempo=random.uniform(0.85, 1.2),
        ).samples
        for sentence in sentences
    ]


def said(sentences: list[np.ndarray], random: np.random.Generator) -> np.ndarray:
    """One to four sentences of a voice with pauses between, at most 9 s."""
    speed = random.uniform(0.88, 1.14)
    parts = []
    for _ in range(random.integers(1, 5)):
        sentence = sentences[random.integers(len(sentences))]
        sentence = soxr.resample(sentence, 24_000, RATE / speed, quality="QQ").astype(np.float64)
        parts += [np.zeros(round(random.uniform(0.02, 0.7) * RATE)), sentence]
        parts[-1] *= 10 ** (random.uniform(-4, 4) / 20)
        # Not every sentence is said to its end, and speech often goes on where an utterance ends.
        if random.random() < 0.3:
            parts[-1] = parts[-1][: round(len(sentence) * random.uniform(0.3, 1.0))]
    dry = np.concatenate([*parts, np.zeros(round(random.uniform(0.0, 0.5) * RATE))])
    longest = round(random.uniform(3.0, 9.0) * RATE)
    start = random.integers(0, max(1, len(dry) - longest))
    return dry[start : start + longest]


def tracks(
    sentences: list[np.ndarray], random: np.random.Generator
) -> list[tuple[np.ndarray, float, float]]:
    """Levels of bands [f, 19] in steps below the loudest, C50 and SNR: one room, several noises."""
    dry = said(sentences, random)
    response = made_room(random)
    wet = oaconvolve(dry, response)[: len(dry)]
    spoken = np.convolve(dry**2, np.ones(160) / 160, "same") > 1e-4 * np.mean(dry**2)
    power = np.mean(wet[spoken] ** 2)
    found = []
    for _ in range(NOISES):
        snr_db = random.uniform(-3, 60)
        track = wet + np.sqrt(power / 10 ** (snr_db / 10)) * coloured(len(wet), random)
        track *= 10 ** (random.uniform(-30, -1) / 20) / np.max(np.abs(track))
        if random.random() < CODED:
            track = through_codec(track, random)[: len(wet)]
        track = np.round(track * 32_767) / 32_768
        levels = np.round(-band_levels(track.astype(np.float32)) / STEP_DB).astype(np.uint8)
        found.append((levels, c50_of(response), snr_db))
    return found


def all_tracks(folder: Path, rooms: int, seed: int) -> list[tuple[np.ndarray, float, float, bool]]:
    """Levels, C50, SNR and whether the voice is held out."""
    voices, held = voices_in(folder)
    changed = {name: vocoded(voices[name], number) for number, name in enumerate(sorted(voices))}
    # Half of the rooms with single voices, so that enough are with those held out.
    groups = [[n for n in sorted(voices) if ("+" in n) == blend] for blend in (False, True)]
    found = []
    start = time.monotonic()
    for number in range(rooms):
        random = np.random.default_rng([seed, number])
        group = groups[number % 2] or groups[0]
        name = group[random.integers(len(group))]
        speech = voices if number < (1 - VOCODED) * rooms else changed
        found += [(*one, name in held) for one in tracks(speech[name], random)]
        if (number + 1) % 500 == 0:
            print(
                f"{number + 1}/{rooms} rooms, {time.monotonic() - start:.0f} s",
                flush=True,
            )
    return found


def saved(found: list, file: Path) -> None:
    """Keep tracks, so that only the fit is redone."""
    levels, c50, snr, held = zip(*found, strict=True)
    np.savez(
        file,
        levels=np.concatenate(levels),
        counts=[len(one) for one in levels],
        told=np.stack([c50, snr, held], axis=1),
    )


def loaded(file: Path) -> list:
    """What `saved` kept."""
    kept = np.load(file)
    parts = np.split(kept["levels"], np.cumsum(kept["counts"])[:-1])
    return [(part, c, s, bool(h)) for part, (c, s, h) in zip(parts, kept["told"], strict=True)]


def network(torch):
    """The network of `reverberation.guess` as modules; input [b, 20, f] and [b, 19]."""

    class Estimator(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layers = []
            for (name, (stride, dilation)), wide, out in zip(
                CONVOLUTIONS.items(), WIDTHS, WIDTHS[1:], strict=False
            ):
                reach = dilation * (TAPS[name] // 2)
                layers += [
                    torch.nn.Conv1d(wide, out, TAPS[name], stride, reach, dilation),
                    torch.nn.BatchNorm1d(out),
                    torch.nn.ReLU(),
                ]
            self.trunk = torch.nn.Sequential(*layers)
            self.focus = torch.nn.Linear(WIDTHS[-1], WIDTHS[-1], bias=False)
            self.drop = torch.nn.Dropout(0.2)
            self.head = torch.nn.Linear(3 * WIDTHS[-1] + 19, HEAD)
            self.told = torch.nn.Linear(HEAD, len(C50_DB) + len(SNR_DB))

        def forward(self, frames, colour):
            hidden = self.trunk(frames).transpose(1, 2)  # [b, f, d]
            focus = self.focus(hidden).softmax(dim=1)
            focused = (hidden * focus).sum(dim=1)
            spread = (hidden.var(dim=1, unbiased=False) + 1e-6).sqrt()
            pooled = torch.cat([hidden.mean(dim=1), spread, focused, colour], dim=1)
            return self.told(self.drop(self.head(self.drop(pooled)).relu()))

    return Estimator()


def seen_by_network(torch, levels):
    """`reverberation.network_input` for a batch [b, f, 19]: [b, 20, f] and [b, 19]."""
    together = 10 * torch.log10(torch.sum(10 ** (levels / 10), dim=2, keepdim=True))
    each = torch.cat([levels, together], dim=2)
    loud = torch.quantile(each, reverberation.LOUD, dim=1)
    below = torch.clamp(each - loud[:, None], min=-80.0) / 20
    return below.transpose(1, 2), (loud[:, :-1] - loud[:, -1:]) / 20 + 1


def blurred(torch, values, places):
    """Shares of `places` [k] that stand for values [b], [b, k]; beyond the ends is at the ends."""
    values = values.clamp(float(places[0]), float(places[-1]))
    return (-0.5 * ((values[:, None] - places) / BLUR_DB) ** 2).softmax(dim=1)


def fitted(found: list, epochs: int, seed: int, progress=print):
    """A network fitted to tracks: its distribution of C50 and SNR by cross entropy."""
    import torch

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    model = network(torch)
    random = np.random.default_rng(seed)
    steps = epochs * (len(found) // BATCH)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, steps, pct_start=0.1)
    places = [torch.tensor(p, dtype=torch.float32) for p in (C50_DB, SNR_DB)]
    found = sorted(found, key=lambda one: len(one[0]))
    counts = np.array([len(one[0]) for one in found])
    start, running = time.monotonic(), 0.0
    for step in range(steps):
        frames = round(random.uniform(*CUTS_S) * RATE / HOP)
        long_enough = int(np.searchsorted(counts, frames))
        long_enough = max(0, min(long_enough, len(found) - 10 * BATCH))
        chosen = random.integers(long_enough, len(found), BATCH)
        frames = min(frames, int(counts[long_enough]))
        cuts = []
        for one in chosen:
            whole = found[one][0]
            place = random.integers(0, len(whole) - frames + 1)
            cuts.append(whole[place : place + frames])
        levels = torch.from_numpy(np.stack(cuts)).float() * -STEP_DB
        below, colour = seen_by_network(torch, levels)
        told = model(below, colour + 0.1 * torch.randn_like(colour))
        loss = 0.0
        split = told.split([len(C50_DB), len(SNR_DB)], dim=1)
        for which, logits in enumerate(split):
            wanted = torch.tensor([found[one][1 + which] for one in chosen], dtype=torch.float32)
            shares = blurred(torch, wanted, places[which])
            loss = loss - (shares * logits.log_softmax(dim=1)).sum(dim=1).mean()
            guess = logits.softmax(dim=1) @ places[which]
            limits = float(places[which][0]), float(places[which][-1])
            loss = loss + 0.05 * (guess - wanted.clamp(*limits)).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        running += loss.item()
        if (step + 1) % 200 == 0:
            progress(f"{step + 1}/{steps}: {running / 200:.3f}, {time.monotonic() - start:.0f} s")
            running = 0.0
    return model.eval()


def even_levels(found: list) -> np.ndarray:
    """What to add to the logits of C50 so that each level of clarity is expected equally often.

    In the tracks more than half are below the first edge of data-speech's words; its levels are
    taken to be equally likely instead (logit adjustment, Menon et al. 2021).
    """
    import torch

    places = torch.tensor(C50_DB, dtype=torch.float32)
    values = np.array([one[1] for one in found], np.float32)
    names = np.array([bins.level("reverberation", float(v)) for v in values])
    _, which, counts = np.unique(names, return_inverse=True, return_counts=True)
    shares = blurred(torch, torch.from_numpy(values), places).numpy()
    even = np.average(shares, axis=0, weights=1 / counts[which])
    return np.log(even / shares.mean(axis=0))


def written(model, added: np.ndarray) -> dict[str, np.ndarray]:
    """Weights as `reverberation.guess` reads them, normalisation folded in, half precision.

    `added` is added to the logits of C50 (`even_levels`).
    """
    found = {"c50_db": C50_DB, "snr_db": SNR_DB}
    for place, name in enumerate(CONVOLUTIONS):
        convolution, norm = model.trunk[3 * place], model.trunk[3 * place + 1]
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        found[name] = (convolution.weight * scale[:, None, None]).permute(2, 1, 0)
        found[f"{name}_bias"] = (convolution.bias - norm.running_mean) * scale + norm.bias
    found["focus"] = model.focus.weight.T
    for name in ("head", "told"):
        found[name] = getattr(model, name).weight.T
        found[f"{name}_bias"] = getattr(model, name).bias
    found["told_bias"] = found["told_bias"].detach().numpy() + np.pad(added, (0, len(SNR_DB)))
    arrays = {k: v if isinstance(v, np.ndarray) else v.detach().numpy() for k, v in found.items()}
    return {name: np.ascontiguousarray(value, np.float16) for name, value in arrays.items()}


def told_of(held: list, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Told and true (C50, SNR) of a cut of 1 to 6 s of each track, with the written weights."""
    random = np.random.default_rng(seed)
    told, true = [], []
    for levels, c50, snr, _ in held:
        frames = min(len(levels), round(random.uniform(*CUTS_S) * RATE / HOP))
        place = random.integers(0, len(levels) - frames + 1)
        cut = levels[place : place + frames].astype(np.float32) * -STEP_DB
        clarity, _, noise = reverberation.guess(cut)
        told.append((clarity, noise))
        true.append((np.clip(c50, C50_DB[0], C50_DB[-1]), np.clip(snr, SNR_DB[0], SNR_DB[-1])))
    return np.array(told), np.array(true)


def quality_of(told: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """Mean absolute errors and correlations."""
    error = np.abs(told - true)
    enough = true[:, 1] >= 20
    return {
        "held_out_cuts": len(true),
        "c50_mean_absolute_error_db": round(float(error[:, 0].mean()), 2),
        "c50_mean_absolute_error_db_at_snr_20_or_more": round(float(error[enough, 0].mean()), 2),
        "c50_correlation": round(float(np.corrcoef(told[:, 0], true[:, 0])[0, 1]), 3),
        "snr_mean_absolute_error_db": round(float(error[:, 1].mean()), 2),
        "snr_correlation": round(float(np.corrcoef(told[:, 1], true[:, 1])[0, 1]), 3),
    }


def main() -> None:
    from safetensors.numpy import save_file

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("speech", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rooms", type=int, default=6_000)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--tracks", type=Path, help="kept here, so that only the fit is redone")
    arguments = parser.parse_args()
    if arguments.tracks is not None and arguments.tracks.is_file():
        found = loaded(arguments.tracks)
    else:
        found = all_tracks(arguments.speech, arguments.rooms, arguments.seed)
        if arguments.tracks is not None:
            saved(found, arguments.tracks)
    found = [one for one in found if len(one[0]) >= CUTS_S[0] * RATE / HOP - WINDOW / HOP]
    model = fitted([one for one in found if not one[3]], arguments.epochs, arguments.seed)
    weights = written(model, even_levels([one for one in found if not one[3]]))
    reverberation._network = lambda: {k: v.astype(np.float32) for k, v in weights.items()}
    quality = quality_of(*told_of([one for one in found if one[3]], arguments.seed))
    print(json.dumps(quality, indent=1))
    metadata = {
        "made_by": "benchmarks/fit_reverberation.py",
        "quality": json.dumps(quality),
    }
    save_file(weights, arguments.out, metadata)


if __name__ == "__main__":
    main()
