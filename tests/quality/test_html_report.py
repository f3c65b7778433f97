"""The page of a report: it says what the report says, is safe whatever stands in it, and can be read by anyone."""

import itertools
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.quality.example_report import make_columns, make_finding, make_report
from workbench.quality.check import GROUPS
from workbench.quality.report.charts import Marks, draw_range, find_scale
from workbench.quality.report.curves import read_curves
from workbench.quality.report.html import write_page
from workbench.quality.report.words import (
    find_direction,
    format_alike,
    format_check,
    format_figure,
)

OURS_LONG = "our default, with a longer explanation of where it comes from"
VOID = {"meta", "br", "hr", "img", "input", "link"}
DRAWN = {"path", "circle", "rect", "use"}
"""Elements of SVG that we close at once."""


class Page(HTMLParser):
    """A page taken apart; unbalanced tags raise."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in DRAWN
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.text.append(data)

    def find(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def read_page(report: dict[str, Any], title: str = "people@1") -> Page:
    return Page(write_page(report, title))


def test_the_page_says_all_that_the_report_says() -> None:
    words = read_page(make_report()).words
    for told in (
        "At least one check failed", "no blended score", "people.csv", "8,000", "4,000", "CC0", "seed 7",
        "version of the checks 2", "min_fidelity 0.9", "only a demonstration", "ana",
        "156 of 12,000 rows break start <= end",
        "What to do: Correct the column end.", "Amin et al., 2026", "our default", "0.700–0.740",
        "12,000 rows looked at", "Rows of the dataset, counted from 0: 3, 17, 20.", "60 rows are too few",
        "minimum detectable difference 0.017",
    ):  # fmt: skip
        assert told in words, told
    report = make_report()
    for check in report["checks"]:
        assert check["name"] in words
        assert check["question"] in words
    for group in {check["group"] for check in report["checks"]}:
        assert GROUPS[group] in words


def test_what_fails_stands_first_and_the_sections_tell_their_worst_verdict() -> None:
    words = read_page(make_report()).words
    assert words.index("What stands in the way") < words.index("What was compared with what")
    section = words[words.rindex(GROUPS["fidelity"]) :]
    assert section.startswith(f"{GROUPS['fidelity']} warn")
    assert section.index("fidelity.columns") < section.index("fidelity.detection")


def test_what_is_waived_stands_in_no_ones_way() -> None:
    words = read_page(make_report()).words
    way = words[words.index("What stands in the way") : words.index("What was compared with what")]
    assert "privacy.membership" in way
    assert "rules" not in way
    assert "Waived The dataset is used in spite of these checks. check reason by on rules only a demonstration" in words


def test_privacy_is_never_promised() -> None:
    page = read_page(make_report())
    assert "no sign of copying, and is no proof of anonymity" in page.words
    assert "Only differential privacy" in page.words
    assert [link["href"] for link in page.find("a") if not str(link["href"]).startswith("#")] == [
        "https://arxiv.org/abs/2505.01524"
    ]


def test_without_real_rows_it_says_that_nothing_can_be_said() -> None:
    words = read_page(make_report(real={}, waivers=[], gates={})).words
    assert "was checked without real rows" in words
    assert "Waived" not in words


def test_secrets_and_paths_of_the_report_stay_out_of_the_page() -> None:
    page = write_page(make_report(), "people@1")
    assert "planted-secret" not in page
    assert "/home/ana" not in page


def test_nothing_is_loaded_and_nothing_runs() -> None:
    page = read_page(make_report())
    policy = next(each for each in page.find("meta") if each.get("http-equiv") == "Content-Security-Policy")
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert not {tag for tag, _ in page.elements} & {"script", "link", "img", "iframe", "object", "form", "base"}
    for _, attributes in page.elements:
        assert not any(name.startswith("on") or name in ("src", "style", "srcset") for name in attributes)
    assert "url(" not in write_page(make_report(), "x")


HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>'",
    "</style></title><b>{{ 7 * 7 }}{% raw %}",
    "a\u202eb\u2066c\x00d\x1b[31me\x07",
    "\ud800 torn",
    "w" * 5000,
    "𝔘𝔫𝔦 é 漢字 \u0301\u0301 👩\u200d🚀",
]


def plant(text: str) -> dict[str, Any]:
    """A report with `text` wherever others may have put it."""
    check = make_finding(
        text, text, "fail", question=text, detail=text, fix=text, source=text, table=text, value=0.5, threshold=0.1,
        columns={text: {text: 0.3, "reference": 0.2}, text + "2": {"b": None}},
        figures={text: 0.1, f"add 0 {text}": 0.1, f"add 1 {text}": 0.2}, examples=[1],
    )  # fmt: skip
    other = make_finding("schema", "rules", "pass")
    real = {text: {"origin": text, "licence": text, "digest": text, "train_rows": 3, "holdout_rows": 0}}
    waivers = [{"check": text, "reason": text, "by": text, "at": text}]
    gates = {f"min_{text}": text, "require": [text]}
    return make_report(checks=[check, other], real=real, waivers=waivers, gates=gates, dataset=text, made=text)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_text_of_others_is_never_markup(text: str) -> None:
    written = write_page(plant(text), text)
    page = Page(written)
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in read_page(make_report()).elements} | {"span"}
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    written.encode("utf-8")
    assert not any(sign in written for sign in "\u202e\u2066\x00\x1b\x07\ud800")
    assert "w" * 1300 not in written


@settings(max_examples=30, deadline=None)
@given(
    st.text(max_size=60),
    st.one_of(st.none(), st.floats(), st.integers(), st.just(10**400)),
    st.one_of(st.none(), st.floats(), st.just(1e300)),
    st.sampled_from(["pass", "fail", "warn", "not assessed", "odd", None]),
)
def test_no_report_is_too_odd_to_be_shown(text: str, value: Any, other: Any, verdict: Any) -> None:
    report = plant(text)
    report["checks"][0] |= {"value": value, "threshold": other, "interval": [other, value], "verdict": verdict}
    report["checks"][0]["columns"] = {text: {"value": value, "threshold": other}, "b": {"value": other}}
    report["checks"][0]["figures"] = {"add 0": value, "add 1": other, "replace 1/0": value, text: other}
    read_page(report, text)


def test_the_same_report_gives_the_same_page() -> None:
    assert write_page(make_report(), "people@1") == write_page(make_report(), "people@1")


def test_many_checks_and_columns_stay_a_page_that_can_be_sent() -> None:
    checks = [
        make_finding(
            f"fidelity.check_{place}", "fidelity", "warn", value=0.5, reference=0.97, interval=(0.4, 0.6),
            threshold=0.9, source=OURS_LONG, detail="worst of 100 columns " * 5, fix="Fit them.",
            columns=make_columns(100),
        )
        for place in range(60)
    ]  # fmt: skip
    page = write_page(make_report(checks=checks), "wide@1")
    assert len(page.encode()) < 400_000
    assert "further ones, none of them worse, are in quality.json" in page


def test_columns_stand_worst_first_and_the_long_list_is_folded() -> None:
    page = write_page(make_report(), "people@1")
    assert page.index("column_023</th>") < page.index("column_022</th>") < page.index("column_000</th>")
    assert page.index("18 more</summary>") < page.index("column_017</th>")
    falling = make_finding("duplicates", "duplicates", "fail", value=0.3, threshold=0.1, columns={
        "good": {"share": 0.0, "threshold": 0.1}, "bad": {"share": 0.3, "threshold": 0.1}, "none": {"share": None},
    })  # fmt: skip
    page = write_page(make_report(checks=[falling]), "people@1")
    assert page.index(">bad</th>") < page.index(">good</th>") < page.index(">none</th>")


def test_curves_are_drawn_with_axes_and_told_in_words() -> None:
    page = read_page(make_report())
    curves = [each for each in page.find("svg") if each["class"] == "curve"]
    assert len(curves) == 2
    assert "real rows only 0.800" in str(curves[0]["aria-label"])
    assert "0.840 at 10" in str(curves[0]["aria-label"])
    assert "synthetic rows for each real row" in page.words
    assert "share of rows that are synthetic" in page.words


def test_curves_are_read_out_of_figures_by_their_names() -> None:
    figures = {"add 0 forest": 0.8, "add 1/4 forest": 0.82, "add 0 boosting": 0.7, "add 3x boosting": 0.9, "other": 1.0}
    (curve,) = read_curves(figures)
    assert curve.steps == ["0", "0.25", "3"]
    assert set(curve.lines) == {"forest", "boosting"}
    assert read_curves({"add 0": 0.8, "additional": 1.0}) == []


def test_every_picture_is_named_or_hidden_and_headings_are_in_order() -> None:
    page = read_page(make_report())
    for picture in page.find("svg"):
        assert picture.get("aria-label") or picture.get("aria-hidden") == "true"
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert all(each.get("scope") in ("col", "row") for each in page.find("th"))
    assert page.find("html")[0]["lang"] == "en"
    anchors = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    assert all(str(link["href"])[1:] in anchors for link in page.find("a") if str(link["href"]).startswith("#"))


def test_colours_can_be_told_from_what_is_behind_them_in_light_and_dark() -> None:
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        for block in re.findall(r":root \{(.*?)\}", write_page(make_report(), "x"), re.DOTALL)
    )
    assert light.keys() == dark.keys()
    for scheme in (light, dark):
        for back in ("page", "card"):
            for front in ("text", "quiet", "link", "mark", "limit"):
                assert find_contrast(scheme[front], scheme[back]) >= 4.5, (front, back)
        for verdict in ("pass", "warn", "fail", "none"):
            assert find_contrast(scheme[verdict], scheme[f"{verdict}-back"]) >= 4.5, verdict


def find_contrast(first: str, second: str) -> float:
    """Contrast of two colours as WCAG 2.1 defines it, 1 to 21."""

    def measure(colour: str) -> float:
        shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in shares)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((measure(first), measure(second)))
    return (high + 0.05) / (low + 0.05)


def test_marks_stand_where_their_figures_are() -> None:
    picture = draw_range(Marks(0.5, 1.0, (0.25, 0.75), 0.0), find_scale([0.0, 1.0]), 'a "b"')
    assert 'cx="50"' in picture
    assert 'd="M25 8H75"' in picture
    assert 'd="M0 0V16"' in picture
    assert 'd="M100 3V13"' in picture
    assert 'aria-label="a &#34;b&#34;"' in picture


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""), (float("nan"), ""), (0.0, "0"), (10**400, ""), (25.0, "25"), (12345, "12,345"), (0.12345, "0.123"),
        (0.0002, "<0.001"), (-0.0002, ">-0.001"), (123.456, "123.5"), (123456.7, "123,457"),
    ],
)  # fmt: skip
def test_figures_are_written_so_that_they_can_be_read(value: float | None, written: str) -> None:
    assert format_figure(value) == written


def test_a_threshold_missed_by_a_hair_does_not_look_like_the_value() -> None:
    figures = format_check({"value": 0.8999, "threshold": 0.9, "reference": 0.95, "verdict": "warn"})
    assert (figures.value, figures.threshold) == ("0.8999", "≥ 0.9000")
    assert format_check({"value": 0.0, "threshold": 0.0005, "verdict": "pass"}).threshold == "≤ 0.0005"
    assert format_alike([1.0, 0.95]) == ["1.000", "0.950"]
    assert format_alike([3.0, 0.0]) == ["3", "0"]


def test_which_side_of_a_threshold_passes_is_told_only_where_it_is_known() -> None:
    assert find_direction({"value": 0.9, "threshold": 0.8, "verdict": "pass"}) == "high"
    assert find_direction({"value": 0.9, "threshold": 0.8, "verdict": "fail"}) == "low"
    assert find_direction({"value": 0.9, "threshold": 0.8, "verdict": "not assessed"}) == ""
    # One that may be over its threshold by chance.
    assert find_direction({"value": 0.61, "threshold": 0.6, "interval": [0.5, 0.7], "verdict": "pass"}) == ""
    assert find_direction({"value": 0.52, "reference": 0.5, "threshold": 0.55, "verdict": "pass"}) == "low"
    # Those that fail for another figure than the one shown.
    assert find_direction({"value": 0.95, "reference": 0.96, "threshold": 0.9, "verdict": "warn"}) == ""
    assert find_direction({"value": 0.53, "reference": 0.5, "threshold": 0.55, "verdict": "fail"}) == ""
    assert find_direction({"value": 0.53, "threshold": 0.55, "verdict": "fail", "better": "low"}) == "low"
