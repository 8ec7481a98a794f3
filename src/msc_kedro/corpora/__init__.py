"""Where conversations come from: own videos and the embedded demo."""
