"""What the command line shows of agreement and comparison: tables and the sentences that go with them.

Only presentation, on standard error like everything of terminal.py.
"""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from db.models import Run
from eval.agreeing import CriterionAgreement
from eval.agreement_words import alpha_note, replacement_sentence
from eval.best_words import best_words, shares_words
from eval.comparing import Compared, title_of
from eval.p_words import p_is, p_words
from eval.preferring import Preferences
from eval.provenance import own_family_note
from eval.quality_number import RunQuality, grounds, own_family_notes
from eval.stats.agreement import Agreement
from eval.stats.bootstrap import Measure
from eval.stats.intervals import Estimate
from eval.terminal import console, say


def _figure(measure: Estimate, form: str = ".2f") -> str:
    """A figure with its interval, or why there is none."""
    if measure.value is None:
        reason = measure.reason if isinstance(measure, Measure) else None
        return f"[dim]{reason.value if reason else 'unknown'}[/dim]"
    if measure.low is None or measure.high is None:
        return format(measure.value, form)
    return f"{measure.value:{form}} [dim]({measure.low:{form}} to {measure.high:{form}})[/dim]"


def _table(caption: str) -> Table:
    table = Table(caption=caption, caption_justify="left")
    headings = ("raters", "n", "exact", "weighted kappa", "alpha", "Spearman", "Kendall", "bias", "mean error")
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "raters" else "right")
    return table


def _row(who: str, found: Agreement) -> tuple[str, ...]:
    measures = (found.exact, found.quadratic_kappa, found.alpha, found.overall.spearman, found.overall.kendall)
    return (escape(who), str(found.n), *(_figure(m) for m in measures), _figure(found.bias, "+.2f"), _figure(found.mae))


def _pairs_of(each: CriterionAgreement) -> dict[str, Agreement]:
    """Every pair of raters by its name: judges against people, judges against each other, people among themselves."""
    named = {
        f"{each.called(judge.judge)} / people": judge.among.judge.with_mean
        for judge in each.judges
        if judge.among.judge
    }
    named |= {f"{each.called(p.first)} / {each.called(p.second)}": p.agreement for p in each.between_judges}
    return named | ({f"{one} / {other}": two for (one, other), two in each.people.pairs.items()} if each.people else {})


def show_agreement_overview(found: Sequence[CriterionAgreement], runs: Sequence[Run]) -> None:
    """A row a criterion and pair of raters with few figures, then what has to be known; `--full` shows the rest."""
    table = Table(
        caption="In brackets: 95 % intervals over questions. Bias: first rater less second, in points.",
        caption_justify="left",
    )
    for heading in ("raters", "n", "weighted kappa", "Spearman", "bias"):
        table.add_column(heading, justify="left" if heading == "raters" else "right")
    for each in found:
        table.add_section()
        table.add_row(f"[bold]{escape(each.criterion)}[/bold]")
        for name, pair in _pairs_of(each).items():
            figures = (_figure(pair.quadratic_kappa), _figure(pair.overall.spearman), _figure(pair.bias, "+.2f"))
            table.add_row(escape(name), str(pair.n), *figures)
    console.print(table)
    for sentence in dict.fromkeys(sentence for each in found for sentence in _known(each)):
        say(sentence)
    for judge, where in _biased(found).items():
        say(
            f"The bias of {judge} differs between targets on {', '.join(where)}: one correction for all would be wrong."
        )
    for sentence, where in _replacements(found).items():
        say(sentence if len(where) == len(found) else f"On {', '.join(where)}: {sentence}")
    say("Each target, exact agreement, alpha and people among themselves: --full; every figure: --json.")
    _say_simulated(runs)


def _known(each: CriterionAgreement) -> list[str]:
    """What has to be known of the scores themselves."""
    said = [*each.notes, *(own_family_note(judge, targets) for judge, targets in each.own_family.items())]
    if each.people is None:
        said.append(
            "No person has scored these answers, so nothing vouches for the judge; score some on the Score page."
        )
    return said


def _biased(found: Sequence[CriterionAgreement]) -> dict[str, list[str]]:
    """By judge, the criteria on which its bias is not the same for all targets."""
    where: dict[str, list[str]] = {}
    for each in found:
        for judge in each.judges:
            if judge.among.judge and judge.among.judge.bias.differ:
                where.setdefault(judge.judge, []).append(each.criterion)
    return where


def _replacements(found: Sequence[CriterionAgreement]) -> dict[str, list[str]]:
    """What the alternative annotator test says of each judge, by the criteria on which it says the same."""
    where: dict[str, list[str]] = {}
    for each in found:
        for judge in each.judges:
            if judge.among.judge:
                sentence = replacement_sentence(judge.judge, judge.among.judge.replacement)
                where.setdefault(sentence, []).append(each.criterion)
    return where


def _say_simulated(runs: Sequence[Run]) -> None:
    if any(run.simulated for run in runs):
        console.print("[yellow]Simulated:[/yellow] the answers come from no real model.")


def show_agreements(found: Sequence[CriterionAgreement], runs: Sequence[Run]) -> None:
    """A table a criterion: every judge against the people, judges against each other, then people among themselves."""
    for each in found:
        console.print(f"[bold]{escape(each.criterion)}[/bold]")
        table = _table("In brackets: 95 % intervals over questions. Bias: first rater less second, in points.")
        for judge in each.judges:
            if judge.among.judge:
                table.add_row(*_row(f"{each.called(judge.judge)} / people", judge.among.judge.with_mean))
                by_target = judge.among.judge.by_target
                for target, found_there in by_target.items() if len(by_target) > 1 else ():
                    table.add_row(*_row(f"  {target}", found_there))
        for pair in each.between_judges:
            table.add_row(*_row(f"{each.called(pair.first)} / {each.called(pair.second)}", pair.agreement))
        for (one, other), two in each.people.pairs.items() if each.people else ():
            table.add_row(*_row(f"{one} / {other}", two))
        if table.row_count:
            console.print(table)
        for sentence in agreement_sentences(each):
            say(sentence)
    _say_simulated(runs)


def agreement_sentences(each: CriterionAgreement) -> list[str]:
    """What beside the table has to be known: people among themselves, the ceiling, the test, bias by target."""
    said = _known(each)
    if note := alpha_note(_pairs_of(each)):
        said.append(note)
    if each.people and len(each.people.people) > 1:
        for (one, other), kappa in each.people.kappas.items():
            said.append(f"{one} and {other}: weighted kappa {_plain(kappa)}, {kappa.n} answers scored by both.")
    for judge in each.judges:
        its = judge.among.judge
        if its is None:
            continue
        said.append(replacement_sentence(judge.judge, its.replacement))
        if its.bias.differ:
            said.append(
                f"The bias of {judge.judge} differs between targets ({p_is(its.bias.p or 0.0, 3)}), so that one "
                "correction for all would be wrong: "
                + "; ".join(f"{t} {_plain(e, '+.2f')}" for t, e in its.bias.targets.items() if t in its.bias.tested)
                + "."
            )
    return said


def _plain(measure: Estimate, form: str = ".2f") -> str:
    return _figure(measure, form).replace("[dim]", "").replace("[/dim]", "")


def show_quality(found: Sequence[RunQuality]) -> None:
    """A row a run: its quality number, how it was found, and beneath it what it rests on."""
    table = Table(
        title=escape(f"{found[0].criterion}, the judge being {next((q.judge for q in found if q.judge), 'nobody')}"),
        title_justify="left",
        caption="In brackets: 95 % intervals.",
        caption_justify="left",
    )
    for heading in ("run", "target", "quality", "how", "people", "judge", "gain"):
        table.add_column(heading, justify="left" if heading in ("target", "how") else "right")
    for each in found:
        its = each.number
        table.add_row(
            str(each.run_id),
            escape(each.target),
            _figure(Estimate(its.value, its.low, its.high, its.n_people)),
            its.method,
            f"{its.n_people}/{its.n_questions}",
            f"{its.n_judge}/{its.n_questions}",
            "-" if its.gain is None else f"{its.gain:.2f}x",
        )
    console.print(table)
    for note, targets in grounds(found):
        say(f"{', '.join(targets)}: {note}" if targets else note)
    for each in found:
        say(f"{each.target}: {each.prospect.words}")
    for note in own_family_notes(found):
        say(note)
    if names := [each.target for each in found if each.simulated]:
        console.print(f"[yellow]Simulated:[/yellow] the figures of {escape(', '.join(names))} describe no real model.")


def show_comparisons(found: Sequence[Compared]) -> None:
    """A table a criterion: a row a pair with its verdict in words; ahead of all, what has to be known of the runs."""
    for note in dict.fromkeys(note for each in found for note in each.notes):
        say(note)
    for each in found:
        if all(pair.outcome == "no comparison" for pair in each.pairs):
            say(title_of(each))
            continue
        table = Table(
            title=escape(title_of(each)),
            title_justify="left",
            caption="n: questions that both share. Hand scores: those of the first and of the second that give the "
            "difference, and how many questions have both. Difference in points, first less second, with its 95 % "
            "interval; p held against all pairs (Holm). Effect size: - where people's scores give the difference, or "
            "all differences are equal.",
            caption_justify="left",
        )
        left = ("first", "second", "hand scores", "the first is")
        headings = ("first", "second", "n", "hand scores", "difference", "effect size", "p (Holm)", "the first is")
        for heading in headings:
            justify = "left" if heading in left else "right"
            table.add_column(heading, justify=justify, no_wrap=heading == "hand scores")
        for pair in each.pairs:
            estimate = Estimate(pair.difference, pair.low, pair.high, pair.n)
            table.add_row(
                escape(pair.first),
                escape(pair.second),
                str(pair.n),
                pair.hand_scores,
                _figure(estimate, "+.2f"),
                "-" if pair.effect_size is None else f"{pair.effect_size:+.2f}",
                "-" if pair.p_holm is None else p_words(pair.p_holm),
                escape(pair.words),
            )
        console.print(table)
        for sentence in (best_words(each), shares_words(each)):
            if sentence:
                say(sentence)


def show_preferences(found: Preferences) -> None:
    """A row a pair: how often people preferred one, side by side, and the verdict in words."""
    table = Table(
        title=f"preference, {found.n} by {escape(', '.join(found.raters))}",
        title_justify="left",
        caption="Wins: share of questions on which people preferred the first, the same counting half, with its 95 % "
        "interval; p of the sign test held against all pairs (Holm).",
        caption_justify="left",
    )
    headings = (
        "first",
        "second",
        "questions",
        "times better",
        "times same",
        "times worse",
        "wins",
        "p (Holm)",
        "the first is",
    )
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("first", "second", "the first is") else "right")
    for pair in found.pairs:
        counts = (pair.n_questions, pair.better, pair.same, pair.worse)
        table.add_row(
            escape(pair.first),
            escape(pair.second),
            *map(str, counts),
            _figure(Estimate(pair.win_share, pair.low, pair.high, pair.n_questions)),
            "-" if pair.p_holm is None else p_words(pair.p_holm),
            escape(pair.words),
        )
    console.print(table)
    for note in found.notes:
        say(note)
