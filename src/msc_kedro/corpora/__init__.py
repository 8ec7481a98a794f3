"""Where conversations come from: own videos, annotated corpora and the embedded demo."""
