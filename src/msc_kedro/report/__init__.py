"""The one-page report of a run: self-contained HTML, readable without a network.

`contents` says what goes in, `gather` picks the dialogues to show, `page` writes the HTML.
"""
