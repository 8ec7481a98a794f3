"""Reading sound and pictures by reference, through PyAV's own FFmpeg: no system package."""
