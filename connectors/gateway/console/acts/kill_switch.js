// The kill switch, always in sight: whether anything may act, who stopped it and why, and stopping it.

import { post } from "../api.js";
import { t } from "../i18n.js";
import { useKey } from "../keyboard.js";
import { useQuery } from "../query.js";
import { hasRole, project, session } from "../session.js";
import { useStore } from "../store.js";
import { Ago, Badge, Button, Dialog, Field, Outside, Problem } from "../ui.js";
import { html, useEffect, useState } from "../view.js";

const LOOK_MS = 60_000; // beside what is told live
const EVERYWHERE = "";

export function KillSwitch() {
  const [open, setOpen] = useState(false);
  const asked = useQuery("/switches", { about: (event) => event.kind === "switch" });
  useKey("!", "kill.open", () => setOpen(true));
  useEffect(() => {
    const timer = setInterval(asked.refresh, LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  const chosen = useStore(project);
  const { tone, key } = summed(asked, chosen);
  return html`
    <button type="button" class=${`kill ${tone}`} aria-haspopup="dialog" onClick=${() => setOpen(true)} title=${t(`${key}.why`)}>
      <span class="lamp" aria-hidden="true"></span><span role="status">${t(key)}</span>
    </button>
    ${open && html`<${Switches} asked=${asked} onClose=${() => setOpen(false)} />`}
  `;
}

// In doubt it counts as engaged, as it does for whoever acts.
function summed({ data, problem }, chosen) {
  if (!data) return problem ? { tone: "bad", key: "kill.unknown" } : { tone: "", key: "kill.asking" };
  if (!data.fresh || problem) return { tone: "bad", key: "kill.unknown" };
  const { engaged, projects } = data.kill_switch;
  const stopped = projects.filter((one) => one.engaged && (!chosen || one.project === chosen));
  if (engaged) return { tone: "bad", key: "kill.engaged" };
  return stopped.length ? { tone: "warn", key: "kill.some" } : { tone: "good", key: "kill.lifted" };
}

function Switches({ asked, onClose }) {
  const [wish, setWish] = useState(null); // {project, engaged}
  const [name, setName] = useState("");
  const { data, problem } = asked;
  const mayEverywhere = session.get().projects === null;
  const done = () => {
    setWish(null);
    asked.refresh();
  };
  if (wish) return html`<${Throw} wish=${wish} onClose=${() => setWish(null)} onDone=${done} />`;
  const { projects = [], ...everywhere } = data?.kill_switch ?? {};
  return html`<${Dialog} title=${t("kill.title")} onClose=${onClose} wide>
    <p class="soft">${t("kill.about")}</p>
    <${Problem} problem=${problem} again stale=${Boolean(data)} />
    ${data && !data.fresh && html`<div class="notice bad" role="alert">${t("kill.unknown.why")}</div>`}
    ${data && html`<div class="switches">
      <${One} name="" one=${everywhere} may=${mayEverywhere} onThrow=${(engaged) => setWish({ project: EVERYWHERE, engaged })} />
      ${projects.map((one) => html`<${One} key=${one.project} name=${one.project} one=${one} may onThrow=${(engaged) => setWish({ project: one.project, engaged })} />`)}
    </div>`}
    ${mayEverywhere && hasRole("operator", "admin") && html`<form class="line" onSubmit=${(event) => { event.preventDefault(); if (name) setWish({ project: name, engaged: true }); }}>
      <${Field} label=${t("kill.other")}><input value=${name} pattern="[a-z0-9][a-z0-9._\\-]*" maxlength="63" spellcheck=${false} autocomplete="off" onInput=${(event) => setName(event.target.value)} /><//>
      <button class="button danger" type="submit" disabled=${!name}>${t("kill.engage")}</button>
    </form>`}
    ${data && html`<p class="soft">${t("kill.opted_in")} ${data.opted_in.length ? html`<${Outside} value=${data.opted_in.join(t("ui.comma"))} most=${400} />` : t("ui.none")}</p>
      <p class="soft">${t("kill.shadow")} ${data.shadow.length ? html`<${Outside} value=${data.shadow.join(t("ui.comma"))} most=${400} />` : t("ui.none")}</p>`}
  <//>`;
}

function One({ name, one, may, onThrow }) {
  return html`<section class="one-switch">
    <h3>${name ? html`<${Outside} value=${name} />` : t("kill.everywhere")}</h3>
    <${Badge} tone=${one.engaged ? "bad" : "good"}>${t(one.engaged ? "kill.state.engaged" : "kill.state.lifted")}<//>
    <p>${one.by && html`<strong><${Outside} value=${one.by} /></strong> <${Ago} at=${one.at} />`} ${one.why && html`<${Outside} value=${one.why} most=${300} />`}
      ${one.engaged && !one.by && html`<span class="soft"><${Outside} value=${one.says} /></span>`}</p>
    ${may && html`<span class="line">
      ${!one.engaged && hasRole("operator", "admin") && html`<${Button} kind="danger small" onClick=${() => onThrow(true)}>${t("kill.engage")}<//>`}
      ${one.engaged && hasRole("admin") && html`<${Button} kind="small" onClick=${() => onThrow(false)}>${t("kill.lift")}<//>`}
    </span>`}
  </section>`;
}

function Throw({ wish, onClose, onDone }) {
  const [reason, setReason] = useState("");
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const verb = wish.engaged ? "engage" : "lift";
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await post("/switches/kill", { ...wish, reason });
      onDone();
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
  };
  return html`<${Dialog} title=${t(`kill.${verb}.title`)} onClose=${onClose}>
    <p><strong>${wish.project ? html`<${Outside} value=${wish.project} />` : t("kill.everywhere")}</strong>: ${t(`kill.${verb}.why`)}</p>
    <form onSubmit=${submit}>
      <${Field} label=${t("kill.reason")} hint=${wish.engaged ? t("ui.optional") : ""}>
        <textarea name="reason" maxlength="1000" minlength=${wish.engaged ? null : 3} required=${!wish.engaged} value=${reason} onInput=${(event) => setReason(event.target.value)}></textarea>
      <//>
      <${Problem} problem=${problem} />
      <div class="line">
        <button class=${`button ${wish.engaged ? "danger" : "primary"}`} type="submit" disabled=${busy} aria-busy=${busy}>${t(`kill.${verb}`)}</button>
        <${Button} onClick=${onClose}>${t("ui.cancel")}<//>
      </div>
    </form>
  <//>`;
}
