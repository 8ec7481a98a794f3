"""Speech synthesis that follows a description of the voice.

`synthesizer` says what a synthesizer is, `hibari` and `piper` are the two embedded voices, `world`
changes pitch and liveliness, `disguise` derives further speakers from a voice, and `steering` turns
the levels of a description into what is done to a voice.
"""
