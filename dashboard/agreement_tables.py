"""Agreement between raters as the frames that the Agreement page shows, and as sentences about them.

Shows nothing and caches nothing. The figures are eval.agreeing's.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from dashboard.format import plain
from eval.agreeing import CriterionAgreement
from eval.agreement_words import alpha_note, replacement_sentence
from eval.p_words import p_is
from eval.provenance import own_family_note
from eval.stats.agreement import Agreement
from eval.stats.bootstrap import Measure
from eval.stats.intervals import Estimate

FIGURES = {
    "exact": "Exact",
    "within_one": "Within 1",
    "quadratic_kappa": "Weighted kappa",
    "alpha": "Alpha",
    "spearman": "Spearman",
    "kendall": "Kendall",
    "per_question": "Per question",
    "bias": "Bias",
    "mae": "Mean error",
}
CONSTANT = "Constant rater: one who gave every answer the same score."
HELP = {
    "exact": "Share of answers with the same score.",
    "within_one": "Share of answers at most one point apart.",
    "quadratic_kappa": "Cohen's kappa, quadratic weights: agreement beyond chance, a difference of two points counting "
    f"four times one of one; 1 is perfect, 0 is chance. {CONSTANT}",
    "alpha": "Krippendorff's alpha, ordinal (interval where scores lie between whole points): like kappa, for any "
    "number of raters; 0.8 is often asked for.",
    "spearman": "Spearman's rank correlation: do both put the answers in the same order? 1 is the same, 0 is chance. "
    f"{CONSTANT}",
    "kendall": "Kendall's tau-b: the same asked of every pair of answers; pairs in the same order less those in the "
    f"opposite one. {CONSTANT}",
    "per_question": "Spearman over the targets of each question, averaged: does it rank targets as people do?",
    "bias": "Mean of first less second, in points.",
    "mae": "Mean distance, in points.",
}
BIAS = (
    "Mean of the judge's score less the people's, with its 95 % interval over questions; above 0 the judge is kinder."
)
SIGNED = {"bias"}
FEW = 10  # items below which a figure is not given; stats.bootstrap.MIN_ITEMS


def figure(measure: Estimate | None, signed: bool = False) -> str:
    """A figure with its interval in one cell, or in words why there is none."""
    if measure is None:
        return "not asked for"
    if measure.value is None:
        return str(measure.reason.value) if isinstance(measure, Measure) and measure.reason else "unknown"
    form = "+.2f" if signed else ".2f"
    if measure.low is None or measure.high is None:
        return format(measure.value, form)
    return f"{measure.value:{form}} ({measure.low:{form}} to {measure.high:{form}})"


def _measures(found: Agreement) -> dict[str, Measure]:
    return {
        "exact": found.exact,
        "within_one": found.within_one,
        "quadratic_kappa": found.quadratic_kappa,
        "alpha": found.alpha,
        "spearman": found.overall.spearman,
        "kendall": found.overall.kendall,
        "per_question": found.per_question.spearman,
        "bias": found.bias,
        "mae": found.mae,
    }


def pairs_of(each: CriterionAgreement) -> dict[str, Agreement]:
    """Every pair of raters that is held against each other as a whole, by its name."""
    found: dict[str, Agreement] = {}
    for judge in each.judges:
        if judge.among.judge:
            found[f"{each.called(judge.judge)} and people"] = judge.among.judge.with_mean
    for pair in each.between_judges:
        found[f"{each.called(pair.first)} and {each.called(pair.second)}"] = pair.agreement
    return found


def alpha_sentence(each: CriterionAgreement) -> str:
    """Of which pairs alpha is not ordinal; nothing where it is for all."""
    return plain(alpha_note(pairs_of(each)))


def pairs_frame(each: CriterionAgreement) -> pd.DataFrame:
    """A row a pair of raters with every figure in words, and the numbers behind them for the CSV."""
    return _figures_frame(pairs_of(each))


def by_target_frame(each: CriterionAgreement) -> pd.DataFrame:
    """The same figures of each judge against people on each target's answers; empty with one target."""
    rows = {
        (judge.judge, str(target)): found
        for judge in each.judges
        if judge.among.judge and len(judge.among.judge.by_target) > 1
        for target, found in judge.among.judge.by_target.items()
    }
    frame = _figures_frame({f"{judge} on {target}": found for (judge, target), found in rows.items()})
    return frame.drop(columns="targets") if len(frame) else frame


def people_pairs_frame(each: CriterionAgreement) -> pd.DataFrame:
    """The same figures of every two people."""
    pairs = each.people.pairs if each.people else {}
    return _figures_frame({f"{one} and {other}": found for (one, other), found in pairs.items()})


def _figures_frame(named: Mapping[str, Agreement]) -> pd.DataFrame:
    rows = []
    for name, found in named.items():
        row: dict[str, Any] = {"pair": name, "n": found.n, "questions": found.n_questions, "targets": found.n_targets}
        for key, measure in _measures(found).items():
            row[key] = figure(measure, key in SIGNED)
            row |= {f"{key}_value": measure.value, f"{key}_low": measure.low, f"{key}_high": measure.high}
        rows.append(row)
    return pd.DataFrame(rows)


def rankings_frame(each: CriterionAgreement) -> pd.DataFrame:
    """How far each pair of raters ranks targets alike: within each question, and by the targets' means."""
    rows = [
        {
            "pair": name,
            "questions": found.n_questions,
            "targets": found.n_targets,
            "question_spearman": figure(found.per_question.spearman),
            "question_kendall": figure(found.per_question.kendall),
            "system_spearman": figure(found.system_level.spearman),
            "system_kendall": figure(found.system_level.kendall),
        }
        for name, found in pairs_of(each).items()
    ]
    return pd.DataFrame(rows)


def marginals_frame(each: CriterionAgreement) -> pd.DataFrame:
    """How often each rater of a pair gave each point of the scale; pairs whose scores lie between points are out."""
    pairs = pairs_of(each) | ({f"{a} and {b}": p for (a, b), p in each.people.pairs.items()} if each.people else {})
    rows = [
        {"pair": name, "rater": rater, "n": sum(counts)}
        | {f"{label:g}": count for label, count in zip(found.labels, counts, strict=True)}
        for name, found in pairs.items()
        for rater, counts in zip(("first", "second"), (found.first_counts, found.second_counts), strict=True)
        if counts is not None
    ]
    return pd.DataFrame(rows)


def alphas_frame(each: CriterionAgreement) -> pd.DataFrame:
    """Krippendorff's alpha of all people together, and with each judge among them."""
    if each.people is None:
        return pd.DataFrame()
    sets = {"people": each.people.alpha}
    sets |= {f"people and {judge.judge}": judge.among.judge.alpha for judge in each.judges if judge.among.judge}
    return pd.DataFrame(
        [
            {"raters": name, "n": max(m.n for m in found.values())}
            | {level.value: figure(measure) for level, measure in found.items()}
            for name, found in sets.items()
        ]
    )


def ceiling_means_frame(each: CriterionAgreement) -> pd.DataFrame:
    """The mean of the leave-one-out correlations, of people and of each judge in their place, and the difference."""
    rows = [
        {
            "judge": judge.judge,
            "people": judge.among.ceiling.person.n,
            "of_people": figure(judge.among.ceiling.person),
            "of_judge": figure(judge.among.ceiling.judge),
            "difference": figure(judge.among.ceiling.difference, signed=True),
        }
        for judge in each.judges
        if judge.among.ceiling.held_out
    ]
    return pd.DataFrame(rows)


def people_frame(each: CriterionAgreement) -> pd.DataFrame:
    """A row for every two people: weighted kappa and how many answers both scored."""
    kappas = each.people.kappas if each.people else {}
    return pd.DataFrame(
        [
            {"pair": f"{a} and {b}", "n": kappa.n, "kappa": figure(kappa), "kappa_value": kappa.value}
            for (a, b), kappa in kappas.items()
        ],
        columns=["pair", "n", "kappa", "kappa_value"],
    )


def confusion_frame(found: Agreement) -> pd.DataFrame:
    """How often the first rater gave one score and the second another: a row a cell, empty cells too."""
    if found.confusion is None:
        return pd.DataFrame(columns=["first", "second", "answers"])
    cells = [
        {"first": f"{a:g}", "second": f"{b:g}", "answers": count}
        for a, row in zip(found.labels, found.confusion, strict=True)
        for b, count in zip(found.labels, row, strict=True)
    ]
    return pd.DataFrame(cells)


def in_order(frame: pd.DataFrame, judges: Sequence[str], targets: Sequence[str]) -> pd.DataFrame:
    """Rows of judges and targets, each in the order given; a target not in it comes last."""
    places = {name: place for place, name in enumerate(targets)}
    by_target = frame["target"].map(lambda name: places.get(str(name), len(places)))
    by_judge = frame["judge"].map({name: place for place, name in enumerate(judges)})
    return frame.assign(j=by_judge, t=by_target).sort_values(["j", "t"], kind="stable").drop(columns=["j", "t"])


def bias_frame(each: CriterionAgreement, order: Sequence[str] = ()) -> pd.DataFrame:
    """How many points each judge lies above the people, a row a judge and target, a judge's targets as in `order`.

    Of too few answers there is no figure, as in the table of each target by itself.
    """
    rows = [
        _bias_row(each.called(judge.judge), str(target), estimate, its.by_target[target].bias)
        for judge in each.judges
        if (its := judge.among.judge)
        for target, estimate in its.bias.targets.items()
    ]
    columns = ["judge", "target", "said", "bias", "bias_low", "bias_high", "n"]
    frame = pd.DataFrame(rows, columns=columns)
    for column in columns[3:]:
        frame[column] = pd.to_numeric(frame[column])
    return in_order(frame, list(frame["judge"].unique()), order)


def _bias_row(judge: str, target: str, estimate: Estimate, measured: Measure) -> dict[str, Any]:
    """One target's bias over questions; that of its answers tells whether there are enough for a figure."""
    known = estimate if measured.value is not None else measured
    return {
        "judge": judge,
        "target": target,
        "said": figure(known, signed=True),
        "bias": known.value,
        "bias_low": known.low,
        "bias_high": known.high,
        "n": estimate.n,
    }


def ceiling_frame(each: CriterionAgreement) -> pd.DataFrame:
    """How well each person, and the judge in their place, ranks answers as the other people do."""
    rows = [
        {"judge": each.called(judge.judge), "person": held.name}
        | {"of_person": figure(held.person), "of_judge": figure(held.judge)}
        for judge in each.judges
        for held in judge.among.ceiling.held_out
    ]
    return pd.DataFrame(rows, columns=["judge", "person", "of_person", "of_judge"])


def sentences(each: CriterionAgreement) -> list[str]:
    """What the figures allow to say: may the judge stand in for a person, will one correction do for all targets."""
    said = [plain(note) for note in each.notes]
    said += [plain(own_family_note(judge, targets)) for judge, targets in each.own_family.items()]
    for judge in each.judges:
        its = judge.among.judge
        if its is None:
            continue
        who = plain(judge.judge)
        about = [replacement_sentence(f"**{who}**", its.replacement)]
        if its.bias.differ:
            about.append(
                f"The bias of **{who}** differs between targets ({p_is(its.bias.p or 0.0, 3)}): one common "
                "correction is wrong."
            )
        elif its.bias.differ is False:
            about.append(f"That it is kinder to one target than to another is not shown (p = {its.bias.p:.2f}).")
        said.append(" ".join(about))
    return said


def headline(each: CriterionAgreement, pairs: Sequence[str]) -> str:
    """What is known at a glance."""
    if each.people is None:
        return "No person has scored these answers yet, so nothing vouches for the judges. **Score** some answers."
    if not pairs:
        return "Only people have scored these answers so far."
    return (
        f"{each.people.n} answers scored by {len(each.people.people)} people, on {each.people.n_questions} questions."
    )
