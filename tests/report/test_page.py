"""The page as a reader and a browser meet it."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields, replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from msc_kedro import tables
from msc_kedro.pipeline_registry import STAGES
from msc_kedro.report import page
from msc_kedro.report.contents import Metric, ReportContents, Turn
from msc_kedro.report.page import build_page

SECTIONS = [
    "dataset", "ingest", "segment", "speaker_assign", "describe", "featurize", "learning",
    "scores", "speech", "examples", "costs", "models", "unmeasured",
]  # fmt: skip
VOID = {"meta", "img", "br", "hr", "input", "link", "path", "use", "rect"}
LOADING = {"src", "href", "xlink:href", "srcset", "action", "data", "poster"}
SCRIPT = "<script>alert('x')</script>"


class Reader(HTMLParser):
    """Collects what a browser would act on, and checks that tags close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.loads: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            assert not name.startswith("on"), name
            if name == "id":
                self.ids.append(value or "")
            if name in LOADING:
                self.loads.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="module")
def html(contents: ReportContents) -> str:
    return build_page(contents)


def test_all_sections_are_there_once_and_ids_are_unique(html: str) -> None:
    reader = Reader(html)
    assert [name for name in reader.ids if name in SECTIONS] == SECTIONS
    assert len(set(reader.ids)) == len(reader.ids)


def test_a_browser_loads_nothing_from_elsewhere(html: str) -> None:
    reader = Reader(html)
    assert reader.loads
    assert all(address.startswith(("data:", "#")) for address in reader.loads)
    assert not {"script", "link", "iframe", "object"} & set(reader.tags)
    assert "@import" not in html
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", html))
    assert "http://" not in html and "https://" not in html


def test_five_dialogues_play_reply_and_reference(html: str, contents: ReportContents) -> None:
    reader = Reader(html)
    assert reader.tags.count("article") == len(contents.examples) == 5
    clips = [clip for some in contents.clips.values() for clip in some]
    assert reader.tags.count("audio") == 10 + len(clips) and len(clips) == 14
    assert len(html.encode()) < 3_000_000


def test_the_same_contents_give_the_same_bytes(html: str, contents: ReportContents) -> None:
    assert build_page(contents) == html


def test_figures_of_the_run_are_on_the_page(html: str, contents: ReportContents) -> None:
    text = " ".join(" ".join(Reader(html).text).split())
    assert contents.utterances is not None
    assert f"{len(contents.utterances)}" in text
    assert "1.34 nats under the loss before training" in text
    assert "0.66 nats under the loss of the frozen language model" in text
    assert "Stopped early no" in text and "Dtype float32" in text
    assert "… s is under 0.1 s" in text
    assert "cannot be decoded: moov atom not found" in text
    assert "SPICE: Not computed: no Java on this machine" in text


def test_a_run_that_learnt_nothing_says_so(contents: ReportContents) -> None:
    worse = replace(contents, training={"best_valid_loss": 4.0, "frozen_valid_loss": 3.5})
    assert "0.50 nats over, so no better than, the loss of the frozen" in build_page(worse)


def test_everything_from_data_is_escaped(contents: ReportContents) -> None:
    assert contents.utterances is not None and contents.rejects is not None
    assert contents.voice is not None and contents.sources is not None
    assert contents.speech is not None
    nasty = replace(
        contents,
        corpus=SCRIPT,
        recipe=SCRIPT,
        version=SCRIPT,
        sources=contents.sources.assign(path=SCRIPT),
        utterances=contents.utterances.assign(text=SCRIPT),
        voice=contents.voice.assign(unmeasured=f"{SCRIPT}: {SCRIPT}", pace=SCRIPT),
        speech=contents.speech.assign(asked_pace=SCRIPT),
        rejects=contents.rejects.assign(reason=SCRIPT, item_id=SCRIPT),
        metrics=(Metric(SCRIPT, None, definition=SCRIPT, source=SCRIPT),),
        training={SCRIPT: SCRIPT},
        warnings=(SCRIPT,),
        examples=tuple(
            replace(
                example,
                history=(Turn(SCRIPT, SCRIPT, SCRIPT),),
                speaker=SCRIPT,
                reply_text=SCRIPT,
                reply_description=SCRIPT,
                reference_text=SCRIPT,
                reference_description=SCRIPT,
                heard_text='" onerror="x',
            )
            for example in contents.examples
        ),
    )
    html = build_page(nasty)
    assert "<script" not in html.lower()
    assert html.count("&lt;script&gt;") > 50
    assert "script" not in Reader(html).tags


TABLES = [f.name for f in fields(ReportContents) if f.name in tables.TABLE_NAMES]


def test_a_run_with_nothing_names_the_pipelines_to_run() -> None:
    html = build_page(ReportContents("videos", "meld", "v1"))
    assert [name for name in Reader(html).ids if name in SECTIONS] == SECTIONS
    for pipeline in set(STAGES) - {"demo"}:
        assert f"kedro run --pipeline {pipeline} --env meld" in html


@pytest.mark.parametrize(
    ("absent", "pipeline"),
    [
        ("dialogues", "ingest"),
        ("utterances", "segment"),
        ("speakers", "speaker_assign"),
        ("voice", "describe"),
        ("features", "featurize"),
        ("losses", "train"),
        ("metrics", "evaluate"),
        ("speech", "synthesize"),
    ],
)
def test_one_missing_stage_is_named(contents: ReportContents, absent: str, pipeline: str) -> None:
    html = build_page(
        replace(contents, **{absent: () if absent in ("metrics", "features") else None})
    )
    Reader(html)
    assert f"kedro run --pipeline {pipeline}</code>" in html


def test_tables_without_rows_make_a_page(contents: ReportContents) -> None:
    empty = {name: tables.empty(name) for name in TABLES}  # type: ignore[arg-type]
    html = build_page(replace(contents, **empty, examples=(), losses=None))
    Reader(html)
    assert "nan" not in "".join(Reader(html).text).lower()


def test_no_number_reads_nan(html: str) -> None:
    assert not re.search(r"\b(nan|inf|None)\b", "".join(Reader(html).text))


def test_a_long_history_folds_away_and_a_single_turn_does_not(contents: ReportContents) -> None:
    example = replace(contents.examples[0], history=tuple(Turn("A", str(n)) for n in range(12)))
    assert [turn.text for turn in page.earlier(example)] == ["0", "1", "2", "3", "4", "5"]
    assert page.earlier(replace(example, history=example.history[: page.TURNS_SHOWN + 1])) == ()


def test_stills_are_in_the_page(contents: ReportContents) -> None:
    example = replace(contents.examples[0], stills=(b"\xff\xd8 one", b"\xff\xd8 two"))
    html = build_page(replace(contents, examples=(example,)))
    assert html.count('src="data:image/jpeg;base64,') == 2


def test_colours_can_be_read_on_paper_and_in_the_dark() -> None:
    """WCAG 2.2, 1.4.3: a contrast of 4.5 for text."""
    css = (page.HERE / "page.css.j2").read_text("utf-8")
    light, dark = (
        dict(re.findall(r"--([a-z0-9]+): (#[0-9a-f]{6})", part))
        for part in (css.split("@media")[0], css.split("@media")[1])
    )
    for palette in (light, dark):
        for name in ("ink", "soft", *(f"s{n}" for n in range(page.COLOURS))):
            for ground in ("paper", "note"):
                assert contrast(palette[name], palette[ground]) >= 4.5, (name, ground)


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_importing_the_report_is_light() -> None:
    code = (
        "import sys; import msc_kedro.report.page, msc_kedro.report.gather, msc_kedro.report.audio;"
        "print([m for m in ('pandas', 'numpy', 'matplotlib', 'jinja2', 'soundfile') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_templates_are_package_data() -> None:
    assert all((Path(page.HERE) / name).is_file() for name in ("page.html.j2", "page.css.j2"))
