"""A conversation as a language model is to read it: turns, prompt, packs, padded features."""
