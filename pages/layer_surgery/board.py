"""The operating table: the board that the learner clicks, what it costs, and the way to Distil."""

import streamlit as st

import lessons
from core.charts.colors import TEACHER
from core.engine import ENGINE
from core.labs.layer_surgery import figures as plots
from core.labs.layer_surgery import surgery as study
from core.labs.layer_surgery.bench import Table
from core.labs.layer_surgery.cut import Cut, from_marks, read_cut, to_marks
from core.labs.layer_surgery.sweep import rule_keeps
from core.numbering import listed
from core.source import weights_of
from pages.kit import components, session, verdict
from pages.kit.components.surgery_board import surgery_board
from pages.kit.page import Page, code_span

PRESETS = ("first", "last", "every_other")
_MOVED, _DRAWN = "_ls_moved", "_ls_drawn"


def _key(name: str) -> str:
    """The board of one model."""
    return f"ls_board_{name}"


def clear(page: Page) -> None:
    """Start over for another model: nothing is cut from it yet."""
    put(page, st.session_state[page.key("model")], None)


def put(page: Page, name: str, cut: Cut | None, shape: tuple[int, int] = (0, 0)) -> None:
    """Show a cut on the board, from a callback; None is the full model. Labs that are not the board call `follow` then.

    Args:
        shape: layers and heads of the model.
    """
    _write(page, cut, shape[0])
    components.assign(_key(name), to_marks(cut, *shape) if cut else [])
    st.session_state[_MOVED] = True


def follow(page: Page) -> None:
    """Draw the whole page once after another lab has moved the board."""
    if st.session_state.get(_MOVED):
        st.toast(page.t("on_board"), icon=":material/content_cut:")
        st.rerun()


def _write(page: Page, cut: Cut | None, layers: int) -> None:
    page.set_parameter("kept", "" if cut is None or len(cut.keep) == layers else cut.kept)
    page.set_parameter("heads_off", cut.silent if cut else "")


def _presets(page: Page, name: str, shape: tuple[int, int]) -> None:
    """Buttons that put well-known cuts on the board."""
    t, layers = page.t, shape[0]
    half = study.half_of(layers)
    with st.container(horizontal=True, gap="small"):
        st.button(t("preset_whole"), key="_ls_whole", on_click=put, args=(page, name, None), icon=":material/healing:")
        for rule in PRESETS:
            cut = Cut(rule_keeps(rule, half, layers))
            text = t(f"preset.{rule}", count=half)
            st.button(text, key=f"_ls_preset_{rule}", on_click=put, args=(page, name, cut, shape))


def operate(page: Page, name: str, opened: Table) -> None:
    """Click layers and heads; see the cost; ask both about a sentence; hand the remainder on."""
    t, shape = page.t, (len(opened.layers), opened.heads)
    st.session_state.pop(_MOVED, None)
    _presets(page, name, shape)
    asked = read_cut(page.parameter("kept"), page.parameter("heads_off"), *shape)
    if _DRAWN not in st.session_state:  # the page is new, or Reset was pressed: the board shows what the address says
        st.session_state[_DRAWN] = True
        components.assign(_key(name), to_marks(asked, *shape))
    left, right = st.columns([6, 5], gap="large")
    with left:
        marks = surgery_board(
            *shape,
            key=_key(name),
            labels=t.group("board") | {"finish": t("board_finish_words" if opened.words else "board_finish_kinds")},
            alt=t("board_alt", model=session.readable(name), layers=shape[0], heads=shape[1]),
            color=TEACHER,
            off=to_marks(asked, *shape),
        )
        cut = from_marks(marks, *shape)
        _write(page, cut, shape[0])
        found = study.operate(ENGINE, page.setting, name, cut)
        _said(page, found, opened)
        _hand_over(page, name, cut, shape[0])
    with right:
        _numbers(page, found)
    _sentence(page, name, cut, opened)
    with st.expander(t("about_savings"), icon=":material/savings:"):
        _savings(page, found, opened)
    with st.expander(t("about_measures"), icon=":material/straighten:"):
        page.prose("measures")
    if cut.keep:  # no layers make no model
        page.code("cut", name=name, folder=weights_of(name), keep=cut.keep, off=cut.off)


def _said(page: Page, found: study.Operation, opened: Table) -> None:
    """The cost in words: clear, or lost in the noise of a small sample."""
    t, rise = page.t, found.after.rise
    if found.cut.is_whole(len(opened.layers)):
        st.markdown(t("said.whole"))
    else:
        sides = t("said.pruned"), t("said.full")
        st.markdown(
            verdict.sentence(page, rise.change, *sides, t("loss_words" if opened.words else "loss_kinds"), "nats")
        )
    sample = "sample_words" if opened.words else "sample_kinds"
    st.caption(t(sample, questions=found.questions, texts=found.texts))


def _numbers(page: Page, found: study.Operation) -> None:
    """Draw the effect of the click, number by number; where nothing changed a word holds the place of the change."""
    t, after, names, weight = page.t, found.after, page.t.group("metric"), found.weight
    cut, fewer = found.after is not found.before, found.weight.removed > 0

    def show(name: str, value: str, change: str | None, color: str, help_: str) -> None:
        still = {"delta_color": "off", "delta_arrow": "off"}
        look = still if change is None else {"delta_color": color}
        text = change or t("kl_zero" if name == "divergence" else "unchanged")
        st.metric(names[name], value, text, border=True, help=help_, **look)

    with st.grid(2, min_column_width=130):
        rise = f"{after.rise.mean:+.2f} ± {after.rise.error:.2f}"
        show("loss", f"{after.loss.mean:.2f}", rise if cut else None, "inverse", t("metric_help.loss"))
        show("divergence", f"{after.divergence.mean:.2f}", None, "off", t("metric_help.divergence"))
        for name, change in (("top1", found.top1_change), ("top5", found.top5_change)):
            one = getattr(after, name)
            points = t("points", change=f"{change:+.0f}") if round(change) else None
            show(name, f"{one.mean:.0%}", points, "normal", t("metric_help.top", error=f"{one.error:.0%}"))
        whole = f"{found.times.whole:.1f}"
        spent = t("metric_help.milliseconds", whole=whole, tokens=found.times.tokens)
        saved = f"{found.time_change:+.0%}" if fewer else None
        show("milliseconds", f"{found.times.rest:.1f}", saved, "inverse", spent)
        kept = t("metric_help.megabytes", rest=f"{weight.rest:,}", whole=f"{weight.parameters:,}")
        smaller = f"{found.size_change:+.0%}" if fewer else None
        show("megabytes", f"{weight.rest_megabytes:.1f}", smaller, "inverse", kept)


def _hand_over(page: Page, name: str, cut: Cut, layers: int) -> None:
    """The way to Distil, where the remainder becomes the student."""
    t = page.t
    with st.container(border=True):
        if not study.can_teach(name):
            st.caption(t("no_teacher", name=code_span(session.readable(name))))
        elif not cut.keep:
            st.caption(t("nothing_left"))
        elif cut.is_whole(layers):
            st.caption(t("nothing_cut"))
        else:
            link = {"dl_teacher": name, "dl_kept": cut.kept} | ({"dl_heads_off": cut.silent} if cut.off else {})
            st.page_link("distil/page.py", label=f"**{t('to_distil')}**", icon=":material/science:", query_params=link)
            silent = t("and_heads", count=len(cut.off)) if cut.off else ""
            st.caption(t("to_distil_note", layers=listed(cut.keep), heads=silent))


def _sentence(page: Page, name: str, cut: Cut, opened: Table) -> None:
    """The learner's own text, answered by the whole model and by the remainder."""
    t = page.t
    st.markdown(f"#### {page.lesson['sentence'].title}")
    page.prose("sentence")
    with page.guard():
        if opened.words:
            text = page.sentence()
        else:
            text = page.sentence("definition", t("your_definition"), examples=lessons.table(page.slug, "definitions"))
        page.notices(ENGINE.tokens(page.setting, name, text))
        found = study.read(ENGINE, page.setting, name, text, cut)
        kinds = lessons.labels("temperature", t.language).group("kinds")
        answers = [kinds.get(answer, answer) for answer in found.answers] if not opened.words else found.answers
        names = dict(zip(found.answers, answers, strict=True))
        labels = t.group("reading")
        first, after = answers[0], names[found.first]
        page.figure(
            plots.reading_bars(answers, found.whole, found.rest, labels),
            "reading",
            labels["alt"].format(first=first, after=after),
            lambda: plots.reading_table(answers, found.whole, found.rest, labels),
        )
        if not cut.is_whole(len(opened.layers)):
            key = "reading_same" if found.same else "reading_differs"
            blanks = {"first": code_span(first), "after": code_span(after), "kl": f"{found.divergence:.2f}"}
            st.markdown(t(key, **blanks))


def _savings(page: Page, found: study.Operation, opened: Table) -> None:
    """Draw the size of a layer and of a head, and the reason why a head that is off saves nothing."""
    t, weight = page.t, found.weight
    page.prose("savings")
    st.markdown(
        t(
            "savings_numbers",
            layer=f"{weight.a_layer:,}",
            layer_mb=f"{weight.layer_megabytes:.1f}",
            head=f"{weight.a_head:,}",
            head_mb=f"{weight.head_megabytes:.2f}",
            rest=f"{weight.outside:,}",
            share=f"{weight.outside_share:.0%}",
        )
    )
    if found.cut.off:
        would = f"{weight.off_megabytes:.2f}"
        st.markdown(t("savings_heads", count=len(found.cut.off), numbers=f"{weight.in_heads:,}", megabytes=would))
