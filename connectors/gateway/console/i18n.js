// All words of the console: `t("key", {…})` in the chosen language. A missing key shows itself as ⟦key⟧.

import enActs from "./locales/en/acts.js";
import enCore from "./locales/en/core.js";
import enWords from "./locales/en/words.js";
import zhActs from "./locales/zh-Hant/acts.js";
import zhCore from "./locales/zh-Hant/core.js";
import zhWords from "./locales/zh-Hant/words.js";
import { kept, useStore } from "./store.js";

const CATALOGUES = {
  en: { ...enCore, ...enWords, ...enActs },
  "zh-Hant": { ...zhCore, ...zhWords, ...zhActs },
};

const STATUSES = ["status", "run_state", "vote", "approval_state", "severity", "execution", "outcome", "call", "preflight", "decision", "did"];

export const LANGUAGES = Object.keys(CATALOGUES);
export const language = kept(localStorage, "language", preferred());

export function useLanguage() {
  return useStore(language);
}

export function t(key, values = {}) {
  const found = catalogue()[pluralised(key, values.count)] ?? catalogue()[key];
  if (found === undefined) return `⟦${key}⟧`;
  return found.replace(/\{(\w+)\}/g, (_, name) => shown(values[name]));
}

// A constant of the product in words, `word("state", "WAITING")`; one that has none is shown as it is.
export function word(group, value) {
  return catalogue()[`${group}.${value}`] ?? String(value ?? "");
}

// The same, where the product says it in other words itself: they stand where ours have none.
export function named(group, value, otherwise) {
  return catalogue()[`${group}.${value}`] ?? String(otherwise ?? "");
}

// A status of whatever kind in words.
export function said(value) {
  const group = STATUSES.find((each) => `${each}.${value}` in catalogue());
  return word(group, value);
}

function catalogue() {
  return CATALOGUES[language.get()] ?? CATALOGUES.en;
}

function pluralised(key, count) {
  return count === undefined ? key : `${key}.${new Intl.PluralRules(language.get()).select(count)}`;
}

function shown(value) {
  return typeof value === "number" ? value.toLocaleString(language.get()) : String(value ?? "");
}

function preferred() {
  const wanted = navigator.languages ?? [navigator.language ?? "en"];
  return wanted[0]?.toLowerCase().startsWith("zh") ? "zh-Hant" : "en";
}
