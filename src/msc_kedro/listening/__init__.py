"""What can be heard: words, turns, speakers, and the measures of a voice.

Everything here listens to float32 mono sound `[n]` in [-1, 1] at 16 000 Hz.
"""
