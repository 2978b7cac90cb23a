// The blast radius: who depends on whom, left to right, with each one's health and its share of the blame.

import { cut, percent } from "../format.js";
import { t, word } from "../i18n.js";
import { html } from "../view.js";

const WIDTH = 168;
const HEIGHT = 54;
const GAP_X = 64;
const GAP_Y = 18;
const MARGIN = 8;
const NAME_LENGTH = 20;
const MOST_NODES = 60;

export function Graph({ graph }) {
  const { nodes, edges, width, height, left } = laidOut(graph);
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
  const bar = (WIDTH - 20) * Math.min(Math.max(node.blame || 0, 0), 1);
  return html`<g class=${`node ${node.health} ${node.role}`} transform=${`translate(${node.x} ${node.y})`}>
    <title>${spoken(node)}</title>
    <rect class="box" width=${WIDTH} height=${HEIGHT} rx="7" />
    <text x="10" y="20" class="name">${cut(node.name, NAME_LENGTH)}</text>
    <text x="10" y="36" class="sub">${word("node", node.kind)} · ${word("health", node.health)}${node.blame > 0 ? ` · ${percent(node.blame)}` : ""}</text>
    ${node.blame > 0 && html`<rect class="blame" x="10" y="43" height="4" rx="2" width=${bar} />`}
  </g>`;
}

function spoken(node) {
  const blame = node.blame > 0 ? t("graph.blame", { share: percent(node.blame) }) : "";
  return [cut(node.name, 200), word("node", node.kind), word("health", node.health), word("node_role", node.role), blame].filter(Boolean).join(t("ui.comma"));
}

// Columns by distance from the target: who depends on it to the left, what it depends on to the right.
export function laidOut({ nodes: all = [], edges: links = [] }) {
  const nodes = all.slice(0, MOST_NODES);
  const columns = distances(nodes, links);
  const lowest = Math.min(0, ...columns.values());
  const rows = new Map();
  const placed = nodes.map((node) => {
    const column = columns.get(node.id) - lowest;
    const row = rows.get(column) ?? 0;
    rows.set(column, row + 1);
    return { ...node, column, row };
  });
  const tallest = Math.max(1, ...rows.values());
  for (const node of placed) {
    const offset = ((tallest - rows.get(node.column)) * (HEIGHT + GAP_Y)) / 2;
    node.x = MARGIN + node.column * (WIDTH + GAP_X);
    node.y = MARGIN + offset + node.row * (HEIGHT + GAP_Y);
  }
  const width = 2 * MARGIN + (Math.max(0, ...placed.map((node) => node.column)) + 1) * (WIDTH + GAP_X) - GAP_X;
  return { nodes: placed, edges: drawn(placed, links), width, height: 2 * MARGIN + tallest * (HEIGHT + GAP_Y) - GAP_Y, left: all.length - nodes.length };
}

function distances(nodes, links) {
  const found = new Map();
  const start = nodes.find((node) => node.role === "target") ?? nodes[0];
  if (!start) return found;
  found.set(start.id, 0);
  const waiting = [start.id];
  const reach = (id, column) => {
    if (found.has(id)) return;
    found.set(id, column);
    waiting.push(id);
  };
  while (waiting.length) {
    const id = waiting.shift();
    for (const { from, to } of links) {
      if (from === id) reach(to, found.get(id) + 1);
      if (to === id) reach(from, found.get(id) - 1);
    }
  }
  for (const node of nodes) if (!found.has(node.id)) found.set(node.id, 0); // nothing leads to it
  return found;
}

function drawn(nodes, links) {
  const at = new Map(nodes.map((node) => [node.id, node]));
  return links.filter(({ from, to }) => at.has(from) && at.has(to) && from !== to).map((link) => ({ ...link, path: curve(at.get(link.from), at.get(link.to)) }));
}

function curve(one, other) {
  const middle = HEIGHT / 2;
  if (one.column === other.column) {
    const [x, bend] = [one.x + WIDTH, one.x + WIDTH + GAP_X / 2];
    return `M${x} ${one.y + middle}C${bend} ${one.y + middle} ${bend} ${other.y + middle} ${x} ${other.y + middle}`;
  }
  const forward = one.column < other.column;
  const [x1, x2] = forward ? [one.x + WIDTH, other.x] : [one.x, other.x + WIDTH];
  const half = (x1 + x2) / 2;
  return `M${x1} ${one.y + middle}C${half} ${one.y + middle} ${half} ${other.y + middle} ${x2} ${other.y + middle}`;
}
