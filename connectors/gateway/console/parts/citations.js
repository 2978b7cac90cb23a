// From a claim to the item that it cites, and back: both are places on the same page.

import { t } from "../i18n.js";
import { store, useStore } from "../store.js";
import { html } from "../view.js";

const cited = store(null); // {item, from}: the jump that was made last

export function Cites({ ids = [], from, label }) {
  if (!ids.length) return null;
  return html`<span class="cites"><span>${label}</span> ${ids.map((id) => html`<${Cite} key=${id} id=${id} from=${from} />`)}</span>`;
}

function Cite({ id, from }) {
  const jump = (event) => {
    event.preventDefault();
    cited.set({ item: id, from });
    show(`evidence-${id}`);
  };
  return html`<a class="cite" href=${`#evidence-${id}`} aria-label=${t("evidence.go", { id })} onClick=${jump}><bdi>${id}</bdi></a>`;
}

// Where the item is told: whether it was jumped to, and the way back.
export function WayBack({ id }) {
  const last = useStore(cited);
  if (last?.item !== id) return null;
  const back = () => {
    show(`said-${last.from}`);
    cited.set(null);
  };
  return html`<button type="button" class="link back" onClick=${back}>${t("evidence.back", { id: last.from })}</button>`;
}

// Who cites it, each a way there.
export function CitedBy({ froms }) {
  if (!froms.length) return null;
  const jump = (from) => (event) => {
    event.preventDefault();
    show(`said-${from}`);
  };
  return html`<span class="cites soft"><span>${t("evidence.cited")}</span> ${froms.map((from) => html`<a key=${from} class="cite" href=${`#said-${from}`} aria-label=${t("evidence.claim", { id: from })} onClick=${jump(from)}><bdi>${from}</bdi></a>`)}</span>`;
}

// Which claims cite which item, of one run's turns: {E1: ["H1", "A1"]}.
export function citations(turns) {
  const found = {};
  const note = (from, ids = []) => ids.forEach((id) => (found[id] ??= new Set()).add(from));
  for (const { body } of turns) {
    for (const each of body?.diagnosis?.hypotheses ?? []) note(each.id, [...(each.evidence ?? []), ...(each.against ?? [])]);
    for (const each of body?.plan?.actions ?? []) note(each.id, each.evidence);
    (body?.challenges ?? []).forEach((each, at) => note(`Q${at + 1}`, each.evidence));
  }
  return Object.fromEntries(Object.entries(found).map(([id, froms]) => [id, [...froms]]));
}

function show(id) {
  const there = document.getElementById(id);
  if (!there) return;
  there.focus({ preventScroll: true });
  there.scrollIntoView({ block: "center" });
  there.classList.remove("shown");
  requestAnimationFrame(() => there.classList.add("shown"));
}
