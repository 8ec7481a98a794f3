"""How often the speakers of a dialogue come out right, and what each step is worth.

    python benchmarks/speakers_dialogues.py --real <recordings> --demo data/01_raw/demo

Dialogues of known patterns are drawn from known pieces: who speaks, and then pieces of one room or
recording that do not overlap, a tenth of them of half a second and half of 1.8 s and more. Then the
turns of the real recordings and of the demo as they are, and the people across dialogues.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import yaml
from sklearn.metrics import adjusted_rand_score
from speakers_pieces import LENGTHS_S, PROJECT, Pieces, embedded, folders, write_section

from msc_kedro.listening import speakers
from msc_kedro.listening.people import link_people, speaker_voices
from msc_kedro.listening.speakers import SameSpeaker, SpeakerGuess

PATTERNS = ("A", "AA", "AAAA", "AB", "ABAB", "ABC", "ABABC", "AABBCC", "ABABABAB", "AAAAAAAAB")
SHARES = (0.10, 0.15, 0.20, 0.22, 0.20, 0.13)  # of the lengths
DRAWS = 200
Method = Callable[[np.ndarray, np.ndarray], list[int]]


def draw(pieces: Pieces, pattern: str, pool: list[tuple[str, str]], rng: np.random.Generator):
    """Places [u] of pieces that make the pattern; None where the material does not suffice.

    `pool` holds (person, place); all of a dialogue are of one place, if one has enough people.
    """
    count = len(set(pattern))
    places = sorted({place for _, place in pool})
    fit = [p for p in places if sum(place == p for _, place in pool) >= count]
    if fit:
        here = rng.choice(fit)
        pool = [(who, place) for who, place in pool if place == here]
    chosen = [pool[number] for number in rng.permutation(len(pool))]
    cast = list({who: (who, place) for who, place in chosen}.values())[:count]
    lengths = np.abs(pieces.duration_s[:, None] - np.array(LENGTHS_S)).argmin(axis=1)
    used: list[int] = []
    for letter in pattern:
        who, place = cast[ord(letter) - ord("A")]
        free = (pieces.person == who) & (pieces.place == place)
        for other in used:
            free &= (
                (pieces.recording != pieces.recording[other])
                | (pieces.start_s >= pieces.end_s[other] - 1e-6)
                | (pieces.end_s <= pieces.start_s[other] + 1e-6)
            )
        if not free.any():
            return None
        wanted = rng.choice(len(SHARES), p=SHARES)
        nearest = np.abs(lengths[free] - wanted)
        used.append(int(rng.choice(np.flatnonzero(free)[nearest == nearest.min()])))
    return np.array(used)


def methods(same: SameSpeaker) -> dict[str, Method]:
    """Names to functions of vectors [u, d] and lengths [u] that give labels."""
    fixed = SameSpeaker(same.distance, 0.0, same.steepness)

    def labels(guesses: list[SpeakerGuess]) -> list[int]:
        return [guess.label for guess in guesses]

    def as_grouped(group: Callable[..., list[list[int]]], limit: SameSpeaker) -> Method:
        def run(rows: np.ndarray, seconds: np.ndarray) -> list[int]:
            found = np.zeros(len(rows), int)
            for label, members in enumerate(group(rows, seconds, limit)):
                found[members] = label
            return found.tolist()

        return run

    def one_or_hdbscan(rows: np.ndarray, seconds: np.ndarray, limit: SameSpeaker):
        """One speaker if all is within the limit; noise to the nearest group within it."""
        distances = speakers.cosine_distances(rows)
        excess = distances - limit.limit(seconds[:, None], seconds)
        if (excess < 0).all() or len(rows) < 3:
            return [list(range(len(rows)))] if (excess < 0).all() else [[0], [1]]
        labels, _ = speakers._hdbscan(distances, 1)
        groups = [np.flatnonzero(labels == label).tolist() for label in range(labels.max() + 1)]
        found = [list(group) for group in groups]
        for member in np.flatnonzero(labels < 0):
            near = [excess[member, group].mean() for group in groups]
            if near and min(near) < 0:
                found[int(np.argmin(near))].append(int(member))
            else:
                found.append([int(member)])
        return found

    def and_joined(rows: np.ndarray, seconds: np.ndarray, limit: SameSpeaker):
        return speakers._joined(one_or_hdbscan(rows, seconds, limit), rows, seconds, limit)

    def without_hdbscan(rows: np.ndarray, seconds: np.ndarray, limit: SameSpeaker):
        return speakers._joined([[member] for member in range(len(rows))], rows, seconds, limit)

    def ours(limit: SameSpeaker) -> Method:
        return lambda rows, s: labels(speakers.assign_speakers(rows, durations_s=s, same=limit))

    return {
        "as published (HDBSCAN)": lambda rows, _: labels(
            speakers.assign_speakers_as_published(rows)
        ),
        "HDBSCAN, min_samples 1": lambda rows, _: labels(
            speakers.assign_speakers_as_published(rows, min_samples=1)
        ),
        "+ one speaker, noise (steps 1, 2)": as_grouped(one_or_hdbscan, same),
        "+ groups joined (steps 1, 2, 4)": as_grouped(and_joined, same),
        "joined alone, no HDBSCAN": as_grouped(without_hdbscan, same),
        "all steps, one limit for all lengths": ours(fixed),
        "**all steps**": ours(same),
    }


def scored(truth: list[str], found: list[int]) -> tuple[bool, float]:
    """Whether all is right, and the adjusted Rand index; each -1 is a group of its own."""
    own = [label if label >= 0 else -1 - place for place, label in enumerate(found)]
    index = adjusted_rand_score(truth, own)
    return index == 1.0, index


def drawn_table(pieces: Pieces, same: SameSpeaker) -> str:
    """Share of drawn dialogues that are all right, per method and pattern."""
    columns: dict[tuple[str, str], list[np.ndarray]] = {}
    rng = np.random.default_rng(0)
    for kind, made in (("real", False), ("demo", True)):
        names = zip(
            pieces.person[pieces.made == made], pieces.place[pieces.made == made], strict=True
        )
        pool = sorted(set(names))
        enough = {
            key: pieces.duration_s[(pieces.person == key[0]) & (pieces.place == key[1])].sum() > 15
            for key in pool
        }
        pool = [(str(who), str(place)) for who, place in pool if enough[who, place]]
        for pattern in PATTERNS:
            drawn = [draw(pieces, pattern, pool, rng) for _ in range(DRAWS)]
            columns[kind, pattern] = [places for places in drawn if places is not None]
    lines = [
        "| | | " + " | ".join(PATTERNS) + " | mean | ARI |",
        "|---" * (len(PATTERNS) + 4) + "|",
    ]
    for name, method in methods(same).items():
        for kind in ("real", "demo"):
            shares, indices = [], []
            for pattern in PATTERNS:
                results = [
                    scored(list(pattern), method(pieces.vectors[at], pieces.duration_s[at]))
                    for at in columns[kind, pattern]
                ]
                shares.append(np.mean([right for right, _ in results]))
                indices.append(np.mean([index for _, index in results]))
            cells = " | ".join(f"{share:.2f}" for share in [*shares, np.mean(shares)])
            lines.append(f"| {name} | {kind} | {cells} | {np.mean(indices):.2f} |")
    return "\n".join([*lines, ""])


def whole_turns(pieces: Pieces) -> dict[str, np.ndarray]:
    """Per recording of two people and more the places of its turns, in order of time."""
    found = {}
    for name in dict.fromkeys(pieces.recording.tolist()):
        places = np.flatnonzero((pieces.recording == name) & pieces.whole)
        places = places[np.argsort(pieces.start_s[places])]
        if len(set(pieces.person[places])) > 1:
            found[name] = places
    return found


def turns_table(pieces: Pieces, same: SameSpeaker) -> str:
    """Dialogues as they are, their turns cut by the truth."""
    lines = ["| | dialogues | all right | mean ARI |", "|---|---|---|---|"]
    for kind, made in (("real", False), ("demo", True)):
        dialogues = [at for at in whole_turns(pieces).values() if pieces.made[at[0]] == made]
        for name, method in methods(same).items():
            results = [
                scored(
                    pieces.person[at].tolist(), method(pieces.vectors[at], pieces.duration_s[at])
                )
                for at in dialogues
            ]
            right, index = np.mean(results, axis=0)
            lines.append(f"| {name}, {kind} | {len(dialogues)} | {right:.2f} | {index:.3f} |")
    return "\n".join([*lines, ""])


def people_table(pieces: Pieces, same: SameSpeaker) -> str:
    """People across dialogues, of the speakers that were found in them."""
    lines = [
        "| | nearer by | dialogues | speakers found | people | people found | ARI | purity |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for kind, made in (("demo", True), ("AMI, one series of meetings", False)):
        voices, dialogues, who = [], [], []
        for name, at in whole_turns(pieces).items():
            if pieces.made[at[0]] != made or not (made or pieces.company[at[0]].startswith("ami")):
                continue
            rows, seconds = pieces.vectors[at], pieces.duration_s[at]
            guesses = speakers.assign_speakers(rows, durations_s=seconds, same=same)
            for voice in speaker_voices(rows, seconds, guesses):
                own = np.array([guess.label == voice.label for guess in guesses])
                names, counts = np.unique(pieces.person[at][own], return_counts=True)
                voices.append(voice)
                dialogues.append(name)
                who.append(names[counts.argmax()])
        for stricter in (0.0, 0.05, 0.1, 0.15, 0.2):
            guesses = link_people(
                voices,
                dialogues=dialogues,
                within=[kind] * len(voices),
                same=same,
                stricter_by=stricter,
            )
            found = np.array([guess.person for guess in guesses])
            purity = sum(
                np.unique(np.array(who)[found == one], return_counts=True)[1].max()
                for one in set(found.tolist())
            ) / len(found)
            index = adjusted_rand_score(who, found)
            lines.append(
                f"| {kind} | {stricter:.2f} | {len(set(dialogues))} | {len(voices)} "
                f"| {len(set(who))} | {len(set(found.tolist()))} | {index:.3f} | {purity:.3f} |"
            )
    return "\n".join([*lines, ""])


def main() -> None:
    """Hear the pieces, try, write."""
    pieces = embedded(*folders())
    path = PROJECT / "conf" / "base" / "parameters_speaker_assign.yml"
    told = yaml.safe_load(path.read_text(encoding="utf-8"))["speaker_assign"]["same_speaker"]
    same = SameSpeaker(**told)
    write_section("patterns", drawn_table(pieces, same))
    write_section("dialogues", turns_table(pieces, same))
    write_section("people", people_table(pieces, same))


if __name__ == "__main__":
    main()
