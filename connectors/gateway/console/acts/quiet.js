// Quiet by people: silences, maintenance windows and change freezes, set, looked at and ended.

import { post } from "../api.js";
import { t } from "../i18n.js";
import { useKey } from "../keyboard.js";
import { useQuery } from "../query.js";
import { replaceQuery } from "../router.js";
import { hasRole, project, session } from "../session.js";
import { useStore } from "../store.js";
import { Ago, Answered, Badge, Button, Choice, Clock, Dialog, Field, Long, Outside, Panel, Problem, Table } from "../ui.js";
import { html, useEffect, useState } from "../view.js";

const LOOK_MS = 30_000; // others set them, too
const KINDS = ["silence", "maintenance", "freeze"];
const TONES = { active: "warn", pending: "busy", expired: "calm" };
const MATCHER = /^\s*([^=!~\s]+)\s*(=~|!~|!=|=)(.*)$/s;

export function Quiet({ query }) {
  const chosen = useStore(project);
  const [open, setOpen] = useState(false);
  const asked = useQuery("/silences", { query: { project: chosen, kind: query.kind, expired: query.expired }, about: (event) => event.kind === "silence" });
  const may = hasRole("operator", "admin");
  useKey("n", "quiet.new", () => may && setOpen(true));
  useEffect(() => void (document.title = t("quiet.title")));
  useEffect(() => {
    const timer = setInterval(asked.refresh, LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  const done = () => {
    setOpen(false);
    asked.refresh();
  };
  return html`<${Panel} id="quiet" title=${t("nav.quiet")} aside=${may && html`<${Button} kind="small" onClick=${() => setOpen(true)}>${t("quiet.new")}<//>`}>
    <p class="soft">${t("quiet.about")}</p>
    <${Filters} query=${query} />
    <${Answered} of=${asked} empty=${t("quiet.none")}>${(data) => html`
      ${!data.fresh && html`<div class="notice bad" role="alert">${t("quiet.stale")}</div>`}
      ${data.unreadable > 0 && html`<div class="notice warn" role="status">${t("quiet.unreadable", { count: data.unreadable })}</div>`}
      <${Table} label=${t("nav.quiet")} rows=${data.items} id=${(row) => `${row.project}/${row.id}`} columns=${columns(may, asked.refresh)} />`}
    <//>
    ${open && html`<${New} chosen=${chosen} onClose=${() => setOpen(false)} onDone=${done} />`}
  <//>`;
}

function Filters({ query }) {
  const choose = (name) => (value) => replaceQuery({ ...query, [name]: value });
  const kinds = [["", t("quiet.any")], ...KINDS.map((kind) => [kind, t(`quiet.kind.${kind}`)])];
  return html`<form class="filters" role="search" onSubmit=${(event) => event.preventDefault()}>
    <${Choice} bare label=${t("quiet.kind")} value=${query.kind ?? ""} options=${kinds} onChange=${choose("kind")} />
    <label class="check"><input type="checkbox" checked=${query.expired === "true"} onChange=${(event) => choose("expired")(event.target.checked ? "true" : "")} /> ${t("quiet.expired")}</label>
  </form>`;
}

function columns(may, refresh) {
  return [
    { key: "kind", label: t("quiet.kind"), cell: (row) => html`<strong>${t(`quiet.kind.${row.kind}`)}</strong> <${Badge} tone=${TONES[row.state] ?? "calm"}>${t(`quiet.state.${row.state}`)}<//>` },
    { key: "covers", label: t("quiet.covers"), cell: (row) => html`<${Covers} row=${row} />` },
    { key: "ends_at", label: t("quiet.until"), cell: (row) => html`<${Until} row=${row} />` },
    { key: "comment", label: t("quiet.why"), cell: (row) => html`<${Long} value=${row.comment} most=${160} />` },
    { key: "by", label: t("quiet.by"), cell: (row) => html`<${Outside} value=${row.by} most=${60} />${row.source !== "awoooi" && html` <small><${Outside} value=${row.source} most=${60} /></small>`}` },
    { key: "project", label: t("project.label") },
    ...(may ? [{ key: "end", label: t("quiet.end"), cell: (row) => row.state !== "expired" && html`<${End} row=${row} onDone=${refresh} />` }] : []),
  ];
}

function Covers({ row }) {
  if (row.everything) return html`<em>${t("quiet.everything")}</em>`;
  return html`<span class="line">${row.matchers.map((one, at) => html`<code key=${at}><${Outside} value=${inWords(one)} most=${120} /></code>`)}</span>`;
}

function Until({ row }) {
  const end = row.ends_at ? html`<${Clock} at=${row.ends_at} /> <small>(<${Ago} at=${row.ends_at} />)</small>` : t("quiet.no_end");
  return row.state === "pending" ? html`<${Clock} at=${row.starts_at} /> – ${end}` : end;
}

export function inWords({ name, value, regex, negated }) {
  const sign = negated ? (regex ? "!~" : "!=") : regex ? "=~" : "=";
  return `${name}${sign}${value}`;
}

// One a line, as on the command line; null where one is none.
export function matchersOf(text) {
  const lines = text.split("\n").filter((line) => line.trim());
  const found = lines.map((line) => MATCHER.exec(line));
  if (found.includes(null)) return null;
  return found.map(([, name, sign, value]) => ({ name, value: value.trim(), regex: sign.endsWith("~"), negated: sign.startsWith("!") }));
}

function End({ row, onDone }) {
  const [state, setState] = useState({});
  const end = async () => {
    setState({ busy: true });
    try {
      await post(`/silences/${encodeURIComponent(row.id)}/end`, { project: row.project });
      onDone();
    } catch (problem) {
      if (problem.name !== "Problem") throw problem;
      setState({ problem });
    }
  };
  return html`<${Button} kind="small" busy=${state.busy} onClick=${end}>${t("quiet.end.do")}<//>
    ${state.problem && html` <small class="bad" role="alert"><${Outside} value=${state.problem.detail} most=${200} /></small>`}`;
}

function New({ chosen, onClose, onDone }) {
  const mine = session.get().projects;
  const [words, setWords] = useState({ kind: "silence", project: chosen || (mine?.length === 1 ? mine[0] : ""), matchers: "", everything: false, duration: "2h", comment: "" });
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const [key] = useState(() => crypto.randomUUID?.() ?? String(Math.random())); // sent again, it is the same one
  const set = (name) => (event) => setWords({ ...words, [name]: event.target.value });
  const whole = words.kind !== "silence" && words.everything;
  const submit = async (event) => {
    event.preventDefault();
    const matchers = whole ? [] : matchersOf(words.matchers);
    if (!matchers) return setProblem({ status: 422, detail: t("quiet.matchers.wrong") });
    setBusy(true);
    try {
      await post("/silences", { ...words, matchers, everything: whole }, { headers: { "Idempotency-Key": key } });
      onDone();
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
    return undefined;
  };
  return html`<${Dialog} title=${t("quiet.new")} onClose=${onClose}>
    <form onSubmit=${submit}>
      <${Choice} label=${t("quiet.kind")} value=${words.kind} options=${KINDS.map((kind) => [kind, t(`quiet.kind.${kind}`)])} onChange=${(kind) => setWords({ ...words, kind })} />
      <p class="soft">${t(`quiet.kind.${words.kind}.why`)}</p>
      <${Field} label=${t("project.label")}><input name="project" value=${words.project} required pattern="[a-z0-9][a-z0-9._\\-]*" maxlength="63" spellcheck=${false} autocomplete="off" onInput=${set("project")} /><//>
      ${words.kind !== "silence" && html`<label class="check"><input name="everything" type="checkbox" checked=${words.everything} onChange=${(event) => setWords({ ...words, everything: event.target.checked })} /> ${t("quiet.everything")}</label>`}
      ${!whole && html`<${Field} label=${t("quiet.matchers")} hint=${t("quiet.matchers.hint")}><textarea name="matchers" required maxlength="4000" spellcheck=${false} value=${words.matchers} onInput=${set("matchers")}></textarea><//>`}
      <${Field} label=${t("quiet.duration")} hint=${t("quiet.duration.hint")}><input name="duration" value=${words.duration} required pattern="([0-9]+[wdhms])+" maxlength="30" autocomplete="off" onInput=${set("duration")} /><//>
      <${Field} label=${t("quiet.why")}><textarea name="comment" required minlength="3" maxlength="1000" value=${words.comment} onInput=${set("comment")}></textarea><//>
      <${Problem} problem=${problem} />
      <div class="line"><button class=${`button ${words.kind === "freeze" ? "danger" : "primary"}`} type="submit" disabled=${busy} aria-busy=${busy}>${t("quiet.set")}</button><${Button} onClick=${onClose}>${t("ui.cancel")}<//></div>
    </form>
  <//>`;
}
