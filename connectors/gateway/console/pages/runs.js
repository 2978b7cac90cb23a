// All runs, with filters that stand in the address.

import { money, number } from "../format.js";
import { t, word } from "../i18n.js";
import { href, replaceQuery } from "../router.js";
import { project } from "../session.js";
import { useStore } from "../store.js";
import { Ago, Answered, Badge, Choice, Outside, Pages, Panel, State, Table, useQuery } from "../ui.js";
import { html, useEffect } from "../view.js";

const STATES = ["queued", "throttled", "shared", "running", "waiting_approval", "succeeded", "failed", "cancelled", "voided", "timeout"];
const REMEDIATION = ["no_evidence", "mcp_observed", "observed", "read_only_dry_run", "write_observed", "blocked"];

export function Runs({ query }) {
  const mine = useStore(project);
  const { state, remediation_status, incident_id } = query;
  const page = Number(query.page) || 1;
  const asked = { project: mine, state, remediation_status, incident_id, page };
  const found = useQuery("/runs", { query: asked, about: ({ kind }) => kind !== "trust" && kind !== "switch" });
  useEffect(() => void (document.title = t("runs.title")));
  return html`
    <h1 class="unseen">${t("nav.runs")}</h1>
    <${Panel} id="runs" title=${t("nav.runs")} aside=${found.data && html`<span class="soft">${t("runs.sum", { count: found.data.total })}</span>`}>
      <${Filters} query=${query} />
      <${Answered} of=${found} empty=${t("runs.none")}>
        ${(data) => html`
          <${List} runs=${data.items} />
          <${Pages} page=${data.page} pageSize=${data.page_size} total=${data.total} onPage=${(next) => replaceQuery({ ...query, page: next })} />
        `}
      <//>
    <//>
  `;
}

function Filters({ query }) {
  const choose = (name) => (value) => replaceQuery({ ...query, page: "", [name]: value });
  const named = (group, values) => [["", t(`runs.any_${group}`)], ...values.map((each) => [each, word(group, each)])];
  const submit = (event) => {
    event.preventDefault();
    choose("incident_id")(new FormData(event.target).get("incident").trim());
  };
  return html`<form class="filters" role="search" onSubmit=${submit}>
    <${Choice} bare label=${t("run.state")} value=${query.state ?? ""} options=${named("run_state", STATES)} onChange=${choose("state")} />
    <${Choice} bare label=${t("run.remediation")} value=${query.remediation_status ?? ""} options=${named("remediation", REMEDIATION)} onChange=${choose("remediation_status")} />
    <input type="search" name="incident" aria-label=${t("run.incident")} placeholder=${t("run.incident")} defaultValue=${query.incident_id ?? ""} maxlength="200" />
  </form>`;
}

export function List({ runs }) {
  const columns = [
    { label: t("run.id"), cell: (run) => html`<span class="id"><bdi>${run.run_id}</bdi></span>` },
    { label: t("run.state"), cell: (run) => html`<${State} group="run_state" value=${run.state} />${run.shadow && html` <${Badge}>${t("run.shadow")}<//>`}` },
    { label: t("run.reason"), cell: (run) => word("reason", run.reason) },
    { label: t("run.incidents"), cell: (run) => html`<${Incidents} ids=${run.incident_ids} />` },
    { label: t("run.agent"), cell: (run) => html`<${Outside} value=${word("agent", run.agent)} />` },
    { label: t("run.remediation"), cell: (run) => word("remediation", run.remediation_status) },
    { label: t("run.steps"), class: "number", cell: (run) => number(run.steps) },
    { label: t("run.cost"), class: "number", cell: (run) => money(run.cost_usd) },
    { label: t("run.created"), cell: (run) => html`<${Ago} at=${run.created_at} />` },
  ];
  return html`<${Table} label=${t("nav.runs")} columns=${columns} rows=${runs} to=${(run) => href("runs", run.run_id)} id=${(run) => run.run_id} />`;
}

function Incidents({ ids }) {
  return html`<span class="line">${ids.slice(0, 3).map((id) => html`<a key=${id} class="id" href=${href("incidents", id)}><bdi>${id}</bdi></a>`)}${ids.length > 3 && html`<span class="soft">${t("run.more", { n: ids.length - 3 })}</span>`}</span>`;
}
