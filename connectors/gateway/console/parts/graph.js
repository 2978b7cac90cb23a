// The blast radius: who depends on whom, from top to bottom, with each one's health and its share of the blame.

import { cut, percent } from "../format.js";
import { t, word } from "../i18n.js";
import { useMedia } from "../ui.js";
import { html } from "../view.js";

const WIDTH = 150;
const HEIGHT = 58;
const GAP_X = 16;
const GAP_Y = 34;
const MARGIN = 8;
const USUAL = { affected: -1, target: 0 };
const NAME_LENGTH = 16;
const ACROSS = 3; // on a phone 2
const MOST_NODES = 60;

export function Graph({ graph }) {
  const narrow = useMedia("(max-width: 640px)");
  const { nodes, edges, width, height, left } = laidOut(graph, narrow ? 2 : ACROSS);
  if (!nodes.length) return html`<p class="empty">${t("graph.none")}</p>`;
  return html`
    <div class="scroll" role="region" aria-label=${t("graph.label")} tabindex="0">
      <svg class="graph" viewBox=${`0 0 ${width} ${height}`} width=${width} height=${height} aria-hidden="true" focusable="false">
        <defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" /></marker></defs>
        ${edges.map((edge) => html`<path key=${`${edge.from} ${edge.to}`} class="edge" d=${edge.path} marker-end="url(#arrow)" />`)}
        ${nodes.map((node) => html`<${Node} key=${node.id} node=${node} />`)}
      </svg>
    </div>
    ${left > 0 && html`<p class="soft">${t("graph.left", { count: left })}</p>`}
    <ul class="unseen">${nodes.map((node) => html`<li key=${node.id}>${spoken(node)}</li>`)}</ul>
    <p class="soft legend">${t("graph.legend")}</p>
  `;
}

function Node({ node }) {
  const bar = (WIDTH - 58) * Math.min(Math.max(node.blame || 0, 0), 1);
  return html`<g class=${`node ${node.health} ${node.role}`} transform=${`translate(${node.x} ${node.y})`}>
    <title>${spoken(node)}</title>
    <rect class="box" width=${WIDTH} height=${HEIGHT} rx="7" />
    <text x="10" y="20" class="name">${cut(node.name, NAME_LENGTH)}</text>
    <text x="10" y="36" class="sub">${word("node", node.kind)} · ${word("health", node.health)}</text>
    ${node.blame > 0 && html`<rect class="blame" x="10" y="44" height="4" rx="2" width=${bar} /><text class="share" x=${WIDTH - 10} y="50">${percent(node.blame)}</text>`}
  </g>`;
}

function spoken(node) {
  const blame = node.blame > 0 ? t("graph.blame", { share: percent(node.blame) }) : "";
  return [cut(node.name, 200), word("node", node.kind), word("health", node.health), word("node_role", node.role), blame].filter(Boolean).join(t("ui.comma"));
}

// Layers by distance from the target: who depends on it above, what it depends on below.
export function laidOut({ nodes: all = [], edges: links = [] }, across = ACROSS) {
  const nodes = all.slice(0, MOST_NODES);
  const layers = layered(nodes, distances(nodes, links), across);
  const width = 2 * MARGIN + Math.max(1, ...layers.map((layer) => layer.length)) * (WIDTH + GAP_X) - GAP_X;
  const placed = layers.flatMap((layer, at) => {
    const offset = (width - layer.length * (WIDTH + GAP_X) + GAP_X) / 2;
    return layer.map((node, place) => ({ ...node, x: offset + place * (WIDTH + GAP_X), y: MARGIN + at * (HEIGHT + GAP_Y) }));
  });
  const height = 2 * MARGIN + layers.length * (HEIGHT + GAP_Y) - GAP_Y;
  return { nodes: placed, edges: drawn(placed, links), width, height, left: all.length - nodes.length };
}

// One layer a distance; what is too wide for one stands in several.
function layered(nodes, distance, across) {
  const layers = [];
  for (const far of [...new Set(distance.values())].sort((one, other) => one - other)) {
    const same = nodes.filter((node) => distance.get(node.id) === far);
    for (let at = 0; at < same.length; at += across) layers.push(same.slice(at, at + across));
  }
  return layers;
}

function distances(nodes, links) {
  const found = new Map();
  const start = nodes.find((node) => node.role === "target") ?? nodes[0];
  if (!start) return found;
  found.set(start.id, 0);
  const waiting = [start.id];
  const reach = (id, far) => {
    if (found.has(id)) return;
    found.set(id, far);
    waiting.push(id);
  };
  while (waiting.length) {
    const id = waiting.shift();
    for (const { from, to } of links) {
      if (from === id) reach(to, found.get(id) + 1);
      if (to === id) reach(from, found.get(id) - 1);
    }
  }
  for (const node of nodes) if (!found.has(node.id)) found.set(node.id, USUAL[node.role] ?? 1); // no way to it is known
  return found;
}

function drawn(nodes, links) {
  const at = new Map(nodes.map((node) => [node.id, node]));
  return links.filter(({ from, to }) => at.has(from) && at.has(to) && from !== to).map((link) => ({ ...link, path: curve(at.get(link.from), at.get(link.to)) }));
}

function curve(one, other) {
  const [x1, x2] = [one.x + WIDTH / 2, other.x + WIDTH / 2];
  if (one.y === other.y) {
    const below = one.y + HEIGHT + GAP_Y * 0.7;
    return `M${x1} ${one.y + HEIGHT}C${x1} ${below} ${x2} ${below} ${x2} ${one.y + HEIGHT}`;
  }
  const down = one.y < other.y;
  const [y1, y2] = down ? [one.y + HEIGHT, other.y] : [one.y, other.y + HEIGHT];
  const half = (y1 + y2) / 2;
  return `M${x1} ${y1}C${x1} ${half} ${x2} ${half} ${x2} ${y2}`;
}
