// What was earned by which action where: from some score on, less is asked. It can be taken away, never given.

import { post } from "../api.js";
import { t, word } from "../i18n.js";
import { useQuery } from "../query.js";
import { hasRole, project } from "../session.js";
import { useStore } from "../store.js";
import { Ago, Answered, Badge, Button, Dialog, Field, Outside, Panel, Problem, Table } from "../ui.js";
import { html, useState } from "../view.js";

const RECENT = 12;

export function Trust() {
  const chosen = useStore(project);
  const asked = useQuery("/trust", { query: { project: chosen }, about: (event) => event.kind === "trust" });
  const [taken, setTaken] = useState(null);
  const done = () => {
    setTaken(null);
    asked.refresh();
  };
  return html`<div class="stack"><${Panel} id="trust" title=${t("trust.title")}>
    <${Answered} of=${asked} empty=${t("trust.none")}>${(data) => html`
      <p class="soft">${t("trust.about", { medium: data.medium_counts_low_from, high: data.high_counts_medium_from })}</p>
      ${!data.fresh && html`<div class="notice warn" role="status">${t("trust.stale")}</div>`}
      <${Table} label=${t("trust.title")} rows=${data.items} id=${(row) => row.trust_key} columns=${columns(data, setTaken)} />`}
    <//>
    ${taken && html`<${TakeAway} item=${taken} onClose=${() => setTaken(null)} onDone=${done} />`}
  <//><${Policies} project=${chosen} /></div>`;
}

function Policies({ project: chosen }) {
  const asked = useQuery("/contracts", { query: { project: chosen } });
  const columns = [
    { key: "created_at", label: t("policies.since"), cell: (row) => html`<${Ago} at=${row.created_at} />` },
    { key: "created_by", label: t("policies.by") },
    { key: "contract_id", label: t("policies.contract") },
    { key: "major", label: t("policies.version"), cell: (row) => `${row.major}.${row.minor}` },
    { key: "life_cycle", label: t("policies.state"), cell: (row) => html`<${Outside} value=${word("life_cycle", row.life_cycle)} />` },
    { key: "body_hash", label: t("policies.hash"), cell: (row) => html`<code><${Outside} value=${String(row.body_hash).slice(0, 12)} /></code>` },
  ];
  return html`<${Panel} id="policies" title=${t("policies.title")}>
    <${Answered} of=${asked} empty=${t("policies.none")}>${(data) => html`<${Table} label=${t("policies.title")} rows=${data.items} columns=${columns} />`}<//>
  <//>`;
}

function columns(data, take) {
  const may = hasRole("operator", "admin");
  return [
    { key: "operation", label: t("trust.action"), cell: (row) => html`<code><${Outside} value=${row.operation} /></code>` },
    { key: "workload", label: t("trust.where"), cell: (row) => html`<span class="soft"><${Outside} value=${`${row.cluster}/${row.namespace}`} /></span> <${Outside} value=${row.workload} most=${60} />` },
    { key: "project_id", label: t("project.label") },
    { key: "score", label: t("trust.score"), class: "number", cell: (row) => html`<strong>${row.score}</strong> ${worth(row.score, data)}` },
    { key: "recent", label: t("trust.recent"), cell: (row) => html`<${Recent} outcomes=${row.recent} />` },
    { key: "used_at", label: t("trust.used"), cell: (row) => html`<${Ago} at=${row.used_at} />` },
    { key: "reason", label: t("trust.why"), cell: (row) => html`<${Outside} value=${row.reason} most=${120} />` },
    ...(may ? [{ key: "take", label: t("trust.reset"), cell: (row) => row.score > 0 && html`<${Button} kind="small" onClick=${() => take(row)}>${t("trust.reset")}<//>` }] : []),
  ];
}

function worth(score, { medium_counts_low_from: medium, high_counts_medium_from: high }) {
  if (score >= high) return html`<${Badge} tone="good">${t("trust.high")}<//>`;
  return score >= medium ? html`<${Badge} tone="good">${t("trust.medium")}<//>` : null;
}

function Recent({ outcomes }) {
  const latest = outcomes.slice(-RECENT);
  const good = latest.filter(Boolean).length;
  return html`<span class="recent" role="img" aria-label=${t("trust.recent.of", { good, all: latest.length })}>
    ${latest.map((verified, at) => html`<span key=${at} class=${verified ? "good" : "bad"} aria-hidden="true">${verified ? "●" : "○"}</span>`)}
  </span>`;
}

function TakeAway({ item, onClose, onDone }) {
  const [reason, setReason] = useState("");
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await post("/trust/reset", { trust_key: item.trust_key, reason });
      onDone();
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
  };
  return html`<${Dialog} title=${t("trust.reset")} onClose=${onClose}>
    <p><code><${Outside} value=${item.operation} /></code> <${Outside} value=${`${item.namespace}/${item.workload}`} /></p>
    <p class="soft">${t("trust.reset.why", { score: item.score })}</p>
    <form onSubmit=${submit}>
      <${Field} label=${t("kill.reason")}><textarea name="reason" maxlength="1000" required value=${reason} onInput=${(event) => setReason(event.target.value)}></textarea><//>
      <${Problem} problem=${problem} />
      <div class="line"><button class="button danger" type="submit" disabled=${busy} aria-busy=${busy}>${t("trust.reset")}</button><${Button} onClick=${onClose}>${t("ui.cancel")}<//></div>
    </form>
  <//>`;
}
