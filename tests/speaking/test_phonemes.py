import pytest

from msc_kedro.speaking.phonemes import piper_ids, piper_phonemes


@pytest.mark.parametrize(
    ("misaki", "espeak"),
    [
        ("bˈɜɹdz", "bˈɜːdz"),
        ("bˈɛTəɹ", "bˈɛɾɚ"),
        ("ɡɹˈATəɹ ðən", "ɡɹˈeɪɾɚ ðən"),
        ("mˈɛməɹi", "mˈɛmɚɹi"),
        ("ɡˈɑɹdən", "ɡˈɑːɹdən"),
        ("fˈIəɹz", "fˈaɪɚz"),
        ("ʧˈYs", "tʃˈɔɪs"),
        ("ʤˈOk", "dʒˈoʊk"),
        ("wˈW, wˌʌt ɐ ʃˈAm.", "wˈaʊ, wˌʌt ɐ ʃˈeɪm."),
        ("hˈæpi", "hˈæpi"),
        ("θɹˈi", "θɹˈiː"),
        ("kjˈʊɹiəs", "kjˈʊɹiəs"),
        ("lˈɪTᵊl — jˈu…", "lˈɪɾəl, jˈuː."),
    ],
)
def test_sounds_become_those_that_piper_learned(misaki, espeak):
    assert piper_phonemes(misaki) == espeak


def test_ids_are_padded_and_unknown_sounds_left_out():
    id_map = {"_": [0], "^": [1], "$": [2], "a": [14], "b": [15]}
    assert piper_ids("aXb", id_map) == [1, 0, 14, 0, 15, 0, 2]


@pytest.mark.real
def test_every_sound_of_the_front_end_is_known_to_the_male_voice(model_folder):
    import gzip
    import json
    from importlib import resources

    facts = json.loads(
        (model_folder("voice_male") / "en_US-joe-medium.onnx.json").read_text("utf-8")
    )
    packed = resources.files("hibari").joinpath("assets/lexicon_us_gold.json.gz").read_bytes()
    words = json.loads(gzip.decompress(packed))
    spoken = (
        sound
        for entry in words.values()
        for sound in (entry.values() if isinstance(entry, dict) else [entry])
        if sound
    )
    unknown = {
        letter
        for sounds in spoken
        for letter in piper_phonemes(sounds)
        if letter not in facts["phoneme_id_map"]
    }
    assert not unknown
