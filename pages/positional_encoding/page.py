"""Positional encoding: waves, the table that the teacher learned, order surgery, and what each scheme adds to a score."""

import pandas as pd
import streamlit as st

import lessons
from core.charts.colors import DIFFERENCE, POSITIVE, TEACHER
from core.engine import ENGINE
from core.labs.positional_encoding import encodings as study
from core.labs.positional_encoding import figures as draw
from core.labs.positional_encoding import formulas, order
from core.labs.positional_encoding import order_figures as draw_order
from pages.kit.page import Page
from pages.kit.picked import bounded_slider, picked_positions
from pages.kit.token_strip import token_strip
from pages.positional_encoding import code
from pages.positional_encoding.schemes import schemes

page = Page("positional_encoding", "pe")
t, axis = page.t, page.t.group("axis")
SWAPS = {example["text"]: example["swap"] for example in lessons.examples(page.slug)}
WIDTHS, BASES = [4, 8, 16, 32, 64, 128, 256, 384], [10, 100, 1000, 10_000, 100_000, 1_000_000]


@page.lab
def waves() -> None:
    """Sinusoids: the whole picture, one pair as a clock, two positions compared."""
    left, middle, right = st.columns(3)
    with left:
        length = page.control(st.slider, "length", 40, t("length"), 8, 512)
        a = bounded_slider(page, "a", 6, t("position_a"), 0, length - 1)
    with middle:
        width = page.control(st.select_slider, "width", 64, t("width"), WIDTHS)
        b = bounded_slider(page, "b", 10, t("position_b"), 0, length - 1)
    with right:
        base = page.control(st.select_slider, "base", 10_000, t("base"), BASES)
        pair = bounded_slider(page, "pair", 4, t("pair"), 0, width // 2 - 1)
    found, clock = study.waves(length, width, base), study.clock(width, base, pair, a, b)
    hands = clock.hands.tolist()
    left, right = st.columns([3, 2])
    with left:
        page.figure(
            draw.encoding_heatmap(found.drawn, found.rows, found.columns, (a, b), pair, axis),
            "waves",
            t("wave_alt", length=length, width=width, a=a, b=b),
            lambda: pd.DataFrame(found.encoding.numpy()).rename_axis(axis["position"]).reset_index(),
        )
        if found.shrunk:
            st.caption(t("wave_blocks", rows=found.positions_per_row, shown=len(found.columns), width=width))
    with right:
        page.figure(
            draw.clock_figure(clock.angles, clock.frequency, min(length, 100), pair, (a, b), axis),
            "clock",
            t("clock_alt", first=2 * pair, second=2 * pair + 1, a=a, b=b, hand_a=hands[0], hand_b=hands[1]),
            lambda: pd.DataFrame({"position": [a, b], "hand": hands}),
        )
        st.markdown(t("clock_text", pair=pair, period=clock.period, turns=clock.turns))
    written = formulas.wave_formulas(a, pair, width, base, clock.angles[0])
    for column, formula in zip(st.columns(2), written, strict=True):
        column.latex(formula)
    page.section("distance")
    if page.predict("same_distance"):
        both = study.compare_positions(width, base, a, b)
        left, right = st.columns([3, 2], vertical_alignment="center")
        with left:
            line = (axis["sinusoid_line"], found.similarity.cosine, POSITIVE)
            page.figure(
                draw.similarity_lines([line], axis, (both.distance, both.cosine)),
                "distance",
                t("distance_alt", distance=both.distance, value=both.cosine),
                lambda: pd.DataFrame(found.similarity._asdict()),
            )
        with right:
            st.latex(formulas.dot_formula(a, b, width, both.dot))
            st.markdown(t("distance_text", a=a, b=b, both=both))
        with st.expander(t("turn_title"), icon=":material/rotate_right:", key=page.key("turn")):
            st.markdown(t("turn_text", distance=both.distance))
            st.latex(formulas.turn_formula(clock.matrix.tolist(), hands))
    page.code("waves", code.WAVES.format(length=length, width=width, base=base, a=a, b=b))


@page.lab
def learned() -> None:
    """The teacher's own table: overview, a stretch of it, its path, its rows."""
    table = study.learned_table(ENGINE, page.setting, page.setting.teacher)
    rows, width = table.table.shape
    st.markdown(t("table_text", rows=rows, width=width, count=table.table.numel()))
    left, right = st.columns(2)
    with left:
        first = bounded_slider(page, "from", 300, t("from_position"), 0, table.last_start) if table.last_start else 0
    path = study.path(table.table, first)

    def axes_label(one: int) -> str:
        names = {"one": one + 1, "two": one + 2, "p": path.periods[one], "q": path.periods[one + 1]}
        return t("axes_auto") if one < 0 else t("axes_choice", **names)

    with right:
        one = page.choice("axes", -1, [-1, *range(len(path.periods) - 1)], t("axes"), format_func=axes_label)
    axes = path.axes if one < 0 else (one, one + 1)
    near = list(range(path.first, path.last + 1))
    left, right = st.columns(2)
    with left:
        st.markdown(f"**{t('overview', rows=rows)}**")
        page.figure(
            draw.cosine_map(table.drawn, table.starts, axis, (path.first, path.last)),
            "overview",
            t("overview_alt", rows=rows, size=table.block),
            lambda: pd.DataFrame(table.drawn.numpy(), table.starts, table.starts).reset_index(),
        )
        st.markdown(f"**{t('curves_title')}**")
        curves = {"learned_line": table.similarity.cosine, "sinusoid_line": table.sinusoids.cosine}
        colors = {"learned_line": TEACHER, "sinusoid_line": POSITIVE}
        page.figure(
            draw.similarity_lines([(axis[name], curve, colors[name]) for name, curve in curves.items()], axis),
            "curves",
            t("curves_alt", near=curves["learned_line"][1], valley=table.valley, sinusoid=curves["sinusoid_line"][1]),
            lambda: pd.DataFrame(curves),
        )
        st.markdown(t("waves_again", valley=table.valley, hill=table.hill) if table.hill else t("no_waves"))
    with right:
        st.markdown(f"**{t('closeup', first=path.first, last=path.last)}**")
        page.figure(
            draw.cosine_map(path.cosines, near, axis),
            "closeup",
            t("closeup_alt", first=path.first, last=path.last, low=path.cosines.min().item()),
            lambda: pd.DataFrame(path.cosines.numpy(), near, near).reset_index(),
        )
        st.markdown(f"**{t('path_title')}**")
        facts = {"one": axes[0] + 1, "two": axes[1] + 1, "p": path.periods[axes[0]], "q": path.periods[axes[1]]}
        page.figure(
            draw.path_figure(path.scores, axes, path.first, axis),
            "path",
            t("path_alt", first=path.first, last=path.last, **facts),
            lambda: pd.DataFrame(path.scores.numpy(), near).reset_index(),
        )
        turning = t("path_clock", turns=path.turns[axes[0]]) if path.goes_round(axes[0]) else t("path_no_clock")
        st.markdown(t("path_text", share=path.share_of(axes), **facts) + " " + turning)
    st.markdown(f"**{t('profile_title')}**")
    seams = ", ".join(f"{seam}|{seam + 1}" for seam in table.seams) or t("no_seams")
    page.figure(
        draw.row_profile(table.norms, table.next_cosine, table.seams, axis),
        "profile",
        t("profile_alt", table=table, seams=seams),
        lambda: pd.DataFrame({"norm": table.norms, "next_cosine": [*table.next_cosine.tolist(), None]}),
    )
    st.markdown(t("profile_text", table=table, seams=seams))
    untrained = table.untrained
    st.markdown(t("untrained_some", count=len(untrained), some=untrained[:9]) if untrained else t("trained_all"))
    with st.expander(page.lesson["seams"].title, icon=":material/help:", key=page.key("seams")):
        page.prose("seams")
    page.code("learned", code.LEARNED.format(first=first))


@page.lab
def surgery() -> None:
    """The same words in another order, with positions and without."""
    setting, name = page.setting, page.setting.teacher
    text = page.sentence()
    tokens = ENGINE.tokens(setting, name, text)
    page.notices(tokens)
    ways = {one: t(f"way_{one}") for one in order.WAYS}
    choose = {"format_func": ways.__getitem__, "required": True}
    way = page.control(st.segmented_control, "way", "swap", t("way"), list(ways), **choose)
    marked, seed = [], 0
    if way == "swap":
        fixed = tokens.special.nonzero().flatten().tolist()
        wanted = order.default_swap(tokens, SWAPS.get(text, ()))
        marked = picked_positions(page, "token_swap", wanted, tokens.pieces, fixed, t.group("picker"))
    elif way == "shuffle":
        seed = page.control(st.number_input, "seed", 1, t("seed"), 0, 9999)
    moves = order.new_order(tokens, way, marked, seed)
    found = order.surgery(ENGINE, setting, name, text, moves)
    st.caption(t("moved_sentence"))
    pieces = enumerate(found.moved_tokens.pieces)
    items = [
        {"text": piece, "color": DIFFERENCE} if i in found.moved_places else {"text": piece} for i, piece in pieces
    ]
    token_strip(items, key="pe:moved", alt=t("moved_sentence"))
    if not found.moved_places:
        st.info(t("nothing_moved"), icon=":material/touch_app:")
    left, right = st.columns(2)
    with left, page.guard():
        shift(text, moves, positions=True)
    shown = page.predict("without_positions")
    if shown:
        with right, page.guard():
            shift(text, moves, positions=False)
        errors(found)
    page.check(found.check)
    page.code("order", code.ORDER.format(text=text, order=moves))


def shift(text: str, moves: tuple[int, ...], positions: bool) -> None:
    """The masked word before and after, with positions or without."""
    found = order.prediction(ENGINE, page.setting, page.setting.teacher, text, moves, positions)
    which = axis["with_positions" if positions else "without_positions"]
    st.markdown(f"**[MASK]: {which}**")
    page.figure(
        draw_order.shift_bars(found.words, found.before, found.after, axis),
        f"shift_{int(positions)}",
        t("shift_alt", which=which, old=found.best_before, new=found.best_after),
        lambda: pd.DataFrame({"word": found.words, "before": found.before, "after": found.after}),
    )
    st.markdown(t("shift_none" if found.moved < 1e-4 else "shift_text", moved=found.moved))


def errors(found: order.Surgery) -> None:
    """The equivariance error by layer, and where it arises."""
    lines = {
        "with_positions": found.with_positions,
        "without_positions": found.without_positions,
        "other_way": found.other_way,
    }
    with st.container(horizontal=True):
        for name, values in lines.items():
            st.metric(axis[name], f"{values[-1]:.2g}", help=t("error_help"), border=True)
    left, right = st.columns(2)
    last = {name: values[-1].item() for name, values in lines.items()}
    with left:
        st.markdown(f"**{t('lines_title')}**")
        page.figure(
            draw_order.error_lines(*lines.values(), found.size, axis),
            "errors",
            t("error_alt", **last),
            lambda: pd.DataFrame(lines),
        )
    with right:
        st.markdown(f"**{t('map_title')}**")
        page.figure(
            draw_order.error_map(found.by_token, found.moved_tokens.pieces, axis),
            "error_map",
            t("error_map_alt", token=found.most_changed),
            lambda: pd.DataFrame(found.by_token.numpy()),
        )
    st.markdown(t("error_matters" if found.order_matters else "error_small", size=found.size, **last))
    if found.moved_places:
        st.markdown(t("error_other", **last))


page.section("waves")
waves()
page.section("learned")
learned()
page.section("order")
surgery()
page.section("relative")
page.lab(lambda: schemes(page))()
page.section("beyond")
page.section("check")
page.quiz("bert_sinusoids", "i_is_pair", "relative_input", "no_order", "words_512", "special_tokens")
page.reset()
