// Alerts that no source could read, and sending one through again once the fault is mended.

import { post } from "../api.js";
import { t } from "../i18n.js";
import { useQuery } from "../query.js";
import { replaceQuery } from "../router.js";
import { hasRole, project } from "../session.js";
import { useStore } from "../store.js";
import { Ago, Answered, Badge, Button, Long, Outside, Pages, Panel, Table } from "../ui.js";
import { html, useState } from "../view.js";

export function Rejected({ query }) {
  const chosen = useStore(project);
  const page = Number(query.page) || 1;
  const asked = useQuery("/rejected", { query: { project: chosen, reason: query.reason, page }, about: (event) => event.kind === "rejected" });
  const filter = (event) => {
    event.preventDefault();
    replaceQuery({ reason: new FormData(event.target).get("reason") });
  };
  return html`<${Panel} id="rejected" title=${t("rejected.title")}>
    <p class="soft">${t("rejected.about")}</p>
    <form class="line filter" onSubmit=${filter}>
      <label class="line"><span>${t("rejected.reason")}</span><input name="reason" list="reasons" key=${query.reason ?? ""} defaultValue=${query.reason ?? ""} maxlength="100" spellcheck=${false} autocomplete="off" /></label>
      <datalist id="reasons">${(asked.data?.reasons ?? []).map(({ reason }) => html`<option key=${reason} value=${reason} />`)}</datalist>
      <button class="button small" type="submit">${t("rejected.filter")}</button>
    </form>
    <${Answered} of=${asked} empty=${t("rejected.none")}>${(data) => html`
      <${Table} label=${t("rejected.title")} rows=${data.items} id=${(row) => row.event_id} columns=${columns()} />
      <${Pages} page=${data.page} pageSize=${data.page_size} total=${data.total} onPage=${(next) => replaceQuery({ ...query, page: next })} />`}
    <//>
  <//>`;
}

function columns() {
  const may = hasRole("operator", "admin");
  return [
    { key: "at", label: t("rejected.at"), cell: (row) => html`<${Ago} at=${row.at} />` },
    { key: "source", label: t("rejected.source"), cell: (row) => html`<${Outside} value=${row.source || row.stage} most=${60} />` },
    { key: "reason", label: t("rejected.reason"), cell: (row) => html`<${Badge} tone="warn"><${Outside} value=${row.reason} most=${60} /><//>` },
    { key: "detail", label: t("rejected.detail"), cell: (row) => html`<${Long} value=${row.detail} most=${160} />` },
    { key: "place", label: t("rejected.place"), cell: (row) => html`<code><${Outside} value=${`${row.topic}/${row.partition}/${row.offset}`} most=${120} /></code> <small>${t("rejected.bytes", { n: row.size })}</small>` },
    { key: "project_id", label: t("project.label") },
    ...(may ? [{ key: "again", label: t("rejected.again"), cell: (row) => html`<${Again} row=${row} />` }] : []),
  ];
}

function Again({ row }) {
  const [state, setState] = useState({});
  const send = async () => {
    setState({ busy: true });
    try {
      setState({ done: await post(`/rejected/${encodeURIComponent(row.event_id)}/replay`, { again: Boolean(row.replayed_at || state.problem?.status === 409) }) });
    } catch (problem) {
      if (problem.name !== "Problem") throw problem;
      setState({ problem });
    }
  };
  const before = row.replayed_at && !state.done;
  return html`<span class="again">
    ${state.done ? html`<${Badge} tone="good">${t("rejected.sent")}<//>` : row.replayable && html`<${Button} kind="small" busy=${state.busy} onClick=${send}>${t(before ? "rejected.again.twice" : "rejected.again.do")}<//>`}
    ${before && html` <small>${t("rejected.before")} <${Outside} value=${row.replayed_by} most=${60} /> <${Ago} at=${row.replayed_at} /></small>`}
    ${!row.replayable && html`<small>${t("rejected.not")}</small>`}
    ${state.problem && html`<small class="bad" role="alert"><${Outside} value=${state.problem.detail} most=${200} /></small>`}
  </span>`;
}
