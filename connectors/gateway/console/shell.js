// What stands around every page: where to go, whose projects, whether it is live, and the kill switch.

import { KillSwitch } from "./acts/kill_switch.js";
import { Sound } from "./acts/sound.js";
import { get } from "./api.js";
import { LANGUAGES, language, t, useLanguage } from "./i18n.js";
import { bound, letters, step, useKey } from "./keyboard.js";
import { connection } from "./live.js";
import { go, href } from "./router.js";
import { logOut, project, session } from "./session.js";
import { useStore } from "./store.js";
import { THEMES, theme } from "./theme.js";
import { Button, Choice, Dialog } from "./ui.js";
import { html, useEffect, useRef, useState } from "./view.js";

const PAGES = [
  ["", "w"],
  ["approvals", "a"],
  ["runs", "r"],
  ["trust", "t"],
  ["quiet", "q"],
  ["rejected", "x"],
  ["sql", "s"],
  ["keys", "k"],
];

const AFTER_PAGE_MS = 500; // what the page itself asks comes first

export function Shell({ page, children }) {
  const [help, setHelp] = useState(false);
  const main = useRef(null);
  useKey("?", "keys.help", () => setHelp(true));
  useKey("j", "keys.down", () => step(1));
  useKey("k", "keys.up", () => step(-1));
  for (const [name, letter] of PAGES) useKey(`g ${letter}`, `nav.${name || "war_room"}`, () => go(name));
  const toMain = (event) => {
    event.preventDefault(); // the address after # is the page's own
    main.current.focus();
  };
  return html`
    <a class="skip" href="#main" onClick=${toMain}>${t("nav.skip")}</a>
    <${Header} page=${page} onHelp=${() => setHelp(true)} />
    <${Connection} />
    <main id="main" ref=${main} tabindex="-1">${children}</main>
    ${help && html`<${Help} onClose=${() => setHelp(false)} />`}
  `;
}

function Header({ page, onHelp }) {
  useLanguage();
  const current = (name) => (name === page || (name === "" && page === "incidents") ? "page" : null);
  return html`<header class="top">
    <a class="brand" href="#/" aria-label=${t("nav.home")}><img src="icon.svg" alt="" width="26" height="26" /><span aria-hidden="true">AWOOOI</span></a>
    <nav aria-label=${t("nav.label")}>
      ${PAGES.map(([name]) => html`<a key=${name} href=${href(name)} aria-current=${current(name)}>${t(`nav.${name || "war_room"}`)}</a>`)}
    </nav>
    <div class="tools">
      <${KillSwitch} />
      <${Live} />
      <${Sound} />
      <${Projects} />
      <${Menu} onHelp=${onHelp} />
    </div>
  </header>`;
}

function Live() {
  const state = useStore(connection);
  return html`<span class=${`live ${state}`} role="status" title=${t(`live.${state}.why`)}>
    <span class="dot" aria-hidden="true"></span><span>${t(`live.${state}`)}</span>
  </span>`;
}

function Projects() {
  const mine = useStore(session);
  const chosen = useStore(project);
  const [known, setKnown] = useState(mine.projects ?? []);
  useEffect(() => {
    if (mine.projects) return undefined;
    const look = () =>
      get("/projects")
        .then(({ items }) => setKnown(items.map((item) => item.project_id)))
        .catch(() => {}); // then there is no choice
    const timer = setTimeout(look, AFTER_PAGE_MS);
    return () => clearTimeout(timer);
  }, []);
  const ids = [...new Set([...known, ...(chosen ? [chosen] : [])])];
  if (ids.length === 1) return html`<span class="project" title=${t("project.label")}><bdi>${ids[0]}</bdi></span>`;
  const options = [["", t("project.all")], ...ids.map((id) => [id, id])];
  return html`<${Choice} bare label=${t("project.label")} value=${chosen} options=${options} onChange=${(id) => project.set(id)} />`;
}

function Menu({ onHelp }) {
  const mine = useStore(session);
  const look = useStore(theme);
  const spoken = useLanguage();
  const box = useRef(null);
  useEffect(() => {
    const away = (event) => box.current?.contains(event.target) || box.current?.removeAttribute("open");
    const escape = (event) => event.key === "Escape" && box.current?.removeAttribute("open");
    addEventListener("pointerdown", away);
    addEventListener("keydown", escape);
    return () => {
      removeEventListener("pointerdown", away);
      removeEventListener("keydown", escape);
    };
  }, []);
  return html`<details class="menu" ref=${box}>
    <summary aria-label=${t("menu.label")}><bdi>${mine.person}</bdi></summary>
    <div>
      <p><strong><bdi>${mine.person}</bdi></strong><br /><small>${mine.roles.map((role) => t(`role.${role}`)).join(t("ui.comma"))}</small></p>
      <${Choice} label=${t("menu.language")} value=${spoken} options=${LANGUAGES.map((each) => [each, t(`language.${each}`)])} onChange=${(each) => language.set(each)} />
      <${Choice} label=${t("menu.theme")} value=${look} options=${THEMES.map((each) => [each, t(`theme.${each}`)])} onChange=${(each) => theme.set(each)} />
      <${Button} onClick=${onHelp}>${t("keys.help")} <kbd>?</kbd><//>
      <${Button} onClick=${() => logOut()}>${t("menu.log_out")}<//>
    </div>
  </details>`;
}

function Connection() {
  const state = useStore(connection);
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = state === "away" ? setTimeout(() => setLate(true), 1500) : setLate(false);
    return () => clearTimeout(timer);
  }, [state]);
  return late && state === "away" ? html`<div class="notice warn wide" role="alert">${t("live.away.why")}</div>` : null;
}

function Help({ onClose }) {
  const keys = [...useStore(bound)].sort((one, other) => one.key.length - other.key.length);
  const on = useStore(letters);
  return html`<${Dialog} title=${t("keys.help")} onClose=${onClose}>
    <dl class="keys">
      ${keys.map(({ key, label }) => html`<div key=${key}><dt>${key.split(" ").map((each) => html`<kbd>${each}</kbd>`)}</dt><dd>${t(label)}</dd></div>`)}
      <div><dt><kbd>Enter</kbd></dt><dd>${t("keys.enter")}</dd></div>
    </dl>
    <label class="check"><input type="checkbox" checked=${on !== "off"} onChange=${(event) => letters.set(event.target.checked ? "on" : "off")} /> ${t("keys.letters")}</label>
  <//>`;
}
