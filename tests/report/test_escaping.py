"""Hostile text in everything that the page is made from: it is shown, and does nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from functools import cache
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest

from msc_kedro.report.contents import Audio, ReportContents
from msc_kedro.report.page import build_page

MARK = "h0st1le"
HOSTILE = {
    "script": f"<script>alert('{MARK}')</script>",
    "end of script": f"{MARK}</script></style></title></svg>--><script>alert(1)</script>",
    "attribute": f'{MARK}"><img src=x onerror=alert(1)>',
    "single quote": f"{MARK}' onmouseover='alert(1)",
    "address": f"javascript:alert('{MARK}')",
    "entity": f"{MARK} &lt;b&gt; & &amp; &#60;script&#62;",
    "template": MARK + "{{ 7 * 7 }}{% raw %}{# x #}",
    "style": f"{MARK}; background: url(http://127.0.0.1/x)",
    "path": f"""{MARK}'s "film" #1 100%.mp4?a=b&c""",
    "emoji": f"{MARK} 😀 \u202eright to left\u202c \u200b",
    "control": f"{MARK}\x00\x1b[31m\x07\ufffe",
    "long": MARK + "<b>" * 200,
}
FREE = {"aria-label", "alt"}  # attributes that may hold words of data; they do nothing


class Reader(HTMLParser):
    """Elements with their attributes, and the text of the page."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def kinds(self) -> set[tuple[str, str]]:
        """Every attribute that some element has."""
        return {(tag, name) for tag, found in self.elements for name in ["", *found]}


def planted(value: Any, text: str, *, keep: tuple[str, ...] = ()) -> Any:
    """The same value with `text` wherever words are: in tables, records and mappings."""
    if isinstance(value, str):
        return text
    if isinstance(value, pd.DataFrame):
        words = [
            name
            for name in value.columns
            if pd.api.types.is_string_dtype(value[name]) and not name.endswith(("_id", "split"))
        ]
        return value.assign(**dict.fromkeys(words, text))
    if isinstance(value, Audio):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        changed = {
            field.name: planted(getattr(value, field.name), text)
            for field in fields(value)
            if field.name not in keep
        }
        return replace(value, **changed)
    if isinstance(value, dict):
        others = {n: planted(f, text) for n, f in value.items() if not isinstance(f, str)}
        return others | ({text: text} if len(others) < len(value) else {})
    if isinstance(value, tuple):
        return tuple(planted(part, text) for part in value)
    return value


@pytest.fixture(scope="module")
def honest(contents: ReportContents) -> Reader:
    return Reader(build_page(contents))


@pytest.fixture(scope="module")
def page_of(contents: ReportContents) -> Callable[[str], Reader]:
    """The page with one kind of hostile text in it, made once."""
    return cache(lambda kind: Reader(build_page(planted(contents, HOSTILE[kind]))))


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_element_and_no_attribute_comes_from_data(
    page_of: Callable[[str], Reader], honest: Reader, kind: str
) -> None:
    page = page_of(kind)
    assert page.kinds <= honest.kinds
    for tag, found in page.elements:
        assert tag not in {"script", "iframe", "object", "embed", "base", "form", "link"}
        for name, value in found.items():
            assert not name.startswith("on")
            assert name in FREE or MARK not in (value or ""), (tag, name)
            if name in {"src", "href", "xlink:href"}:
                assert (value or "").startswith(("data:", "#"))
    assert page.text.count(MARK) > 50  # it was there, and is shown as it is


@pytest.mark.parametrize("kind", sorted(set(HOSTILE) - {"control", "long"}))
def test_the_reader_sees_the_very_words(page_of: Callable[[str], Reader], kind: str) -> None:
    assert page_of(kind).text.count(HOSTILE[kind]) > 50


def test_ids_and_names_of_files(contents: ReportContents) -> None:
    """Ids join tables, so all of one must change alike."""

    def renamed(table: pd.DataFrame | None) -> pd.DataFrame | None:
        if table is None:
            return None
        ids = [name for name in table.columns if name.endswith("_id")]
        evil = HOSTILE["attribute"]
        return table.assign(**{name: [f"{evil}{value}" for value in table[name]] for name in ids})

    tables = {
        field.name: renamed(getattr(contents, field.name))
        for field in fields(contents)
        if isinstance(getattr(contents, field.name), pd.DataFrame)
    }
    examples = tuple(
        replace(example, dialogue_id=HOSTILE["script"], utterance_id=HOSTILE["attribute"])
        for example in contents.examples
    )
    page = Reader(build_page(replace(contents, **tables, examples=examples)))
    assert not {"script", "img"} & {tag for tag, _ in page.elements}
    assert not any(MARK in str(value) for _, found in page.elements for value in found.values())
    assert HOSTILE["script"] in page.text


def test_a_page_that_did_not_escape_would_be_seen(
    contents: ReportContents, monkeypatch: pytest.MonkeyPatch
) -> None:
    import jinja2

    really = jinja2.Environment

    def careless(*args: Any, **kwargs: Any) -> jinja2.Environment:
        return really(*args, **{**kwargs, "autoescape": False})

    monkeypatch.setattr(jinja2, "Environment", careless)
    page = Reader(build_page(planted(contents, HOSTILE["script"])))
    assert "script" in {tag for tag, _ in page.elements}


def test_nothing_goes_in_as_html_but_our_own_plots() -> None:
    """`safe` in a template, or `Markup` in the code, would let data through."""
    from pathlib import Path

    import msc_kedro.report as report

    folder = Path(report.__file__).parent
    trusted = [
        f"{path.name}: {line.strip()}"
        for path in sorted(folder.rglob("*"))
        if path.suffix in {".py", ".j2"}
        for line in path.read_text("utf-8").splitlines()
        if re.search(r"\|\s*safe|Markup\(|autoescape false|_safe\(", line)
    ]
    assert trusted == [
        'page.html.j2: <thead><tr>{% for title in table.columns %}<th scope="col"'
        '{% if title in table.numeric %} class="n"{% endif %}>{{ title or "&nbsp;"|safe }}</th>'
        "{% endfor %}</tr></thead>",
        "page.py: drawn = tuple(replace(plot, svg=_safe(plot.svg)) for plot in section.plots)",
        "page.py: return _safe(plots.loss_curve(losses_of(contents.losses, contents.training)))",
        "page.py: def _safe(svg: str) -> str:",
        "page.py: return Markup(svg)",
    ]
