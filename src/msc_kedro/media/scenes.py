"""Cuts between scenes, by PySceneDetect."""

from __future__ import annotations

from pathlib import Path

from msc_kedro.media.probe import UnreadableMediaError


def find_cuts(path: Path, *, threshold: float = 27.0, min_scene_s: float = 0.6) -> list[float]:
    """Times of the cuts of a video, in seconds, by change of content in HSV space.

    Source: PySceneDetect's ContentDetector; threshold 27.0 as in the paper's preprocessing.

    Raises:
        UnreadableMediaError: the pictures cannot be decoded.
    """
    import logging

    from scenedetect import ContentDetector, SceneManager, open_video
    from scenedetect.video_stream import VideoOpenFailure

    logging.getLogger("pyscenedetect").setLevel(logging.WARNING)
    try:
        video = open_video(str(path), backend="pyav")
    except (VideoOpenFailure, OSError) as error:
        raise UnreadableMediaError(f"its pictures cannot be decoded ({error})") from error
    manager = SceneManager()
    manager.auto_downscale = True
    length = max(1, round(min_scene_s * float(video.frame_rate)))
    manager.add_detector(ContentDetector(threshold=threshold, min_scene_len=length))
    manager.detect_scenes(video, show_progress=False)
    scenes = manager.get_scene_list(start_in_scene=True)
    return [start.seconds for start, _ in scenes[1:]]
