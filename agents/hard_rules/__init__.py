"""What is never run, whoever proposes it: read `rules.py` first."""

from agents.hard_rules.hits import Hit, Rule
from agents.hard_rules.rules import Verdict, judge

__all__ = ["Hit", "Rule", "Verdict", "judge"]
