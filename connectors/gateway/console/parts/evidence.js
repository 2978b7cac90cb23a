// What was seen, item by item, with the way from each to the claims that cite it; and what could not be had.

import { t, word } from "../i18n.js";
import { Clock, Long, Outside } from "../ui.js";
import { html } from "../view.js";
import { CitedBy, WayBack } from "./citations.js";

export function Evidence({ evidence, cited }) {
  const { items = [], gaps = [] } = evidence;
  if (!items.length && !gaps.length) return html`<p class="empty">${t("evidence.none")}</p>`;
  return html`
    <ol class="evidence">${items.map((item) => html`<${Item} key=${item.id} item=${item} froms=${cited[item.id] ?? []} />`)}</ol>
    ${gaps.length > 0 && html`<h3>${t("evidence.gaps")}</h3><ul class="gaps">${gaps.map((gap) => html`<li><strong>${word("source", gap.source)}</strong> <${Long} value=${gap.reason} /></li>`)}</ul>`}
  `;
}

function Item({ item, froms }) {
  return html`<li id=${`evidence-${item.id}`} tabindex="-1">
    <span class="line">
      <span class="cite"><bdi>${item.id}</bdi></span><strong>${word("source", item.source)}</strong>
      <span class="soft"><${Outside} value=${item.about || item.kind} most=${80} /></span>
      <span class="soft push"><${Clock} at=${item.at} /></span>
    </span>
    <span><${Long} value=${item.text} most=${400} /></span>
    <span class="line"><${CitedBy} froms=${froms} /><${WayBack} id=${item.id} /></span>
  </li>`;
}
