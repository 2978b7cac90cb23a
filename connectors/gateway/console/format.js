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
  if (Math.round(ms) < 1000) return t("time.ms", { n: Math.round(ms) });
  const tenths = Math.round(ms / 100);
  if (tenths < 600) return t("time.s", { n: tenths / 10 });
  const secs = Math.round(ms / 1000);
  return t("time.m", { m: Math.floor(secs / 60), s: secs % 60 });
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
const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

export function visible(text) {
  return text.replace(UNSEEN, (character) => {
    const digits = character.codePointAt(0).toString(16).padStart(4, "0");
    return digits.length > 4 ? `\\u{${digits}}` : `\\u${digits}`;
  });
}

// The first `most` characters, never half of one.
export function cut(text, most) {
  const whole = String(text ?? "");
  if (whole.length <= most) return visible(whole);
  const end = /[\uD800-\uDBFF]/.test(whole[most - 1]) ? most - 1 : most;
  return `${visible(whole.slice(0, end))}…`;
}
