// Presses the page's own controls. They are found by the class Streamlit gives to a key: st-key-<key>.
const SAVING_MS = 1500 // keys wait so long for the next answer to be drawn
const inside = (key, what) => document.querySelector(`.st-key-${key} ${what}`)
const choices = (group) => [...document.querySelectorAll(`.st-key-${group.key} [role=radio]`)]
const chosen = (group) => choices(group).find((choice) => choice.getAttribute("aria-checked") === "true")

function typing(element) {
  return element?.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(element?.tagName)
}

function say(root, text) {
  root.textContent = text
}

// The whole group takes the focus, not a choice in it: a ring around "1" would look like a score.
function focusGroup(data, index, scroll = true) {
  const group = inside(data.groups[index].key, "[role=radiogroup]")
  if (!group) return
  group.tabIndex = -1
  group.style.outline = "none"
  group.focus({ preventScroll: true })
  if (scroll) document.querySelector(`.st-key-${data.groups[index].key}`)?.scrollIntoView({ block: "nearest" })
}

function focusNext(data, index) {
  if (index + 1 < data.groups.length) return focusGroup(data, index + 1)
  const unset = data.groups.findIndex((group, i) => i !== index && !chosen(group))
  if (unset >= 0) return focusGroup(data, unset)
  inside(data.buttons.Enter, "button")?.focus({ preventScroll: true })
}

function focused(data) {
  return data.groups.findIndex((group) => inside(group.key, ":focus"))
}

function score(root, data, digit) {
  let index = focused(data)
  if (index < 0) index = data.groups.findIndex((group) => !chosen(group))
  if (index < 0) return say(root, "All criteria are scored: Enter saves, the up key goes back to change one.")
  const choice = choices(data.groups[index])[digit === "0" ? 5 : Number(digit) - 1]
  if (!choice) return
  choice.click()
  say(root, "")
  focusNext(data, index)
}

function save(root, data) {
  const unset = data.groups.findIndex((group) => !chosen(group))
  if (unset >= 0) {
    focusGroup(data, unset)
    return say(root, `${data.groups[unset].label} has no score yet.`)
  }
  say(root, "")
  root.savedAt = Date.now()
  inside(data.buttons.Enter, "button:not(:disabled)")?.click()
}

function move(data, step) {
  const at = focused(data)
  const to = at < 0 ? (step < 0 ? data.groups.length - 1 : 0) : at + step
  if (to >= 0 && to < data.groups.length) focusGroup(data, to)
}

function digitOf(event) {
  if (/^[0-5]$/.test(event.key)) return event.key
  return !event.shiftKey && /^(Digit|Numpad)[0-5]$/.test(event.code) ? event.code.slice(-1) : null
}

function inNote(event, root, data) {
  const note = inside(data.note, "textarea")
  if (event.target !== note) return false
  if (event.key === "Escape" || (event.key === "Enter" && (event.ctrlKey || event.metaKey))) {
    note.blur()
    const unset = data.groups.findIndex((group) => !chosen(group))
    focusGroup(data, Math.max(unset, 0))
    if (event.key === "Enter") save(root, data)
    return true
  }
  return false
}

// True if the key was ours.
function handle(event, root) {
  const data = root.data
  if (event.isComposing || !inside(data.buttons.Enter, "button")) return false
  if (inNote(event, root, data)) return true
  if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return false
  if (document.querySelector("[role=dialog][aria-modal=true]")) return false
  if (Date.now() - (root.savedAt ?? 0) < SAVING_MS) return event.key.length === 1 || event.key === "Enter"
  const digit = digitOf(event)
  if (digit !== null) return score(root, data, digit), true
  if (event.key === "ArrowUp" || event.key === "ArrowDown") return move(data, event.key === "ArrowUp" ? -1 : 1), true
  if (event.key === "Enter") {
    const at = document.activeElement
    const elsewhere = at && at !== document.body && focused(data) < 0 && !at.closest(`.st-key-${data.buttons.Enter}`)
    if (elsewhere && at.matches("button, a, summary, [role=button], [tabindex='0']")) return false
    if (!event.repeat) save(root, data)
    return true
  }
  const letter = event.key.length === 1 ? event.key.toUpperCase() : null
  if (letter === "N") {
    inside(data.note, "textarea")?.focus({ preventScroll: true })
    document.querySelector(`.st-key-${data.note}`)?.scrollIntoView({ block: "nearest" }) // above the fixed bar
    return true
  }
  if (letter && data.buttons[letter]) {
    if (!event.repeat) inside(data.buttons[letter], "button:not(:disabled)")?.click()
    return true
  }
  return false
}

// A new answer: bring it into view and put the focus on the first criterion without a score, once it is drawn.
function arrive(root, tries) {
  const data = root.data
  if (data.groups.every((group) => choices(group).length)) {
    document.querySelector(`.st-key-${data.top}`)?.scrollIntoView({ block: "nearest" })
    if (!typing(document.activeElement)) {
      focusGroup(data, Math.max(0, data.groups.findIndex((group) => !chosen(group))), false)
    }
  } else if (tries > 0) {
    setTimeout(() => arrive(root, tries - 1), 50)
  }
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".rightsize-hint")
  root.data = data
  const focusColor = getComputedStyle(root).getPropertyValue("--st-primary-color")
  if (focusColor) document.documentElement.style.setProperty("--rightsize-focus", focusColor)
  if (!root.listener) {
    root.listener = (event) => {
      if (handle(event, root)) {
        event.preventDefault()
        event.stopPropagation()
      }
    }
    document.addEventListener("keydown", root.listener, true)
  }
  if (root.place !== data.place) {
    root.place = data.place
    root.savedAt = 0
    say(root, "")
    arrive(root, 40)
  }
  return () => {
    document.removeEventListener("keydown", root.listener, true)
    root.listener = null
  }
}
