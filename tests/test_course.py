"""The course: every lesson describes itself once, and a new one needs nothing but its four folders."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lessons
from core.course import GROUPS, Lesson, after, course, lesson, ordered

ROOT = Path(__file__).resolve().parents[1]

COURSE = ["self_attention", "positional_encoding", "mlm_masking", "temperature", "layer_outputs"]
DISTILLING = ["distil", "layer_surgery", "what_to_match", "worth_it", "experiments"]


def test_the_course_is_in_its_order():
    assert [one.slug for one in course() if one.slug in COURSE + DISTILLING] == COURSE + DISTILLING
    groups = [GROUPS.index(one.group) for one in course()]
    assert groups == sorted(groups)


@pytest.mark.parametrize("one", course(), ids=lambda one: one.slug)
def test_a_lesson_is_four_folders_and_names_lessons_that_exist(one):
    for file in (f"pages/{one.slug}/page.py", f"lessons/{one.slug}/en.md", f"lessons/{one.slug}/zh.md"):
        assert (ROOT / file).exists(), file
    assert list((ROOT / "tests" / "labs" / one.slug).glob("test_*.py"))
    assert all(lesson(slug) for slug in one.needs)
    assert not one.leads_to or after(one.slug).slug == one.leads_to
    assert 5 <= one.minutes <= 60


def test_no_folder_of_a_lesson_is_forgotten():
    slugs = {one.slug for one in course()}
    assert {path.parent.name for path in (ROOT / "pages").glob("*/page.py")} == slugs | {"exercises", "kit"}
    assert {path.name for path in (ROOT / "core" / "labs").iterdir() if (path / "__init__.py").exists()} == slugs


def test_the_readme_lists_the_lessons_in_their_order():
    rows = re.findall(r"^\| ([^|]+?) \|", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    titles = [lessons.lesson(one.slug, "en").title for one in course()]
    assert [row for row in rows if row in titles] == titles


def toy(slug: str, group: str = "course", needs: tuple[str, ...] = (), leads_to: str = "") -> Lesson:
    return Lesson(slug, group, ":material/toys:", 10, needs, leads_to)


def test_what_a_lesson_needs_comes_before_it():
    found = ordered([toy("a", needs=("c",)), toy("b", leads_to="a"), toy("c"), toy("d", "distilling", needs=("a",))])
    assert [one.slug for one in found] == ["b", "c", "a", "d"]


def test_a_lesson_that_is_not_written_yet_holds_nobody_up():
    assert [one.slug for one in ordered([toy("a", needs=("tokens",), leads_to="decoders")])] == ["a"]


def test_a_circle_and_an_unknown_group_are_refused():
    with pytest.raises(ValueError, match="circle: a, b"):
        ordered([toy("a", needs=("b",)), toy("b", needs=("a",)), toy("c")])
    with pytest.raises(ValueError, match="before itself"):
        toy("a", leads_to="a")
    with pytest.raises(ValueError, match=", ".join(GROUPS)):
        toy("a", "elsewhere")


TOY = {
    "core/labs/toy/__init__.py": """
from core.course import Lesson

LESSON = Lesson("toy", "course", ":material/toys:", 7, needs=("self_attention",), leads_to="temperature")
""",
    "pages/toy/page.py": """
from pages.kit.page import Page

page = Page("toy", "ty")
page.section("first")
""",
    "lessons/toy/en.md": "# A toy lesson\n\nIt is here to be found.\n\n## The first lab {#first}\nNothing to do.\n",
    "lessons/toy/zh.md": "# 玩具课\n\n放在这里，等人发现。\n\n## 第一个实验 {#first}\n什么也不用做。\n",
    "tests/labs/toy/test_toy.py": "def test_nothing(): ...\n",
}

LOOK = """
import json
from streamlit.testing.v1 import AppTest

def seen(page=None, language="en"):
    at = AppTest.from_file("pages/frame.py", default_timeout=120)
    at.query_params["lang"] = language
    at.run()
    if page:
        at.switch_page(page).run()
    assert not at.exception, at.exception
    links = [(link.proto.page, link.proto.label) for link in at.get("page_link")]
    return at.title[0].value, links, [text.value for kind in (at.markdown, at.caption, at.subheader) for text in kind]

from core.course import course
from pages.kit.course import groups
print(json.dumps({
    "course": [one.slug for one in course()],
    "navigation": list(groups()["course"]),
    "home": seen(), "zh": seen(language="zh"), "page": seen("toy/page.py"), "before": seen("self_attention/page.py"),
}))
"""


def test_a_new_lesson_is_four_new_folders_and_no_edit_elsewhere(tmp_path):
    """A copy of the app gets the folders of a toy, and finds it in the navigation, on home and in the course's order."""
    for folder in ("core", "lessons", "pages"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "build"))
    (tmp_path / "assets").symlink_to(ROOT / "assets")
    for name, text in TOY.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", LOOK], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    order = found["course"]
    assert order.index("self_attention") < order.index("toy") < order.index("temperature")
    assert found["navigation"] == order[: len(found["navigation"])]  # what Streamlit's navigation is made of
    title, links, words = found["home"]
    assert title == "Distillery"
    assert ["toy", "**A toy lesson**"] in [[page.rstrip("/").split("/")[-1], label] for page, label in links]
    assert "It is here to be found." in words
    assert "About 7 minutes. Builds on Self-attention." in words
    assert "**玩具课**" in [label for _, label in found["zh"][1]]
    title, links, words = found["page"]
    assert title == "A toy lesson" and "The first lab" in words
    assert any("Temperature" in label for _, label in links)
