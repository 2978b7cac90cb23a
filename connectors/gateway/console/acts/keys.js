// One's own keys: one that this browser makes or takes in and never gives out, and how the registry sees them.

import { post } from "../api.js";
import { t, word } from "../i18n.js";
import { session } from "../session.js";
import { useStore } from "../store.js";
import { Ago, Badge, Button, Field, Outside, Panel, Problem, Table } from "../ui.js";
import { html, useState } from "../view.js";
import { forget, keep } from "./key_store.js";
import { look, registered, signer, useSigner } from "./signer.js";
import { importKey, makeKey } from "./signing.js";

const TONES = { in_force: "good", unconfirmed: "warn", revoked: "bad", disputed: "bad" };
const LARGEST_FILE = 64 * 1024;
const MOST_LOOKS = 20;
const LOOK_MS = 300;

export function Keys() {
  const { known, hand, problem: unasked } = useSigner();
  const [problem, setProblem] = useState(null);
  const [unsigned, setUnsigned] = useState("");
  const [busy, setBusy] = useState(false);

  const doing = (work) => async () => {
    setBusy(true);
    setProblem(null);
    setUnsigned("");
    try {
      await work();
      await look();
    } catch (error) {
      if (error.name === "Problem") setProblem(error);
      else if (error.name === "Unsigned") setUnsigned(error.why);
      else throw error;
    } finally {
      setBusy(false);
    }
  };
  const { person } = useStore(session);
  const act = {
    make: doing(async () => keep(person, await makeKey())),
    take: (text) => doing(async () => keep(person, await importKey(text)))(),
    enroll: doing(() => enroll(hand)),
    forget: doing(() => forget(person)),
  };
  const key = registered(known, hand);
  return html`<div class="stack">
    <${Panel} id="here" title=${t("own_keys.here")}>
      <p class="soft">${t("own_keys.about")}</p>
      <${Problem} problem=${problem} />
      ${unsigned && html`<div class="notice bad" role="alert">${t(`sign.cannot.${unsigned}`)}</div>`}
      ${!globalThis.crypto?.subtle && html`<div class="notice bad" role="alert">${t("sign.cannot.insecure")}</div>`}
      ${hand ? html`<${Here} hand=${hand} known=${known} entry=${key} busy=${busy} act=${act} />` : html`<${NoneHere} busy=${busy} act=${act} />`}
    <//>
    <${Panel} id="registered" title=${t("own_keys.registered")}>
      <${Problem} problem=${unasked} again stale=${Boolean(known)} />
      ${known && html`<p class="soft">${known.roles.length ? t("own_keys.roles", { roles: known.roles.map((role) => word("signer_role", role)).join(t("ui.comma")) }) : t("own_keys.no_roles")}</p>`}
      ${known?.keys.length > 0 && html`<${Table} label=${t("own_keys.registered")} rows=${known.keys} id=${(row) => row.kid} columns=${columns(hand)} />`}
    <//>
  </div>`;
}

// The gateway follows the registry: what was just written is there a moment later.
async function enroll(hand) {
  await post("/keys", hand.jwk);
  for (let tries = 0; tries < MOST_LOOKS; tries += 1) {
    await look();
    if (registered(signer.get(), hand)) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

function columns(hand) {
  return [
    { key: "kid", label: t("own_keys.kid"), cell: (row) => html`<code><${Outside} value=${row.kid} /></code> ${row.thumbprint === hand?.thumbprint && html`<${Badge}>${t("own_keys.this_browser")}<//>`}` },
    { key: "algorithm", label: t("own_keys.algorithm") },
    { key: "state", label: t("own_keys.state"), cell: (row) => html`<${Badge} tone=${TONES[row.state]}>${word("key_state", row.state)}<//>` },
    { key: "enrolled", label: t("own_keys.enrolled"), cell: (row) => html`<${Ago} at=${row.enrolled} />` },
  ];
}

function Here({ hand, known, entry, busy, act }) {
  const state = entry?.state;
  return html`
    <p class="line"><code class="id">${hand.kid}</code><span class="soft">${hand.algorithm}</span>
      <${Badge} tone=${TONES[state] ?? "warn"}>${state ? word("key_state", state) : t("own_keys.unknown")}<//></p>
    ${known && !state && html`<p>${t("own_keys.to_enroll")}</p><${Button} kind="primary" busy=${busy} onClick=${act.enroll}>${t("own_keys.enroll")}<//>`}
    ${state === "unconfirmed" && html`<p>${t("own_keys.to_confirm")}</p><pre data-command>awoooi keys confirm ${entry.kid}</pre>`}
    <p><${Button} kind="small" busy=${busy} onClick=${act.forget}>${t("own_keys.forget")}<//> <small>${t("own_keys.forget.why")}</small></p>
  `;
}

function NoneHere({ busy, act }) {
  const [text, setText] = useState("");
  const chosen = async (event) => {
    const [file] = event.target.files;
    if (file && file.size <= LARGEST_FILE) act.take(await file.text());
  };
  const submit = (event) => {
    event.preventDefault();
    setText("");
    act.take(text);
  };
  return html`<div class="two">
    <section><h3>${t("own_keys.make")}</h3><p class="soft">${t("own_keys.make.why")}</p>
      <${Button} kind="primary" busy=${busy} onClick=${act.make}>${t("own_keys.make.do")}<//></section>
    <section><h3>${t("own_keys.import")}</h3><p class="soft">${t("own_keys.import.why")}</p>
      <form onSubmit=${submit}>
        <${Field} label=${t("own_keys.file")}><input type="file" accept=".key,.pem,.jwk,.json" onChange=${chosen} /><//>
        <${Field} label=${t("own_keys.text")}><textarea value=${text} spellcheck=${false} autocomplete="off" onInput=${(event) => setText(event.target.value)}></textarea><//>
        <div><button class="button" type="submit" disabled=${busy || !text.trim()}>${t("own_keys.import.do")}</button></div>
      </form></section>
  </div>`;
}
