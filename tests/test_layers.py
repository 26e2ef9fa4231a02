"""The architecture's rules, read from the imports: arrows only point down."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def imports(path: Path) -> set[str]:
    """Every module that a file imports, wherever in it."""
    return imports_in(ast.parse(path.read_text(encoding="utf-8")))


def imports_in(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def reaches(path: Path, *forbidden: str) -> list[str]:
    """Which of the forbidden modules a file imports."""
    return sorted(
        name for name in imports(path) if any(name == root or name.startswith(root + ".") for root in forbidden)
    )


def files(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    assert found, folders
    return found


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", files("core", "lessons"), ids=lambda path: str(path.relative_to(ROOT)))
def test_core_and_lessons_know_no_streamlit(path):
    assert not reaches(path, "streamlit", "pages")


@pytest.mark.parametrize("path", [*files("pages"), ROOT / "app.py"], ids=lambda path: str(path.relative_to(ROOT)))
def test_pages_know_no_torch(path):
    assert not reaches(path, "torch", "transformers", "safetensors")


@pytest.mark.parametrize("path", files("core/models", "core/distill", "core/measure"), ids=name)
def test_models_and_methods_know_no_runs(path):
    """What a run is made of does not know of runs: `core.models.finished` reads their cards, not their plans."""
    assert not reaches(path, "core.runs", "core.labs", "core.charts")


@pytest.mark.parametrize("path", files("core/runs"), ids=name)
def test_runs_know_no_lesson(path):
    assert not reaches(path, "core.labs", "core.charts")


OUTSIDE_BUILD = [path for path in files("core", "pages", "lessons") if ROOT / "core" / "build" not in path.parents]


def builds(source: str) -> list[str]:
    """The lines of a file that import `core.build`, also in code that the file only writes, as into a notebook."""
    return re.findall(r"^\s*(?:from|import) core\.build\b.*", source, flags=re.MULTILINE)


@pytest.mark.parametrize("path", [*OUTSIDE_BUILD, ROOT / "app.py"], ids=lambda path: str(path.relative_to(ROOT)))
def test_the_app_runs_without_the_build(path):
    assert not builds(path.read_text(encoding="utf-8"))


def test_an_import_of_the_build_is_found_in_written_code_too():
    assert builds('CELL = """\nfrom core.build.train import student\n"""')
    assert not builds('"""As `core.build` wrote it.\n\nimport core.buildings\n"""')


LABS = files("core/labs")
DRAWING = ("figure", "formulas", "tables", "html", "bertviz_view")
"""How the names of the modules end that draw; the others of a lab compute."""
PICTURES = [
    path for path in [*LABS, *files("core/practice")] if path.stem.rstrip("s").endswith(DRAWING) or path.stem in DRAWING
]
NUMBERS = [path for path in LABS if path not in PICTURES]


@pytest.mark.parametrize("path", files("core/theory"), ids=lambda path: path.name)
def test_theory_knows_no_models(path):
    assert not reaches(path, "transformers", "core.models", "core.trace", "core.engine", "core.labs", "core.charts")


@pytest.mark.parametrize("path", files("core/trace"), ids=lambda path: path.name)
def test_traces_know_nothing_above_them(path):
    above = reaches(path, "core.engine", "core.labs", "core.charts", "core.distill", "core.runs")
    assert not above


@pytest.mark.parametrize("path", [*files("core/charts"), *PICTURES], ids=name)
def test_pictures_only_draw(path):
    """Data in, a figure out: no model and no engine behind a picture (it may name the dataclasses that it draws)."""
    assert not reaches(path, "transformers", "core.engine", "core.models", "core.trace")


@pytest.mark.parametrize("path", NUMBERS, ids=name)
def test_what_a_lab_computes_draws_nothing(path):
    assert not reaches(path, "plotly", "core.charts")


# Starters and solutions are content: they are shown, and run in the sandbox, but never imported.
LESSONS = [path for path in files("lessons") if path.name not in ("starter.py", "solution.py")]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: str(path.relative_to(ROOT)))
def test_lessons_hold_content_only(path):
    assert not reaches(path, "core", "torch", "plotly")


SLUGS = sorted(path.parent.name for path in (ROOT / "core" / "labs").glob("*/__init__.py"))


def test_lessons_do_not_import_each_other():
    """Neither what a lesson computes nor its page; what two of them need lies below (core/charts, core/measure, pages/kit)."""
    crossing = []
    for path in [*LABS, *files("pages")]:
        others = [slug for slug in SLUGS if slug not in path.relative_to(ROOT).parts]
        found = reaches(path, *(f"{room}.{slug}" for slug in others for room in ("core.labs", "pages")))
        crossing += [f"{name(path)}: {module}" for module in found]
    assert not crossing


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def circles(graph: dict[str, set[str]]) -> list[str]:
    """Modules on a circle, or between two: what is left once whoever imports nobody, or is imported by nobody, is gone."""
    left = {module: targets & graph.keys() for module, targets in graph.items()}
    while True:
        imported = set().union(*left.values())
        ends = {module for module, targets in left.items() if not targets or module not in imported}
        if not ends:
            return sorted(left)
        left = {module: targets - ends for module, targets in left.items() if module not in ends}


def import_graph() -> dict[str, set[str]]:
    """Which module imports which, wherever in it; an import for type checkers only counts for none.

    `from package import module` counts as an import of the module alone.
    """
    paths = [*files("core", "pages"), *LESSONS, ROOT / "app.py"]
    modules = {module_of(path): path for path in paths}
    graph = {}
    for module, path in modules.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                node.body = []
        found = {target for target in imports_in(tree) if target in modules and target != module}
        graph[module] = {one for one in found if not any(other.startswith(one + ".") for other in found)}
    return graph


def test_there_is_no_import_circle_also_no_lazy_one():
    assert circles(import_graph()) == []


def test_the_check_finds_a_circle():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == ["b", "c"]
    assert circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_the_check_finds_an_import_inside_a_function(tmp_path):
    file = tmp_path / "late.py"
    file.write_text("def f():\n    from torch import nn\n")
    assert reaches(file, "torch")
