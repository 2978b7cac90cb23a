// Keys: single letters where nobody is typing. Whoever binds one says what it does, and `?` shows them all.

import { useEffect, useRef } from "./view.js";
import { kept, store } from "./store.js";

export const bound = store([]); // [{key, label}], in the order in which they were bound
export const letters = kept(localStorage, "letters", "on"); // "off": for those whose speech or hand types letters

const actions = new Map();
let prefix = "";

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (document.querySelector("dialog[open]")) return; // a dialog has keys of its own
  const key = prefix ? `${prefix} ${event.key}` : event.key;
  prefix = prefix === "" && startsOne(event.key) ? event.key : "";
  const action = actions.get(key)?.at(-1);
  if (!action || (letters.get() === "off" && event.key !== "?")) return;
  event.preventDefault();
  action.run();
});

// `useKey("g a", "keys.approvals", () => go("approvals"))`; the label is a key of the catalogues.
export function useKey(key, label, run) {
  const latest = useRef(run);
  latest.current = run;
  useEffect(() => bind({ key, label, run: () => latest.current() }), [key, label]);
}

// Move the focus along everything on the page that is marked as a row.
export function step(by) {
  const rows = [...document.querySelectorAll("[data-row]")].filter((row) => row.checkVisibility?.() ?? true);
  if (!rows.length) return;
  const at = rows.indexOf(document.activeElement?.closest("[data-row]"));
  const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1);
  rows[next].focus();
  rows[next].scrollIntoView({ block: "nearest" });
}

function bind(action) {
  actions.set(action.key, [...(actions.get(action.key) ?? []), action]);
  publish();
  return () => {
    actions.set(action.key, actions.get(action.key).filter((other) => other !== action));
    publish();
  };
}

function publish() {
  const last = [...actions.values()].map((all) => all.at(-1)).filter(Boolean);
  bound.set(last.map(({ key, label }) => ({ key, label })));
}

function startsOne(key) {
  return [...actions].some(([bound, all]) => all.length > 0 && bound.startsWith(`${key} `));
}

function isTyping(target) {
  return target.closest?.("input, textarea, select, [contenteditable]") != null;
}
