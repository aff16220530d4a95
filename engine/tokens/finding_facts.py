"""Findings about tokens with their counts, their words, and the changes of the run file that mend them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.token_facts import TokenFinding, TokenFix
from engine.tokens.findings import RULES
from engine.tokens.measure import Measures, Outcome
from engine.tokens.prepare import Laid

Int64 = npt.NDArray[np.int64]
EXAMPLES = 20
MOST_ROWS_IN_A_FIX = 2000
"""Rows that a run file is asked to leave out by number; more of them are no list that a person reads."""
_TOO_LONG = ("cut", "answer_cut", "eos_cut", "dropped", "split")
_LEFT_OUT_BY_ROW = ("special_in_text", "role_order", "unknown_token", "template_refused", "no_trained_token")


def finding_facts(measures: Measures, outcome: Outcome) -> list[TokenFinding]:
    """What was found in the rows of an outcome; what keeps a row out of training comes first, then by the number of rows."""
    out = []
    for rule, words in RULES.items():
        rows = outcome.having(rule)
        if len(rows):
            out.append(
                TokenFinding(
                    rule=rule,
                    title=words.title,
                    rows=len(rows),
                    examples=(rows[:EXAMPLES] + 1).tolist(),
                    severity=words.severity,
                    why=_why(measures, rule, rows),
                    cure=_cure(measures.laid, rule),
                    fixes=fixes(measures, outcome, rule, rows),
                )
            )
    rank = {"error": 0, "warning": 1, "note": 2}
    return sorted(out, key=lambda finding: (rank[finding.severity], -finding.rows))


def _why(measures: Measures, rule: str, rows: Int64) -> str:
    """What the finding does to the model; of rows that are refused also what the first refusal says."""
    words = RULES[rule].why
    problem = measures.problems.get(int(rows[0]), "") if rule == "template_refused" else ""
    return f"{words} The first: {problem}" if problem else words


def _cure(laid: Laid, rule: str) -> str:
    """What can be done; a model that holds no more says so."""
    words, context = RULES[rule].cure, laid.path.context
    if rule in _TOO_LONG and context is not None and laid.path.max_length >= context:
        return f"max_length is at the {context:,} tokens that this model holds. Leave long rows out, or choose another model."
    return words


def fixes(measures: Measures, outcome: Outcome, rule: str, rows: Int64) -> list[TokenFix]:
    """Changes of the run file after which the rule finds less, the gentlest first."""
    laid = measures.laid
    tokens = laid.path.run.tokens
    found: list[TokenFix] = []
    if rule in _TOO_LONG or (rule == "no_trained_token" and _cut_away(outcome, rows)):
        found += _lengths(laid, outcome)
        if tokens.truncation != "drop" and rule != "no_trained_token":
            found += _dropping(measures, outcome)
        if tokens.truncation != "split" and rule in ("cut", "dropped"):
            found.append(TokenFix(says="split long rows", changes={"tokens.truncation": "split"}))
    if rule == "template_refused" and tokens.refused_rows == "error" and len(rows) < len(outcome.rows):
        found.append(TokenFix(says="skip and count them", changes={"tokens.refused_rows": "skip"}))
    if rule in _LEFT_OUT_BY_ROW and rule != "no_trained_token":
        found += _without_rows(laid, rows)
    return found


def _dropping(measures: Measures, outcome: Outcome) -> list[TokenFix]:
    """Leaving long rows out, with what that costs; not where nothing would be left."""
    dropped = measures.of(outcome.rows, measures.laid.path.max_length, "drop")
    if not len(dropped.sequence_rows):
        return []
    share = 100 * dropped.lost / max(1, int(outcome.lengths.sum()))
    return [TokenFix(says=f"leave long rows out ({share:.1f} % of the tokens)", changes={"tokens.truncation": "drop"})]


def _cut_away(outcome: Outcome, rows: Int64) -> bool:
    """Whether some of these rows were cut."""
    return bool(np.isin(rows, outcome.having("cut")).any())


def _lengths(laid: Laid, outcome: Outcome) -> list[TokenFix]:
    """A max_length that nearly all rows fit into, and one that all do; neither beyond what the model can see."""
    now, context = laid.path.max_length, laid.path.context
    most = int(outcome.lengths.max())
    wanted = dict.fromkeys(_rounded(size, most) for size in (int(np.percentile(outcome.lengths, 99)), most))
    fitting = [size for size in wanted if size > now and (context is None or size <= context)]
    if not fitting and context is not None and context > now:
        fitting = [context]
    return [TokenFix(says=f"max_length {size:,}", changes={"tokens.max_length": size}) for size in fitting]


def _rounded(size: int, most: int) -> int:
    """Up to the next multiple of 64, and never beyond what the longest row needs by more than that."""
    return min(-(-size // 64), -(-most // 64)) * 64


def _without_rows(laid: Laid, rows: Int64) -> list[TokenFix]:
    """Leave the rows out by their numbers, in the tables of their sources.

    Only where each has a number of its own: a conversation that is spread over rows has none, nor has a held-out file. And only
    where each source keeps a row.
    """
    if len(rows) > MOST_ROWS_IN_A_FIX:
        return []
    numbers: dict[int, set[int]] = {}
    for row in rows.tolist():
        item = laid.sources[laid.owners[row]].source
        number = item.row_number(laid.rows[row][1])
        if number is None or item.held_out is not None:
            return []
        numbers.setdefault(laid.owners[row], set()).add(number)
    changes: dict[str, object] = {}
    for source, some in numbers.items():
        item = laid.sources[source].source
        if len(some) >= len(item.conversations):
            return []
        changes[f"data[{source}].exclude.rows"] = sorted({*item.section.exclude.rows, *some})
        changes[f"data[{source}].exclude.sha256"] = item.sha256[:16]
    what = "it" if len(rows) == 1 else f"these {len(rows):,} rows"
    return [TokenFix(says=f"leave {what} out", changes=changes)]
