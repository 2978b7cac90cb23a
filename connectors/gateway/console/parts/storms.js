// Many rows that are one thing: incidents under one parent, or of one kind in one place, become one row.

const SMALLEST_STORM = 3;
const RANK = { critical: 0, warning: 1, info: 2 };

// `[{incident}]` and `[{storm: {key, by, incidents}}]`, what needs a person first, then the gravest, then the newest.
export function collapsed(incidents) {
  const parents = new Set(incidents.map((one) => one.parent_incident_id).filter(Boolean));
  const family = (one) => one.parent_incident_id || (parents.has(one.incident_id) ? one.incident_id : "");
  const families = grouped(incidents, family);
  const alone = incidents.filter((one) => !family(one));
  const kinds = grouped(alone, (one) => JSON.stringify([one.project_id, one.alert_type, one.namespace]));
  const rows = [
    ...storms(families, "parent", 2),
    ...storms(kinds, "kind", SMALLEST_STORM),
    ...singles(families, 2),
    ...singles(kinds, SMALLEST_STORM),
  ];
  return rows.sort((one, other) => before(face(one), face(other)));
}

// The incident that stands for a row: the one that matters most of it.
export function face(row) {
  return row.incident ?? row.storm.incidents[0];
}

function grouped(incidents, keyOf) {
  const groups = new Map();
  for (const one of incidents) {
    const key = keyOf(one);
    if (key) groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return groups;
}

function storms(groups, by, smallest) {
  return [...groups]
    .filter(([, incidents]) => incidents.length >= smallest)
    .map(([key, incidents]) => ({ storm: { key, by, incidents: [...incidents].sort(before) } }));
}

function singles(groups, smallest) {
  return [...groups.values()].filter((incidents) => incidents.length < smallest).flatMap((few) => few.map((incident) => ({ incident })));
}

function before(one, other) {
  return (
    Number(Boolean(other.waiting_approval)) - Number(Boolean(one.waiting_approval)) ||
    (RANK[one.severity] ?? 3) - (RANK[other.severity] ?? 3) ||
    String(other.opened_at ?? "").localeCompare(String(one.opened_at ?? "")) ||
    String(one.incident_id).localeCompare(String(other.incident_id))
  );
}
