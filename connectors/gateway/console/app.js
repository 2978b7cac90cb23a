// The console begins here: which page stands at which address, and who may see it.

import "./theme.js";
import { ApprovalPage, Approvals } from "./pages/approvals.js";
import { IncidentPage } from "./pages/incident.js";
import { LogIn } from "./pages/log_in.js";
import { RunPage } from "./pages/run.js";
import { Runs } from "./pages/runs.js";
import { WarRoom } from "./pages/war_room.js";
import { Keys } from "./acts/keys.js";
import { Quiet } from "./acts/quiet.js";
import { Rejected } from "./acts/rejected.js";
import { SqlBox } from "./acts/sql_box.js";
import { Trust } from "./acts/trust.js";
import { t, useLanguage } from "./i18n.js";
import { knock } from "./knock.js";
import { place } from "./router.js";
import { session, token } from "./session.js";
import { Shell } from "./shell.js";
import { useStore } from "./store.js";
import { html, render, useEffect } from "./view.js";

const LISTS = { "": WarRoom, incidents: WarRoom, runs: Runs, approvals: Approvals, trust: Trust, quiet: Quiet, rejected: Rejected, sql: SqlBox, keys: Keys };
const THINGS = { incidents: IncidentPage, runs: RunPage, approvals: ApprovalPage };

function Console() {
  useLanguage();
  const mine = useStore(session);
  const presented = useStore(token);
  const here = useStore(place);
  useEffect(() => void knock(), [presented]);
  if (!mine) return html`<${LogIn} />`;
  const Page = (here.id ? THINGS[here.page] : LISTS[here.page]) ?? NoPage;
  return html`<${Shell} page=${here.page}><${Page} key=${`${here.page}/${here.id}`} id=${here.id} query=${here.query} /><//>`;
}

function NoPage() {
  return html`<section class="panel"><h1>${t("page.none")}</h1><p><a href="#/">${t("page.back")}</a></p></section>`;
}

render(html`<${Console} />`, document.getElementById("console"));
