// The few things that pages are made of. Text from outside goes through Outside or Long, whatever it may hold.

import { clock, cut, relative } from "./format.js";
import { t, word } from "./i18n.js";
import { html, useEffect, useRef, useState } from "./view.js";

const TITLE_LENGTH = 200;
const LONG_LENGTH = 600;
const MOST_LENGTH = 20_000;

export { useQuery } from "./query.js";

// One line that somebody else wrote: cut, isolated, never markup.
export function Outside({ value, most = TITLE_LENGTH, class: name = "" }) {
  return html`<bdi class=${name} dir="auto">${cut(value, most)}</bdi>`;
}

// Several lines of it, the rest on demand.
export function Long({ value, most = LONG_LENGTH }) {
  const [whole, setWhole] = useState(false);
  const text = String(value ?? "");
  const toggle = () => setWhole(!whole);
  return html`<span class="long">
    <bdi dir="auto">${cut(text, whole ? MOST_LENGTH : most)}</bdi>
    ${text.length > most &&
    html` <button type="button" class="link" aria-expanded=${whole} onClick=${toggle}>
      ${t(whole ? "ui.less" : "ui.more")}
    </button>`}
  </span>`;
}

export function Button({ kind = "", busy = false, children, ...rest }) {
  return html`<button type="button" class=${`button ${kind}`} aria-busy=${busy} disabled=${busy} ...${rest}>
    ${children}
  </button>`;
}

// `tone`: calm, good, busy, warn, bad. The words say the same as the colour.
export function Badge({ tone = "calm", children }) {
  return html`<span class=${`badge ${tone}`}>${children}</span>`;
}

const TONES = {
  good: ["RESOLVED", "MITIGATED", "APPROVED", "succeeded", "approve", "done", "healthy", "COMPLETED", "APPROVE", "passed", "live"],
  busy: ["INVESTIGATING", "EXECUTING", "running", "queued", "shared", "started"],
  warn: ["PENDING", "WAITING_APPROVAL", "WAITING", "waiting_approval", "throttled", "MEDIUM", "degraded", "warning", "REQUEST_REVISION", "timeout"],
  bad: ["REJECTED", "failed", "HIGH", "CRITICAL", "critical", "unhealthy", "REJECT", "blocked", "refused", "error"],
};

export function toneOf(value) {
  return Object.keys(TONES).find((tone) => TONES[tone].includes(value)) ?? "calm";
}

// A constant of the product as a badge: `State({group: "state", value: "WAITING"})`.
export function State({ group, value }) {
  return value ? html`<${Badge} tone=${toneOf(value)}>${word(group, value)}<//>` : null;
}

// Follows the clock by itself.
export function Ago({ at }) {
  useTick(at ? 10_000 : 0);
  if (!at) return null;
  return html`<time datetime=${at} title=${`${clock(at)} (${at})`}>${relative(at)}</time>`;
}

export function Clock({ at }) {
  return at ? html`<time datetime=${at} title=${at}>${clock(at)}</time>` : null;
}

export function useTick(ms) {
  const [, again] = useState(0);
  useEffect(() => {
    if (!ms) return undefined;
    const timer = setInterval(() => again((n) => n + 1), ms);
    return () => clearInterval(timer);
  }, [ms]);
}

// What is wrong, in words, and what happens now. `again`: whoever shows it asks until there is an answer.
export function Problem({ problem, again = false, stale = false }) {
  if (!problem) return null;
  const key = problem.status === 0 ? "away" : problem.status >= 500 || problem.status === 429 ? "later" : problem.status;
  const known = [401, 403, 404, 409, 422, "away", "later"].includes(key);
  return html`<div class=${`notice ${problem.passes ? "warn" : "bad"}`} role="status">
    <strong>${t(known ? `problem.${key}` : "problem.other")}</strong>
    ${problem.status !== 0 && problem.detail && html`<${Outside} value=${problem.detail} most=${400} />`}
    ${problem.passes && html`<span>${t(stale ? "problem.stale" : again ? "problem.again" : "problem.once")}</span>`}
  </div>`;
}

// The three states of a question, so that no page forgets one of them.
export function Answered({ of, empty = null, children }) {
  const { data, problem, loading } = of;
  if (!data) return problem ? html`<${Problem} problem=${problem} again />` : html`<${Waiting} busy=${loading} />`;
  const nothing = empty && (data.total ?? (data.items ?? data).length) === 0; // a page may be empty before the end
  return html`<${Problem} problem=${problem} stale />${nothing ? html`<p class="empty">${empty}</p>` : children(data)}`;
}

export function Waiting() {
  return html`<p class="waiting" role="status"><span class="dots" aria-hidden="true"></span>${t("ui.loading")}</p>`;
}

// `columns`: [{key, label, cell(row), narrow: false}]; `to(row)` makes its first cell a link and the row a stop of j and k.
export function Table({ columns, rows, label, to = null, id = (row, at) => at }) {
  const cell = (column, row, first) => {
    const content = column.cell ? column.cell(row) : html`<${Outside} value=${row[column.key]} />`;
    return html`<td class=${column.class ?? ""} data-label=${column.label}>
      ${first && to ? html`<a href=${to(row)} data-row>${content}</a>` : content}
    </td>`;
  };
  return html`<div class="scroll" role="region" aria-label=${label} tabindex="0"><table>
    <caption class="unseen">${label}</caption>
    <thead><tr>${columns.map((column) => html`<th scope="col" class=${column.class ?? ""}>${column.label}</th>`)}</tr></thead>
    <tbody>${rows.map((row, at) => html`<tr key=${id(row, at)}>${columns.map((column, first) => cell(column, row, first === 0))}</tr>`)}</tbody>
  </table></div>`;
}

export function Pages({ page, pageSize, total, onPage }) {
  const last = Math.max(1, Math.ceil(total / pageSize));
  useEffect(() => void (page > last && onPage(last)), [page, last]); // the page that was looked at is gone
  if (last <= 1) return null;
  return html`<nav class="pages" aria-label=${t("ui.pages")}>
    <${Button} disabled=${page <= 1} onClick=${() => onPage(page - 1)}>${t("ui.previous")}<//>
    <span>${t("ui.page", { page, last })}</span>
    <${Button} disabled=${page >= last} onClick=${() => onPage(page + 1)}>${t("ui.next")}<//>
  </nav>`;
}

// A modal dialog: the browser keeps the focus inside and gives it back when it closes; Escape closes. Given back
// once more, later, it would be taken from whoever types on already: only where it goes unclosed is that ours to do.
export function Dialog({ title, onClose, children, wide = false }) {
  const box = useRef(null);
  useEffect(() => {
    const [opener, dialog] = [document.activeElement, box.current];
    dialog.showModal();
    dialog.querySelector("form input, form select, form textarea")?.focus();
    return () => void (dialog.open && opener?.focus?.());
  }, []);
  return html`<dialog ref=${box} class=${wide ? "wide" : ""} aria-labelledby="dialog-title" onClose=${onClose}>
    <header><h2 id="dialog-title">${title}</h2>
      <button type="button" class="close" aria-label=${t("ui.close")} onClick=${() => box.current.close()}>×</button>
    </header>
    ${children}
  </dialog>`;
}

export function Panel({ title, id, aside = null, children, class: name = "" }) {
  return html`<section class=${`panel ${name}`} aria-labelledby=${id}>
    <header><h2 id=${id}>${title}</h2>${aside}</header>
    ${children}
  </section>`;
}

export function Field({ label, hint = "", children }) {
  return html`<label class="field"><span>${label}</span>${children}${hint && html`<small>${hint}</small>`}</label>`;
}

export function Choice({ label, value, options, onChange, bare = false }) {
  const select = html`<select value=${value} aria-label=${bare ? label : null} onChange=${(event) => onChange(event.target.value)}>
    ${options.map(([key, name]) => html`<option key=${key} value=${key} selected=${key === value}>${name}</option>`)}
  </select>`;
  return bare ? select : html`<${Field} label=${label}>${select}<//>`;
}

export function useMedia(query) {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const follow = () => setMatches(media.matches);
    media.addEventListener("change", follow);
    return () => media.removeEventListener("change", follow);
  }, [query]);
  return matches;
}
