"""The embedded demo: scripted dialogues, spoken and shown by this program, with their truth.

`script` is the screenplay, `moods` what a mood does to voice and face, `faces` the drawn heads,
`sound` and `film` the tracks, `make` puts them together.
"""
