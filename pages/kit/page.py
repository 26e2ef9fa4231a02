"""Base of every page: its texts, its controls in the address, its figures with their numbers, its errors."""

from __future__ import annotations

import functools
import itertools
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

import lessons
from core.engine import MAX_TOKENS, TOLERANCE, Setting
from core.errors import LabError
from core.numbering import read_list
from core.source import source_of, weights_of
from pages.kit import address, session
from pages.kit.components.arrive import arrival, asked, bring
from pages.kit.components.nearby import near
from pages.kit.components.plotly_figure import plotly_figure
from pages.kit.controls import Controls

CODE_WAITS = True
"""Whether the code of a lab is only written once it is unfolded; tests that read a whole page at once switch it off."""


def code_span(text: str) -> str:
    """A learner's text as Markdown that shows it as it is, whatever signs it holds."""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence} {text} {fence}" if "`" in text else f"{fence}{text}{fence}"


@dataclass(frozen=True)
class Page(Controls):
    """One lesson's page in the learner's language and setting, with its controls (see `pages.kit.controls`).

    Attributes:
        slug: the folder in `lessons`.
        prefix: begins the name of each of the page's parameters in the address.
    """

    slug: str
    prefix: str
    _labs: Iterator[int] = field(default_factory=itertools.count, init=False, repr=False, compare=False)

    @property
    def t(self) -> lessons.Labels:
        """Short texts: `page.t("layer", number=3)`."""
        return lessons.labels(self.slug, session.language())

    @property
    def lesson(self) -> lessons.Lesson:
        """The lesson's prose."""
        return lessons.lesson(self.slug, session.language())

    @property
    def setting(self) -> Setting:
        """Teacher, student, device and precision as chosen in the corner."""
        return session.setting()

    # Texts

    def section(self, key: str) -> None:
        """Write a section's heading and prose; a link to it ("?at=losses") brings the reader here."""
        section, place = self.lesson[key], f"{self.slug}_{key}"
        if asked(key):
            bring(place)
        arrival(place)
        st.subheader(section.title, anchor=key.replace("_", "-"))
        st.markdown(section.body)

    def prose(self, key: str) -> None:
        """Write a section's prose without its heading."""
        st.markdown(self.lesson[key].body)

    # What lives in the address besides the controls

    def reset(self) -> None:
        """A button that puts every control of the page, and its text, back to the start."""
        st.button(self.t("reset"), key=f"_reset_{self.prefix}", icon=":material/restart_alt:", on_click=self._reset)

    def _reset(self) -> None:
        address.reset(self.prefix + "_")
        for key in [key for key in st.session_state if str(key).startswith(f"_{self.prefix}_")]:
            del st.session_state[key]

    def parameter(self, name: str, default: str = "") -> str:
        """A value that the address carries but no widget holds (see `set_parameter`)."""
        return st.query_params.get(self.key(name), default)

    def set_parameter(self, name: str, value: str) -> None:
        """Write the value of such a parameter; an empty or a very long one leaves the address."""
        address.write(self.key(name), value)

    def positions(self, name: str, default: Sequence[int], length: int) -> list[int]:
        """Token positions that the address carries, from 1, as "4-8" or "none"; what does not fit the text is dropped.

        Args:
            default: where the address names none that fits.
            length: of the text in tokens.
        """
        asked = self.parameter(name)
        fitting = sorted(position for position in set(read_list(asked)) if 0 <= position < length)
        if fitting or asked == "none":
            return fitting
        return [position for position in default if position < length]

    def sentence(
        self, name: str = "text", label: str | None = None, default: int = 0, examples: Sequence[dict] | None = None
    ) -> str:
        """The text box: opens on an example, keeps its text in the address, shows its limit.

        What belongs to a text, such as positions, are parameters whose names begin with "token_": they go when another
        example comes. A second text box of a page has `examples` of its own (each with `text` and `note`), and no such positions.
        """
        own, examples = examples is not None, examples or lessons.examples(self.slug)
        texts = [example["text"] for example in examples]
        rounds = f"_{self.key(name)}_round"
        picked = f"_{self.key(name)}_example" + "_again" * st.session_state.get(rounds, 0)

        def choose() -> None:
            # The browser would send the radio's choice again with every run: the next one draws a fresh radio.
            st.session_state[rounds] = st.session_state.get(rounds, 0) + 1
            chosen = st.session_state[picked]
            if chosen is not None:
                if not own:
                    address.reset(self.key("token_"))
                self.put(name, chosen)

        with st.container(horizontal=True, vertical_alignment="bottom"):
            text = self.text_area(
                name,
                texts[default],
                label or self.t("your_text"),
                height=68,
                help=self.t("text_limit", tokens=MAX_TOKENS),
                placeholder=self.t("text_placeholder"),
            )
            with st.popover(self.t("examples"), icon=":material/lightbulb:"):
                notes = [example["note"][session.language()] for example in examples]
                st.radio(self.t("examples"), texts, index=None, key=picked, on_change=choose, captions=notes)
        return text

    def notices(self, tokens: Any) -> None:
        """Name the parts of a text that the model does not see: what was cut, and what became [UNK]."""
        if tokens.truncated:
            st.info(self.t("truncated", kept=len(tokens.pieces), total=tokens.total), icon=":material/content_cut:")
        if tokens.unknown:
            st.warning(self.t("unknown", count=tokens.unknown, total=len(tokens.pieces)), icon=":material/help:")

    # What is shown

    def figure(
        self,
        figure: go.Figure,
        name: str,
        alt: str,
        table: Callable[[], pd.DataFrame],
        on_click: Callable[[Any], None] | None = None,
    ) -> None:
        """A figure that can be saved (PNG or SVG, by the camera in its corner) with its numbers as CSV.

        Args:
            name: unique on the page; the files are called so.
            alt: the figure in a sentence, for those who do not see it.
            table: makes the numbers, when they are needed.
            on_click: receives the `customdata` of a point that the learner clicks.
        """
        config = {
            "displaylogo": False,
            "displayModeBar": True,
            "showSendToCloud": False,
            "modeBarButtonsToRemove": ["select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "autoScale2d", "pan2d"],
            "toImageButtonOptions": {
                "format": session.image_format(),
                "filename": f"distillery-{self.slug}-{name}",
                "scale": 2,
            },
        }
        plotly_figure(figure, key=f"{self.prefix}_figure_{name}", alt=alt, config=config, on_click=on_click)
        self.numbers(name, table)

    def numbers(self, name: str, table: Callable[[], pd.DataFrame]) -> None:
        """The button that downloads a figure's numbers as CSV."""
        st.download_button(
            self.t("numbers"),
            lambda: table().to_csv(index=False).encode(),
            file_name=f"distillery-{self.slug}-{name}.csv",
            mime="text/csv",
            key=f"{self.prefix}_numbers_{name}",
            on_click="ignore",
            type="tertiary",
            icon=":material/download:",
        )

    def check(self, largest_difference: float) -> None:
        """The badge that proves the picture: recomputed numbers against those that the model used."""
        exact = largest_difference < TOLERANCE[self.setting.precision]
        st.badge(
            self.t("check" if exact else "check_failed", difference=f"{largest_difference:.1e}"),
            icon=":material/verified:" if exact else ":material/error:",
            color="green" if exact else "red",
            help=self.t("check_help"),
        )

    def code(self, name: str, /, **blanks: Any) -> None:
        """The Python that computes what was just shown: in plain torch, by this program, and the function that ran.

        Args:
            name: an id in the lesson's `code.toml`.
            blanks: fill the snippet's blanks; `teacher`, `student`, `teacher_folder` and `student_folder` are those of the
                setting unless given.
        """
        title, key = self.t("reproduce"), self.key("code_" + name)
        folded = st.expander(title, icon=":material/code:", key=key, on_change="rerun")
        if CODE_WAITS and not folded.open:
            return  # a closed one would cost each run of its lab half a dozen elements
        snippet, setting = lessons.code(self.slug)[name], self.setting
        known = {"teacher": setting.teacher, "student": setting.student}
        known |= {f"{role}_folder": weights_of(model) for role, model in known.items()}
        filled = snippet.filled(**{key: value for key, value in known.items() if key in snippet.blanks} | blanks)
        function = source_of(snippet.function) if snippet.function else ""
        parts = {"code_plain": filled.plain, "code_core": filled.core, "code_function": function}
        shown = {self.t(label): lines for label, lines in parts.items() if lines}
        with folded:
            places = st.tabs(list(shown)) if len(shown) > 1 else [st.container()]
            for place, lines in zip(places, shown.values(), strict=True):
                place.code(lines, language="python")
            if function:
                places[-1].caption(code_span(snippet.function.replace(":", ".")))

    def predict(self, question: str, answer: int | None = None, **blanks: object) -> bool:
        """Request a guess before a result is shown.

        Args:
            question: an id in the lesson's quiz.
            answer: the right choice, where it depends on the model's numbers.
            blanks: fill the question's {blanks}; with others it is another question and shown anew.

        Returns:
            Whether the learner has answered (or chose to see it at once), so that the result may be shown.
        """
        asked = lessons.quiz(self.slug, session.language())[question].filled(**blanks)
        right = asked.answer if answer is None else answer
        texts = [choice.text for choice in asked.choices]
        key = self.key(f"guess_{question}")
        if blanks:
            key += f"_{zlib.crc32(repr(blanks).encode()):x}"
        with st.container(border=True):
            guess = st.radio(
                f"**{self.t('predict')}** {asked.prompt}",
                range(len(texts)),
                index=None,
                format_func=texts.__getitem__,
                key=key,
                persist_state="session",
            )
            if guess is None:
                return st.toggle(self.t("show_at_once"), key=key + "_skip", persist_state="session")
            if guess == right:
                st.success(asked.choices[guess].why, icon=":material/check:")
            else:
                st.warning(asked.choices[guess].why, icon=":material/undo:")
                if right is not None:
                    st.markdown(f"**{texts[right]}** {asked.choices[right].why}")
            st.caption(self.t("source", source=asked.source))
        return True

    def guessed(self, question: str) -> bool:
        """Return True if a question without blanks is answered or skipped: so that what takes long begins only then."""
        key = self.key(f"guess_{question}")
        return st.session_state.get(key) is not None or bool(st.session_state.get(key + "_skip"))

    def quiz(self, *questions: str) -> None:
        """Questions on what was seen, each choice answered with its reason."""
        for question in questions:
            asked = lessons.quiz(self.slug, session.language())[question]
            with st.container(border=True):
                guess = st.radio(
                    asked.prompt,
                    range(len(asked.choices)),
                    index=None,
                    format_func=lambda index, asked=asked: asked.choices[index].text,
                    key=self.key(f"quiz_{question}"),
                    persist_state="session",
                )
                if guess is not None:
                    say, icon = (st.success, "check") if guess == asked.answer else (st.warning, "undo")
                    say(asked.choices[guess].why, icon=f":material/{icon}:")
                    st.caption(self.t("source", source=asked.source))

    # Errors

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Turn a `LabError` inside the block into a sentence in the learner's language; what is drawn above stays."""
        try:
            yield
        except LabError as error:
            # What was never installed is no mistake of the learner's.
            say = st.info if error.code in ("missing_data", "missing_pair") else st.error
            say(self.t(f"errors.{error.code}", **error.details), icon=":material/info:")

    def run(self, lab: Callable[..., None], *arguments: Any, **named: Any) -> None:
        """Draw a lab of the page, `lab(page, *arguments, **named)`: a part that redraws alone, with its errors caught.

        The first one of a page is there at once, the others when the learner comes near them. No two labs of a page have
        the same name, under which the session remembers that the learner has come near.
        """
        first, place = next(self._labs) == 0, f"{self.prefix}_{lab.__name__}"

        @functools.wraps(lab)
        def guarded() -> None:
            if first or near(place):
                with self.guard():
                    lab(self, *arguments, **named)

        st.fragment(guarded)()
