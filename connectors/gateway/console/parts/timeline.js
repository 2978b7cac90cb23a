// What happened, in its order, of one kind or of all.

import { duration } from "../format.js";
import { named, said, t, word } from "../i18n.js";
import { Badge, Clock, Long, Outside, toneOf } from "../ui.js";
import { html, useState } from "../view.js";

export function Timeline({ items, total = items.length }) {
  const [kind, setKind] = useState("");
  if (!items.length) return html`<p class="empty">${t("timeline.none")}</p>`;
  const kinds = [...new Set(items.map((item) => item.kind))];
  const shown = items.filter((item) => !kind || item.kind === kind);
  const began = new Date(items[0].at).getTime();
  return html`
    ${kinds.length > 1 && html`<div class="chips" role="group" aria-label=${t("timeline.kinds")}>
      ${["", ...kinds].map((each) => html`<button key=${each} type="button" class="chip" aria-pressed=${each === kind} onClick=${() => setKind(each)}>${each ? word("kind", each) : t("ui.all")}</button>`)}
    </div>`}
    ${total > items.length && html`<p class="soft">${t("timeline.cut", { n: items.length, total })}</p>`}
    <ol class="timeline">${shown.map((item, at) => html`<${Item} key=${`${item.at} ${item.title} ${at}`} item=${item} began=${began} />`)}</ol>
  `;
}

function Item({ item, began }) {
  const told = Object.entries(item.metadata ?? {}).filter(([, value]) => value !== "" && value !== null);
  return html`<li class=${item.kind} data-title=${item.title}>
    <span class="when soft"><${Clock} at=${item.at} /><small>+${duration(new Date(item.at) - began)}</small></span>
    <span class="said">
      <span class="line"><strong><${Outside} value=${named("event", item.metadata?.type, item.title)} /></strong>${item.status && html`<${Badge} tone=${toneOf(item.status)}><${Outside} value=${said(item.status)} most=${40} /><//>`}<small>${word("kind", item.kind)}</small></span>
      ${item.summary && html`<span><${Long} value=${item.summary} most=${300} /></span>`}
      ${told.length > 0 && html`<details><summary>${t("timeline.more")}</summary><dl class="facts">${told.map(([name, value]) => html`<div key=${name}><dt><${Outside} value=${name} /></dt><dd><${Long} value=${value} /></dd></div>`)}</dl></details>`}
    </span>
  </li>`;
}
