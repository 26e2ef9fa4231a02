"""MLM masking: gaps, draws of 80/10/10, static and dynamic masks, left context, the logit lens, pairs of sentences."""

import streamlit as st

import lessons
from core.charts.colors import COLORS
from core.charts.figures import percent
from core.engine import ENGINE
from core.labs.mlm_masking import context as mlm_context
from core.labs.mlm_masking import figures as plots
from core.labs.mlm_masking import gaps as mlm_masking
from core.labs.mlm_masking import masking as mlm_draws
from core.labs.mlm_masking import tables
from pages.kit.page import Page, code_span
from pages.kit.token_strip import token_strip
from pages.mlm_masking import code as mlm_code
from pages.mlm_masking import parts as mlm_masking_parts
from pages.mlm_masking import sentence_pairs

page = Page("mlm_masking", "mm")
t = page.t
setting = page.setting
names = {"teacher": setting.teacher, "student": setting.student}
WHO = {who: t(who) for who in names}
COLUMNS = t.group("columns")
DRAWS = 1000
MOST_ROWS = 40

text = page.sentence()
page.reset()
allowed: list[int] = []
with page.guard():
    tokens = ENGINE.tokens(setting, setting.teacher, text)
    page.notices(tokens)
    allowed = mlm_masking.maskable(ENGINE, setting, tokens)
    if not allowed:
        st.info(t("nothing_to_hide"), icon=":material/info:")
if not allowed:
    st.stop()
suggested = [example["mask"] for example in lessons.examples(page.slug) if example["text"] == text]
start = mlm_masking.first_choice(tokens, allowed, suggested)
parts = mlm_masking_parts.Parts(page, tokens, allowed, start)


@page.lab
def gap() -> None:
    """Click words away; both models answer."""
    whole = page.control(st.toggle, "whole", False, t("whole_words"), help=t("whole_words_help"))
    hidden = parts.picker(whole)
    found = mlm_masking.fill_gaps(ENGINE, setting, text, hidden)
    losses = {"teacher": found.teacher_loss, "student": found.student_loss}
    for column, who in zip(st.columns(2), WHO, strict=True):
        terms = [getattr(gap, who).loss for gap in found.gaps]
        with column:
            st.metric(t("mean_loss", who=WHO[who]), f"{losses[who]:.3f}", border=True)
            if len(terms) > 1:
                st.latex(tables.mean_loss_formula(terms, losses[who]))
    chosen = parts.gap_choice(found.gaps)
    parts.answers({who: getattr(chosen, who) for who in WHO}, WHO, COLORS, chosen.truth, "gap")
    st.markdown(t(f"right.{chosen.right}", word=code_span(chosen.truth)))
    if len(found.gaps) > 1:
        st.dataframe(tables.gap_table(found.gaps, COLUMNS), hide_index=True)
    page.check(max(found.teacher.check(), found.student.check()))
    page.code("gap", mlm_code.GAP.format(text=text, positions=hidden))
    st.markdown(f"#### {page.lesson['pair'].title}")
    page.prose("pair")
    pair(chosen.position)


def pair(first: int) -> None:
    """The same gap with its neighbour hidden too."""
    second = parts.neighbour(first)
    if second is None:
        st.info(t("no_neighbour"), icon=":material/info:")
        return
    found = dict(zip(WHO, mlm_masking.hide_pair(ENGINE, setting, text, first, second), strict=True))
    if not page.predict("pair", mlm_masking.direction(found["teacher"].effect)):
        return
    words = (tokens.pieces[first], tokens.pieces[second])
    labels = COLUMNS | {"alone": t("pair_alone"), "together": t("pair_together")}
    st.dataframe(tables.pair_table({WHO[who]: found[who] for who in WHO}, words, labels), hide_index=True)
    for who, one in found.items():
        blanks = {
            "chained": f"{one.chained:.2f}",
            "independent": f"{one.independent:.2f}",
            "price": f"{one.price:+.2f}",
        }
        st.markdown(t("pair_price", who=WHO[who], first=code_span(words[0]), second=code_span(words[1]), **blanks))
    st.caption(t("pair_source"))
    page.code("pair", mlm_code.PAIR.format(text=text, first=first, second=second))


@page.lab
def recipe() -> None:
    """80/10/10 on the learner's text."""
    how, seed = parts.masking_controls()
    drawn = mlm_draws.draw(ENGINE, setting, text, how, seed)
    counts = drawn.masked.counts()
    fates = tables.fates_of(drawn, t.group("fates"))
    blanks = {name: counts[name] for name in plots.FATES}
    alt = t("strip_alt", total=len(drawn.candidates), **blanks)
    token_strip(tables.strip(drawn, fates, plots.FATES), key="mm_strip", alt=alt)
    expected = mlm_draws.expectation(tokens, drawn.candidates, how)
    if drawn.selected:
        found = mlm_draws.read_draw(ENGINE, setting, text, drawn)
        st.markdown(t("draw_loss", teacher=f"{found.teacher_loss:.2f}", student=f"{found.student_loss:.2f}"))
        with st.expander(t("draw_rows"), icon=":material/table_rows:"):
            st.dataframe(tables.gap_table(found.gaps, COLUMNS, fates), hide_index=True)
    else:
        st.info(t("none_selected", share=f"{float(expected.chances[0]):.1%}"), icon=":material/info:")
    left, right = st.columns(2)
    with left:
        st.dataframe(tables.count_table(drawn, expected, how, COLUMNS, t.group("fates")), hide_index=True)
        many = mlm_draws.many_draws(ENGINE, setting, text, how, DRAWS, seed)
        st.markdown(t("many", draws=f"{DRAWS:,}", **tables.shares_of(many)))
    with right:
        mean = f"{float(many[:, 0].float().mean()):.2f}"
        page.figure(
            plots.selected_histogram(many[:, 0], expected.chances, counts["selected"], t.group("histogram")),
            "histogram",
            t("histogram_alt", draws=DRAWS, mean=mean, now=counts["selected"]),
            lambda: tables.histogram_table(many[:, 0], expected.chances, COLUMNS),
        )
    options = {"probability": how.probability, "shares": how.shares, "whole": how.whole_words, "seed": seed}
    page.code("draw", mlm_code.DRAW.format(text=text, **options))
    with st.expander(t("copying_title"), icon=":material/bug_report:"):
        copied = mlm_draws.copying(ENGINE, setting, text)
        st.markdown(t("copying", teacher=f"{copied.teacher_loss:.2f}", student=f"{copied.student_loss:.2f}"))


@page.lab
def why() -> None:
    """What a model makes of a word that may be right or wrong, and how little the recipe mattered."""
    position = parts.position("token_sight", t("sight"))
    seen = mlm_draws.three_sights(ENGINE, setting, text, position, seed=0)
    truth = tokens.pieces[position]
    chances = {who: [getattr(gap, who).probability for gap in seen.values()] for who in WHO}
    sights, words = [t("sights." + name) for name in seen], [gap.shown for gap in seen.values()]
    said = {who: ", ".join(map(percent, values)) for who, values in chances.items()}
    page.figure(
        plots.sight_bars(
            sights, words, chances["teacher"], chances["student"], WHO | {"probability": t("probability")}
        ),
        "sights",
        t("sight_alt", truth=truth, **said),
        lambda: tables.sight_table(words, chances, COLUMNS),
    )
    wrong = seen["random"]
    believed = percent(wrong.teacher.shown)
    true = percent(wrong.teacher.probability)
    st.markdown(t("sight_trust", wrong=code_span(wrong.shown), truth=code_span(truth), believed=believed, true=true))
    st.caption(t("sight_trained"))
    if page.predict("table8"):
        parts.table_8()


@page.lab
def epochs() -> None:
    """Which tokens are ever asked about."""
    probability, count, seed = parts.epoch_controls()
    if not page.predict("ten"):
        return
    found = {
        regime: mlm_draws.epochs_of(ENGINE, setting, text, probability, count, copies, seed)
        for regime, copies in mlm_draws.COPIES.items()
    }
    regimes = t.group("regimes")
    for column, (regime, one) in zip(st.columns(len(found)), found.items(), strict=True):
        with column:
            st.metric(t("covered_after", regime=regimes[regime]), f"{one.covered[-1]:.0%}", border=True)
            st.latex(tables.coverage_formula(probability, one.draws, one.expected[-1]))
    parts.coverage(found, regimes, count)
    regime = page.control(
        st.segmented_control, "regime", "ten", t("regime"), list(found), format_func=regimes.get, required=True
    )
    parts.target_grid(found[regime], regimes[regime], plots.REGIMES[regime], MOST_ROWS)
    st.markdown(t("roberta_note"))
    st.dataframe(tables.table_1(t.group("roberta"), COLUMNS), hide_index=True)
    page.code("epochs", mlm_code.EPOCHS.format(text=text, probability=probability, epochs=count, seed=seed))


@page.lab
def context() -> None:
    """Left context only, then each visible word blocked in turn."""
    left, right = st.columns(2)
    with left:
        position = parts.position("token_context", t("hidden_word"))
    with right:
        who = page.control(
            st.segmented_control, "who", "teacher", t("who"), list(WHO), format_func=WHO.get, required=True
        )
    sides = mlm_context.both_sides_and_left(ENGINE, setting, names[who], text, position)
    if not page.predict("left", mlm_masking.direction(sides.left.loss - sides.both.loss)):
        return
    titles = {"left": t("left_title"), "both": t("both_title")}
    for column, side in zip(st.columns(2), titles, strict=True):
        answer = getattr(sides, side)
        change = f"{sides.left.loss - sides.both.loss:+.2f}" if side == "left" else None
        column.metric(t(f"{side}_metric"), f"{answer.loss:.2f}", change, "inverse", border=True, height="stretch")
    said = {side: getattr(sides, side) for side in titles}
    parts.answers(said, titles, dict.fromkeys(titles, COLORS[who]), tokens.pieces[position], "side")
    st.caption(t("left_unfair"))
    page.check(max(trace.check() for trace in sides.traces))
    st.markdown(f"#### {page.lesson['influence'].title}")
    page.prose("influence")
    parts.influence(mlm_context.influences(ENGINE, setting, names[who], text, position), sides.both, position)
    page.code("context", mlm_code.CONTEXT.format(text=text, name=names[who], position=position))


@page.lab
def lens() -> None:
    """The vocabulary head after every layer."""
    position = parts.position("token_lens", t("hidden_word"))
    seen = {who: mlm_context.lens(ENGINE, setting, name, text, position) for who, name in names.items()}
    if not page.predict("settled", seen["teacher"].settled):
        return
    for column, who in zip(st.columns(2), WHO, strict=True):
        with column:
            st.markdown(f"**{WHO[who]}**")
            parts.lens_table(seen[who], who, tokens.pieces[position], mlm_context.surest(list(seen.values())))
    st.caption(t("lens_first_row"))
    parts.lens_curves(seen, WHO)
    page.check(max(one.trace.check() for one in seen.values()))
    page.code("lens", mlm_code.LENS.format(text=text, position=position))


@page.lab
def sentences() -> None:
    """BERT's second game and its successor."""
    sentence_pairs.show(page)


for section, lab in {
    "gap": gap,
    "recipe": recipe,
    "why": why,
    "epochs": epochs,
    "context": context,
    "lens": lens,
    "sentences": sentences,
}.items():
    page.section(section)
    lab()
page.section("quiz")
page.quiz("words", "dynamic", "vector", "condition", "order", "follows")
