"""Revisions of the policy and of playbooks, and how many decisions went by each."""

# ruff: noqa: S608 (our own text; every value is a parameter)

from __future__ import annotations


def contracts_sql(whose: str) -> str:
    """Newest first. `whose` bounds the decisions that are counted: the contracts are everybody's.

    An outcome names its policy by hash. A decision names its playbook, and goes by the revision before it.
    """
    return f"""
SELECT toString(said.revision) AS revision, said.contract_id AS contract_id, said.project_id AS project_id,
       said.family AS family, said.number AS number, said.hash AS hash, said.life_cycle AS life_cycle,
       said.actor AS actor, said.recorded_at AS recorded_at,
       if(said.family = 'policy', ruled.decisions, advised.decisions) AS decisions
FROM v_contracts AS said
LEFT JOIN
(
    SELECT policy_hash AS hash, uniqExact(project_id, run_id) AS decisions
    FROM outcomes WHERE {whose} GROUP BY policy_hash
) AS ruled ON ruled.hash = said.hash
LEFT JOIN
(
    SELECT book.revision AS revision, uniqExact(made.project_id, made.run_id) AS decisions
    FROM (SELECT project_id, run_id, toString(playbook) AS name, recorded_at
          FROM decisions WHERE playbook != '' AND {whose}) AS made
    ASOF JOIN (SELECT event_id AS revision, toString(name) AS name, recorded_at FROM v_playbooks) AS book
        ON made.name = book.name AND made.recorded_at >= book.recorded_at
    GROUP BY book.revision
) AS advised ON advised.revision = said.revision
"""
