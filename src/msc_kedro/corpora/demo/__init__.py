"""The embedded demo: scripted dialogues, spoken and shown by this program, with their truth.

`screenplay` holds the words and `script` reads them; `moods` is what a mood does to voice and face.
`sound` lays out the turns, `acoustics` are rooms and noise. `shots` says who is seen when, `faces`
and `backdrops` are drawn, `film` moves and encodes them. `truth` is what was done, `make` puts all
together.
"""
