// What waits for signatures, the oldest first; what was decided, the newest first.

import { ApprovalCard } from "../acts/approval_card.js";
import { t } from "../i18n.js";
import { useKey } from "../keyboard.js";
import { go, href, replaceQuery } from "../router.js";
import { project } from "../session.js";
import { useStore } from "../store.js";
import { Ago, Answered, Button, Outside, Pages, Panel, State, Table, useQuery } from "../ui.js";
import { html, useEffect } from "../view.js";

const about = ({ kind }) => kind === "new_approval" || kind === "approval";

export function Approvals({ query }) {
  const mine = useStore(project);
  const state = query.state === "decided" ? "decided" : "waiting";
  const page = Number(query.page) || 1;
  const found = useQuery("/approvals", { query: { state, project: mine, page }, about });
  useEffect(() => void (document.title = t("approvals.title")));
  return html`
    <div class="head"><h1>${t("nav.approvals")}</h1><${Tabs} chosen=${state} /></div>
    <${Answered} of=${found} empty=${t(`approvals.${state}.none`)}>
      ${(data) => html`
        ${state === "waiting"
          ? html`<div class="stack cards">${data.items.map((card) => html`<${Whole} key=${card.approval_id} card=${card} onChanged=${found.refresh} />`)}</div>`
          : html`<${Panel} id="decided" title=${t("approvals.decided")}><${Decided} cards=${data.items} /><//>`}
        <${Pages} page=${data.page} pageSize=${data.page_size} total=${data.total} onPage=${(next) => replaceQuery({ ...query, page: next })} />
      `}
    <//>
  `;
}

export function ApprovalPage({ id }) {
  const found = useQuery(`/approvals/${encodeURIComponent(id)}`, { about });
  useKey("u", "keys.back", () => go("approvals"));
  useEffect(() => void (document.title = t("approval.title", { id })));
  return html`
    <div class="head"><a href=${href("approvals")}>${t("nav.approvals")}</a><h1><bdi>${id}</bdi></h1></div>
    <${Answered} of=${found}>${(card) => html`<${Whole} card=${card} onChanged=${found.refresh} />`}<//>
  `;
}

function Whole({ card, onChanged }) {
  return html`<div class="whole">
    <p class="line soft"><a href=${href("incidents", card.incident_id)} class="id"><bdi>${card.incident_id}</bdi></a><a href=${href("runs", card.run_id)}>${t("approval.run")}</a></p>
    <${ApprovalCard} card=${card} onChanged=${onChanged} />
  </div>`;
}

function Tabs({ chosen }) {
  return html`<div class="tabs" role="group" aria-label=${t("approvals.which")}>
    ${["waiting", "decided"].map((state) => html`<${Button} key=${state} aria-pressed=${state === chosen} onClick=${() => replaceQuery({ state })}>${t(`approvals.${state}`)}<//>`)}
  </div>`;
}

function Decided({ cards }) {
  const columns = [
    { label: t("approval.id"), cell: (card) => html`<span class="id"><bdi>${card.approval_id}</bdi></span>` },
    { label: t("approval.state"), cell: (card) => html`<${State} group="approval_state" value=${card.state} />` },
    { label: t("approval.action"), cell: (card) => html`<${Outside} value=${`${card.action.operation} ${card.action.target.name}`} />` },
    { label: t("approval.risk"), cell: (card) => html`<${State} group="risk" value=${card.risk} />` },
    { label: t("approval.signed"), cell: (card) => html`<${Outside} value=${card.signed.map((each) => each.person).join(t("ui.comma"))} />` },
    { label: t("approval.reason"), cell: (card) => html`<${Outside} value=${card.state_reason} />` },
    { label: t("approval.closed"), cell: (card) => html`<${Ago} at=${card.closed_at ?? card.created_at} />` },
  ];
  return html`<${Table} label=${t("approvals.decided")} columns=${columns} rows=${cards} to=${(card) => href("approvals", card.approval_id)} id=${(card) => card.approval_id} />`;
}
