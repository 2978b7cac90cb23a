// What a person does about an incident: each act is an event in their name.

import { post } from "../api.js";
import { t } from "../i18n.js";
import { useKey } from "../keyboard.js";
import { hasRole } from "../session.js";
import { Button, Dialog, Field, Problem } from "../ui.js";
import { html, useState } from "../view.js";

const ANYBODY = ["operator", "approver", "admin"];
const OPERATORS = ["operator", "admin"];
const ACTS = {
  acknowledge: { roles: ANYBODY, key: "a", fields: { note: 2000 } },
  assign: { roles: OPERATORS, key: "s", fields: { assignee: 0, note: 2000 } },
  comment: { roles: ANYBODY, key: "c", closed: true, fields: { text: 4000 }, needs: ["text"] },
  judge: { roles: ANYBODY, closed: true, fields: { verdict: ["right", "wrong"], cause: 1000, service: 0 } },
  rerun: { roles: OPERATORS, fields: { note: 2000 } },
  cancel: { roles: OPERATORS, kind: "danger", fields: { reason: 1000 } },
  silence: { roles: OPERATORS, fields: { duration: ["30m", "2h", "8h", "1d", "7d"], comment: 1000 }, needs: ["comment"] },
  close: { roles: OPERATORS, kind: "danger", fields: { reason: 1000 } },
};
const CLOSED = ["RESOLVED", "EXPIRED"];

export function IncidentActs({ incident, onDone }) {
  const [act, setAct] = useState("");
  const [done, setDone] = useState("");
  const mine = Object.entries(ACTS).filter(([, { roles, closed }]) => hasRole(...roles) && (closed || !CLOSED.includes(incident.status)));
  const open = (name) => mine.some(([each]) => each === name) && setAct(name);
  for (const [name, { key }] of Object.entries(ACTS)) if (key) useKey(key, `act.${name}`, () => open(name));
  if (!mine.length) return null;
  const recorded = () => {
    setDone(act);
    setAct("");
    onDone();
  };
  return html`<div class="acts" role="group" aria-label=${t("act.label")}>
    ${mine.map(([name]) => html`<${Button} key=${name} kind="small" onClick=${() => setAct(name)}>${t(`act.${name}`)}<//>`)}
    <span role="status" class="soft">${done && t("act.done", { act: t(`act.${done}`) })}</span>
    ${act && html`<${Form} act=${act} incident=${incident} onClose=${() => setAct("")} onDone=${recorded} />`}
  </div>`;
}

function Form({ act, incident, onClose, onDone }) {
  const { fields, kind, needs = [] } = ACTS[act];
  const [words, setWords] = useState(() => Object.fromEntries(Object.entries(fields).map(([name, shape]) => [name, Array.isArray(shape) ? shape[0] : ""])));
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const [key] = useState(fresh); // sent again, it is the same event
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await post(`/incidents/${encodeURIComponent(incident.incident_id)}/${act}`, words, { headers: { "Idempotency-Key": key } });
      onDone();
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
  };
  return html`<${Dialog} title=${t(`act.${act}`)} onClose=${onClose}>
    <p class="soft">${t(`act.${act}.why`)}</p>
    <form onSubmit=${submit}>
      ${Object.entries(fields).map(([name, shape]) => html`<${Input} key=${name} name=${name} shape=${shape} required=${needs.includes(name)} value=${words[name]} onInput=${(value) => setWords({ ...words, [name]: value })} />`)}
      <${Problem} problem=${problem} />
      <div class="line"><button class=${`button ${kind ?? "primary"}`} type="submit" disabled=${busy} aria-busy=${busy}>${t(`act.${act}`)}</button><${Button} onClick=${onClose}>${t("ui.cancel")}<//></div>
    </form>
  <//>`;
}

function Input({ name, shape, value, required, onInput }) {
  const changed = (event) => onInput(event.target.value);
  if (Array.isArray(shape)) {
    return html`<${Field} label=${t(`act.field.${name}`)}><select value=${value} onChange=${changed}>${shape.map((each) => html`<option key=${each} value=${each}>${t(`act.${name}.${each}`)}</option>`)}</select><//>`;
  }
  const hint = required ? "" : t("ui.optional");
  const input = shape ? html`<textarea maxlength=${shape} value=${value} required=${required} onInput=${changed}></textarea>` : html`<input value=${value} maxlength="253" spellcheck=${false} autocomplete="off" onInput=${changed} />`;
  return html`<${Field} label=${t(`act.field.${name}`)} hint=${hint}>${input}<//>`;
}

function fresh() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
