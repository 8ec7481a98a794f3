"""Cuts between scenes, by PySceneDetect."""

from __future__ import annotations

from pathlib import Path

from msc_kedro.media.probe import (
    UnreadableMediaError,
    clock_start_s,
    open_media,
    video_stream,
    why,
)

_NONE = "none of its pictures can be decoded"


def find_cuts(path: Path, *, threshold: float = 27.0, min_scene_s: float = 0.6) -> list[float]:
    """Times of the cuts of a video, in seconds, by change of content in HSV space.

    Source: PySceneDetect's ContentDetector; threshold 27.0 as in the paper's preprocessing.

    Raises:
        UnreadableMediaError: no pictures, or they cannot be decoded.
    """
    import logging

    import av
    from scenedetect import ContentDetector, SceneManager
    from scenedetect.backends.pyav import VideoStreamAv
    from scenedetect.video_stream import VideoOpenFailure

    logging.getLogger("pyscenedetect").setLevel(logging.CRITICAL)
    try:
        with open_media(path) as container:
            stream = video_stream(container)
            if stream is None:
                raise UnreadableMediaError("it has no pictures")
            if not stream.codec_context.width:  # FFmpeg decoded none to learn their size from
                raise UnreadableMediaError(_NONE)
            # PySceneDetect counts from the first picture, which may come later than the sound.
            first_s = float((stream.start_time or 0) * stream.time_base) - clock_start_s(container)
        # Without this FFmpeg writes on the user's terminal from here on.
        video = VideoStreamAv(str(path), suppress_output=True)
        manager = SceneManager()
        manager.auto_downscale = True
        # In seconds: a recording of variable rate may name a rate of 1000 pictures per second.
        manager.add_detector(ContentDetector(threshold=threshold, min_scene_len=float(min_scene_s)))
        if not manager.detect_scenes(video, show_progress=False):
            raise UnreadableMediaError(_NONE)
    except (VideoOpenFailure, av.FFmpegError, OSError) as error:
        cause = error.__cause__ if isinstance(error.__cause__, av.FFmpegError) else error
        raise UnreadableMediaError(f"its pictures cannot be decoded ({why(cause)})") from error
    scenes = manager.get_scene_list(start_in_scene=True)
    return [first_s + start.seconds for start, _ in scenes[1:]]
