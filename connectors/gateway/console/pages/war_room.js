// The war room: what is open, by itself, a storm as one row; what waits for a person; what happens now.

import { gatewayNow } from "../api.js";
import { duration, number } from "../format.js";
import { t, word } from "../i18n.js";
import { useKey } from "../keyboard.js";
import { Feed } from "../parts/feed.js";
import { collapsed, face } from "../parts/storms.js";
import { href, replaceQuery } from "../router.js";
import { project } from "../session.js";
import { useStore } from "../store.js";
import { Ago, Answered, Badge, Choice, Outside, Pages, Panel, State, useQuery, useTick } from "../ui.js";
import { html, useEffect, useRef, useState } from "../view.js";

const PAGE_SIZE = 200;
const MOST_SHOWN = 100; // of one storm
const ABOUT = ["incident", "run", "new_approval", "approval", "execution"];

export function WarRoom({ query }) {
  const mine = useStore(project);
  const [page, setPage] = useState(1);
  const asked = {
    project: mine,
    severity: query.severity,
    q: query.q,
    open: query.show === "all" ? "" : query.show === "closed" ? "false" : "true",
    page,
    page_size: PAGE_SIZE,
  };
  useEffect(() => setPage(1), [mine, query.severity, query.q, query.show]);
  const incidents = useQuery("/incidents", { query: asked, about: ({ kind }) => ABOUT.includes(kind) });
  useEffect(() => void (document.title = t("war_room.title")));
  return html`
    <h1 class="unseen">${t("nav.war_room")}</h1>
    <div class="columns war">
      <${Panel} id="incidents" title=${t("war_room.incidents")} aside=${html`<${Sums} of=${incidents.data} />`}>
        <${Filters} query=${query} />
        <${Answered} of=${incidents} empty=${t(asked.open === "true" ? "war_room.calm" : "war_room.nothing")}>
          ${(data) => html`<${Rows} incidents=${data.items} /><${Pages} page=${data.page} pageSize=${data.page_size} total=${data.total} onPage=${setPage} />`}
        <//>
      <//>
      <div class="stack">
        <${Waiting} project=${mine} />
        <${Panel} id="now" title=${t("war_room.now")}><p class="soft unless-told">${t("war_room.now.none")}</p><${Feed} /><//>
      </div>
    </div>
  `;
}

function Sums({ of }) {
  if (!of) return null;
  const critical = of.items.filter((one) => one.severity === "critical").length;
  return html`<span class="line soft" role="status">
    <span>${t("war_room.sum", { count: of.total })}</span>
    ${critical > 0 && html`<${Badge} tone="bad">${t("war_room.critical", { count: critical })}<//>`}
  </span>`;
}

function Filters({ query }) {
  const box = useRef(null);
  const [text, setText] = useState(query.q ?? "");
  useKey("/", "keys.search", () => box.current.focus());
  useEffect(() => {
    const timer = setTimeout(() => text !== (query.q ?? "") && replaceQuery({ ...query, q: text }), 300);
    return () => clearTimeout(timer);
  }, [text]);
  const choose = (name) => (value) => replaceQuery({ ...query, [name]: value });
  const severities = ["critical", "warning", "info"].map((each) => [each, word("severity", each)]);
  return html`<form class="filters" role="search" onSubmit=${(event) => event.preventDefault()}>
    <${Choice} bare label=${t("war_room.show")} value=${query.show ?? ""} onChange=${choose("show")}
      options=${[["", t("war_room.show.open")], ["closed", t("war_room.show.closed")], ["all", t("ui.all")]]} />
    <${Choice} bare label=${t("incident.severity")} value=${query.severity ?? ""} onChange=${choose("severity")} options=${[["", t("war_room.any_severity")], ...severities]} />
    <input ref=${box} type="search" aria-label=${t("war_room.search")} placeholder=${t("war_room.search")} value=${text} maxlength="200" onInput=${(event) => setText(event.target.value)} />
  </form>`;
}

function Rows({ incidents }) {
  return html`<ul class="incidents">
    ${collapsed(incidents).map((row) =>
      row.storm ? html`<${Storm} key=${row.storm.key} ...${row.storm} />` : html`<li key=${row.incident.incident_id}><${Row} incident=${row.incident} /></li>`,
    )}
  </ul>`;
}

function Storm({ by, incidents }) {
  const [open, setOpen] = useState(false);
  const worst = face({ storm: { incidents } });
  const alerts = incidents.reduce((sum, one) => sum + Number(one.hit_count), 0);
  const waiting = incidents.find((one) => one.waiting_approval);
  return html`<li class="storm">
    <button type="button" class=${`row of-${worst.severity}`} data-row aria-expanded=${open} onClick=${() => setOpen(!open)}>
      <${State} group="severity" value=${worst.severity} />
      <span class="what">
        <strong><span class="turn" aria-hidden="true"></span>${t("war_room.storm", { count: incidents.length })}</strong> <${Outside} value=${worst.alert_type} most=${80} />
        ${worst.namespace && html` <span class="soft"><${Outside} value=${worst.namespace} most=${60} /></span>`}
        <span class="more soft">${t(`war_room.storm.${by}`)}</span>
      </span>
      <span class="how">${waiting && html`<${Badge} tone="warn">${t("incident.waits")}<//>`}<${Count} alerts=${alerts} /></span>
      <span class="when soft"><${Ago} at=${worst.opened_at} /></span>
    </button>
    ${open && html`<ul>
      ${incidents.slice(0, MOST_SHOWN).map((one) => html`<li key=${one.incident_id}><${Row} incident=${one} /></li>`)}
      ${incidents.length > MOST_SHOWN && html`<li class="empty">${t("war_room.storm.rest", { count: incidents.length - MOST_SHOWN })}</li>`}
    </ul>`}
  </li>`;
}

function Row({ incident }) {
  return html`<a class=${`row of-${incident.severity}`} data-row data-incident=${incident.incident_id} href=${href("incidents", incident.incident_id)}>
    <${State} group="severity" value=${incident.severity} />
    <span class="what">
      <strong><${Outside} value=${incident.alert_type} most=${80} /></strong>
      ${incident.target_resource && html` <${Outside} value=${incident.target_resource} most=${80} />`}
      ${incident.namespace && html` <span class="soft"><${Outside} value=${incident.namespace} most=${60} /></span>`}
      <span class="more soft"><${Outside} value=${incident.message} /></span>
    </span>
    <span class="how">
      ${incident.waiting_approval ? html`<${Badge} tone="warn">${t("incident.waits")}<//>` : html`<${State} group="status" value=${incident.status} />`}
      <${Count} alerts=${incident.hit_count} />
      ${incident.flapping && html`<${Badge}>${t("incident.flapping")}<//>`}
      ${(incident.quiet || []).map((kind) => html`<${Badge}>${t(`incident.quiet.${kind}`)}<//>`)}
      ${incident.assignee && html`<${Badge}><bdi>${incident.assignee}</bdi><//>`}
    </span>
    <span class="when soft"><${Ago} at=${incident.opened_at} /></span>
  </a>`;
}

function Count({ alerts }) {
  return html`<span class="count soft" title=${t("incident.alerts", { count: Number(alerts) })}><span aria-hidden="true">×</span><span class="unseen">${t("incident.alerts_label")}</span>${number(alerts)}</span>`;
}

function Waiting({ project: mine }) {
  const approvals = useQuery("/approvals", {
    query: { state: "waiting", project: mine },
    about: ({ kind }) => kind === "new_approval" || kind === "approval",
  });
  useTick(1000);
  const count = approvals.data?.total ?? 0;
  return html`<${Panel} id="waiting" class=${count > 0 ? "first" : ""} title=${t("war_room.waiting")} aside=${count > 0 && html`<${Badge} tone="warn">${number(count)}<//>`}>
    <${Answered} of=${approvals} empty=${t("war_room.waiting.none")}>
      ${(data) => html`<ul class="waits">${data.items.map((card) => html`<li key=${card.approval_id}><${Card} card=${card} /></li>`)}</ul>`}
    <//>
  <//>`;
}

function Card({ card }) {
  const left = new Date(card.expires_at) - gatewayNow();
  return html`<a class="wait" data-row href=${href("approvals", card.approval_id)}>
    <span class="line"><${State} group="risk" value=${card.risk} /><strong><${Outside} value=${card.action.operation} /></strong> <${Outside} value=${card.action.target.name} most=${80} /></span>
    <span class="line soft"><span>${t("approval.missing", { count: card.missing })}</span><span class="push">${left > 0 ? t("approval.left", { left: duration(left) }) : t("approval.over")}</span></span>
  </a>`;
}
