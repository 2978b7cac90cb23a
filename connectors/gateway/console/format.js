// Times, amounts and text from outside, as the page shows them.

import { language, t } from "./i18n.js";

const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

// "3 min ago", "in 12 s"
export function relative(at, now = Date.now()) {
  const secs = Math.round((new Date(at).getTime() - now) / 1000);
  if (Number.isNaN(secs)) return "";
  const [unit, size] = UNITS.find(([, size]) => Math.abs(secs) >= size) ?? UNITS.at(-1);
  const format = new Intl.RelativeTimeFormat(language.get(), { style: "narrow", numeric: "always" });
  return secs === 0 ? t("time.now") : format.format(Math.trunc(secs / size), unit);
}

// The clock of whoever looks; the day only where it is not today.
export function clock(at) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "";
  const today = date.toDateString() === new Date().toDateString();
  const day = today ? {} : { month: "short", day: "numeric" };
  return date.toLocaleString(language.get(), { ...day, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
}

export function duration(ms) {
  if (!Number.isFinite(ms)) return "";
  if (ms < 1000) return t("time.ms", { n: Math.round(ms) });
  if (ms < 60_000) return t("time.s", { n: Math.round(ms / 100) / 10 });
  return t("time.m", { m: Math.floor(ms / 60_000), s: Math.round((ms % 60_000) / 1000) });
}

export function money(usd) {
  const digits = Math.abs(usd) >= 1 ? 2 : 4;
  return Number(usd ?? 0).toLocaleString(language.get(), {
    style: "currency",
    currency: "USD",
    currencyDisplay: "narrowSymbol",
    maximumFractionDigits: digits,
  });
}

export function percent(share) {
  return Number(share ?? 0).toLocaleString(language.get(), { style: "percent", maximumFractionDigits: 0 });
}

export function number(value) {
  return Number(value ?? 0).toLocaleString(language.get());
}

// Characters that turn the direction of writing, or are not there to be seen, are shown by their number.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f\u061c\u200b\u2028-\u202e\u2060-\u2069\ufeff]/g;

export function visible(text) {
  return text.replace(UNSEEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

// The first `most` characters, never half of one.
export function cut(text, most) {
  const whole = String(text ?? "");
  if (whole.length <= most) return visible(whole);
  const end = /[\uD800-\uDBFF]/.test(whole[most - 1]) ? most - 1 : most;
  return `${visible(whole.slice(0, end))}…`;
}
