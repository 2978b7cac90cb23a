// The latest that was heard, whatever page is open.

import { word } from "../i18n.js";
import { listen } from "../live.js";
import { href } from "../router.js";
import { session } from "../session.js";
import { store, useStore } from "../store.js";
import { Clock, Outside } from "../ui.js";
import { html } from "../view.js";

const MOST = 40;
const NOT_NEWS = new Set(["incident.hit"]); // a storm would push everything else out

const heard = store([]);

listen((event) => {
  if (!event.event_id || NOT_NEWS.has(event.type)) return;
  const others = heard.get().filter((other) => other.event_id !== event.event_id);
  heard.set([event, ...others].slice(0, MOST));
});

session.follow((now) => now || heard.set([])); // the next person in this tab may see less

export function Feed() {
  const events = useStore(heard);
  if (!events.length) return null;
  return html`<ol class="feed">
    ${events.map((event) => html`<li key=${event.event_id}><${Clock} at=${event.at} /><span>${told(event)}</span></li>`)}
  </ol>`;
}

function told(event) {
  const what = word("event", event.type);
  const more = event.action ?? event.summary?.headline ?? event.summary?.message ?? "";
  const who = event.summary?.agent ? word("agent", event.summary.agent) : "";
  const incident = event.incident_id;
  return html`
    ${incident ? html`<a href=${href("incidents", incident)}>${what}</a>` : what} ${who}
    ${more && html` <span class="soft"><${Outside} value=${more} most=${120} /></span>`}
    ${incident && html` <span class="id soft"><bdi>${incident}</bdi></span>`}
  `;
}
