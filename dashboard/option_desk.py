"""The options of the scenario on the TCO page: add one, change it, remove it; the result follows at once.

What an option may be is eval.cost.scenario's business. Numbers of an option are edited in the table of assumptions,
where they appear as soon as the option is there.
"""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard import data, draft, widgets
from dashboard.format import label, plain
from dashboard.keys import Key
from eval.cost.price_card import PriceCard
from eval.cost.result import Result
from eval.cost.scenario import Api, DoNothing, DraftAndRefine, Escalate, Option, Scenario, SelfHosted
from eval.cost.scenario_edit import with_baseline, with_option, without_option
from eval.cost.scenario_file import ScenarioError

NEW = "A new option"
KINDS = {
    "api": "Cloud API, billed by the token",
    "self-hosted": "Machines of your own",
    "draft-and-refine": "Hybrid: one drafts, another refines",
    "escalate": "Hybrid: the hard ones are asked again elsewhere",
    "do-nothing": "Do nothing",
}
COMMON = ("label", "residency", "remarks", "fixed_per_month")


def show(scenario: Scenario, card: PriceCard, result: Result) -> None:
    """The controls for one option of the scenario, or for a new one, and for the one the others are held against."""
    labels = {name: option.label or name for name, option in scenario.options.items()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Option", [*labels, NEW], format_func=lambda name: str(labels.get(name, name)), key=Key.OPTION, width=360
        )
        st.selectbox(
            "Held against", list(labels), index=list(labels).index(scenario.baseline), format_func=labels.__getitem__,
            key=f"{Key.NEW_BASELINE}_{scenario.sha256[:12]}", on_change=_hold_against, args=(scenario,), width=280,
            help="The baseline: savings are told against it.",
        )  # fmt: skip
    before = scenario.options.get(chosen)
    form = _Form(scenario, card, chosen, before)
    name, body = form.name_and_body()
    faults: list[str] = []
    made = scenario
    if name:
        try:
            if before is None and name in scenario.options:
                faults = [f"options.{name}: there is such an option already; choose another name"]
            else:
                made = with_option(scenario, name, body)
        except ScenarioError as error:
            faults = [str(fault) for fault in error.faults]
    with st.container(horizontal=True):
        ready = bool(name) and not faults and made != scenario
        words = "Add it" if before is None else "Apply"
        st.button(words, key="_put_option", type="primary", on_click=_put, args=(made, name), disabled=not ready)
        if before is not None:
            st.button("Remove it", key="_remove_option", on_click=_remove, args=(scenario, chosen))
    if faults:
        st.error("\n".join(f"- {plain(fault)}" for fault in faults))
    why = next((option for option in result.options if option.name == chosen), None)
    if why is not None and (reasons := [*why.blocked, *why.out, *why.notes]):
        st.caption("  \n".join(plain(reason) for reason in reasons))


def _put(made: Scenario, name: str) -> None:
    draft.put(made)
    st.session_state[Key.OPTION] = name
    widgets.note(f"{plain(made.options[name].label or name)} is in the result now; Save keeps it.")


def _remove(scenario: Scenario, name: str) -> None:
    try:
        draft.put(without_option(scenario, name))
    except ScenarioError as error:
        widgets.refuse(plain(error.faults[0]))
        return
    st.session_state.pop(Key.OPTION, None)
    widgets.note(f"Removed: {plain(scenario.options[name].label or name)}; Save keeps it so.")


def _hold_against(scenario: Scenario) -> None:
    draft.put(with_baseline(scenario, st.session_state[f"{Key.NEW_BASELINE}_{scenario.sha256[:12]}"]))


class _Form:
    """The fields of one option; what is not shown of it stays as it was."""

    def __init__(self, scenario: Scenario, card: PriceCard, chosen: str, before: Option | None) -> None:
        self.scenario, self.card, self.chosen, self.before = scenario, card, chosen, before
        self.held: dict[str, Any] = before.model_dump(mode="json", exclude_none=True) if before is not None else {}

    def _key(self, field: str) -> str:
        return f"{Key.OPTION}_{self.chosen}_{field}"

    def name_and_body(self) -> tuple[str, dict[str, Any]]:
        """The key of the option, empty where none was typed yet, and the option as a table of a scenario file."""
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = self.chosen if self.before is not None else self._text("name", "Name", "A short key, like cloud-2.")
            kind = self._select("kind", "Kind", list(KINDS), self.held.get("kind"), KINDS)
            label = self._text("label", "Shown as")
            residency = self._text("residency", "Data goes to", "Such as: on the premises, EU, provider's region.")
        kept = dict(self.held) if self.held.get("kind") == kind else {k: v for k, v in self.held.items() if k in COMMON}
        body = kept | {"kind": kind, "label": label, "residency": residency}
        with st.container(horizontal=True, vertical_alignment="bottom"):
            match kind:
                case "api":
                    body |= self._api()
                case "self-hosted":
                    body |= {"target": self._target(), "hardware": self._hardware()}
                case "draft-and-refine":
                    body |= self._hybrid("draft", "refine") | self._measured_hybrid()
                case "escalate":
                    body |= self._hybrid("local", "remote") | {
                        "escalation_share": self._amount("escalation_share", 0.2)
                    }
                case _:
                    body |= {"cost_per_month": self._amount("cost_per_month", 0.0)}
        return name.strip(), {key: value for key, value in body.items() if value not in (None, "")}

    # --- fields -------------------------------------------------------------------------------------------------------

    def _text(self, field: str, words: str, help: str | None = None) -> str:
        now = str(self.held.get(field, ""))
        return st.text_input(words, now, key=self._key(field), max_chars=120, help=help, width=240) or ""

    def _select(
        self, field: str, words: str, choices: list[str], now: str | None, names: Mapping[str, str] | None = None,
        help: str | None = None, placeholder: str | None = None,
    ) -> str | None:  # fmt: skip
        """A choice, at first what the option has; with a `placeholder` none where it has none, else the first."""
        choices = [*choices, now] if now and now not in choices else choices
        first = None if placeholder else 0
        return st.selectbox(
            words, choices, index=choices.index(now) if now else first, key=self._key(field), help=help, width=300,
            format_func=lambda choice: str((names or {}).get(choice, choice)),
            placeholder=placeholder or "none there yet",
        )  # fmt: skip

    def _amount(self, field: str, first: float) -> Any:
        """A number of the option; its range and source stay where it is not touched."""
        held = self.held.get(field)
        words = {"escalation_share": "Share asked again (0 to 1)", "cost_per_month": "Cost a month"}[field]
        value = st.number_input(words, value=float(held["value"] if held else first), key=self._key(field), width=240)
        return held if held and held["value"] == value else value

    def _target(self, field: str = "target", words: str = "Measured target") -> str | None:
        """One of the targets that runs were stored of, or that the scenario already speaks of."""
        named = [getattr(option, "target", None) for option in self.scenario.options.values()]
        choices = [str(name) for name in dict.fromkeys([*filter(None, named), *data.target_order()])]
        why = "Whose tokens, latency and quality count: a target that was run."
        return self._select(field, words, choices, self.held.get(field), help=why)

    def _hardware(self) -> str | None:
        profiles = {name: profile.label or name for name, profile in self.scenario.hardware.items()}
        why = "The profiles of the scenario; their numbers stand in the table of assumptions."
        return self._select("hardware", "Hardware", list(profiles), self.held.get("hardware"), profiles, help=why)

    def _api(self) -> dict[str, Any]:
        """A target and, for each of its models, the price that it is billed by."""
        target = self._target()
        rows = list(dict.fromkeys(row.id for row in self.card.rows))
        prices: dict[str, str] = {}
        for model in data.models_of_target(target) if target else []:
            known = self.held.get("prices", {}).get(model)
            guess = known or next((row.id for row in self.card.named(model)), None)
            words = f"Tokens of {label(model)} billed as"
            chosen = self._select(f"price_{model}", words, rows, guess, placeholder="choose a price of the card")
            if chosen is not None:  # no price is taken for granted: without one the option is blocked
                prices[model] = chosen
        return {"target": target, "prices": self.held.get("prices", {}) | prices}

    def _hybrid(self, first: str, second: str) -> dict[str, Any]:
        """Two of the options that have one model each, as the parts of a hybrid."""
        parts = {_part_words(part): part for option in self.scenario.options.values() for part in _parts(option)}
        body: dict[str, Any] = {}
        for number, (field, words) in enumerate(((first, "First"), (second, "Then"))):
            choices = list(parts)
            now = _part_words(self.held[field]) if field in self.held else None
            now = now or (choices[min(number, len(choices) - 1)] if choices else None)
            if (chosen := self._select(field, f"{words}: a target and where it runs", choices, now)) is not None:
                body[field] = parts.get(chosen) or self.held.get(field)
        prices: dict[str, str] = {}
        for option in self.scenario.options.values():
            prices |= getattr(option, "prices", {})
        return body | {"prices": prices | self.held.get("prices", {})}

    def _measured_hybrid(self) -> dict[str, Any]:
        """The hybrid as it was measured as a whole, where it was: it gives quality and latency."""
        choices = ["", *data.target_order()]
        names = {"": "not measured as a whole"}
        return {"target": self._select("target", "The hybrid as measured", choices, self.held.get("target", ""), names)}


def _parts(option: Option) -> list[dict[str, Any]]:
    """The parts that an option offers to a hybrid: its one target and where it runs, or those of a hybrid."""
    match option:
        case Api():
            return [{"target": option.target}]
        case SelfHosted():
            return [{"target": option.target, "hardware": option.hardware}]
        case DraftAndRefine():
            both = (option.draft, option.refine)
        case Escalate():
            both = (option.local, option.remote)
        case DoNothing():
            return []
    return [part.model_dump(exclude_none=True) for part in both]


def _part_words(part: Mapping[str, Any]) -> str:
    return f"{part['target']} on {part['hardware']}" if part.get("hardware") else f"{part['target']}, by API"
