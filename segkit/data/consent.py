"""Whether a customer may be contacted: one rule, wherever consent is read.

Only a customer whose every row says yes said yes. Rows that disagree mean no: a no must not be
outvoted by a yes in another row, and nobody can tell which of them is the last word. A customer
of whom no row says anything is unknown, which is not a yes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segkit.core.errors import SegkitError
from segkit.data.columns import quote

if TYPE_CHECKING:
    import pandas as pd
    from ibis import ir


def settle_consent(customers: ir.Table | pd.DataFrame, column: str) -> ir.Table:
    """Return the one answer of each customer, from all rows that there are.

    Parameters
    ----------
    customers : ibis.Table or pandas.DataFrame
        ``customer_id`` and ``column``; any number of rows a customer.
    column : str
        True, false or missing.

    Returns
    -------
    ibis.Table
        ``customer_id`` (text), ``consent`` (true, false or missing), ``disagrees`` (whether the
        customer's rows say different things); one row a customer.

    Raises
    ------
    SegkitError
        If the column is not yes or no.
    """
    import ibis
    import pandas as pd

    if isinstance(customers, pd.DataFrame):
        customers = ibis.memtable(_read_answers(customers, column))
    elif not customers[column].type().is_boolean():
        raise _explain_kind(column)
    said = customers.select(
        customer_id=customers["customer_id"].cast("string"), answer=customers[column]
    )
    summary = said.group_by("customer_id").aggregate(
        row_count=said.count(),
        yes_count=said["answer"].fill_null(False).sum(),
        answered_count=said["answer"].count(),
    )
    says_yes = summary["yes_count"] == summary["row_count"]
    says_nothing = summary["answered_count"] == 0
    says_no = (summary["answered_count"] == summary["row_count"]) & (summary["yes_count"] == 0)
    consent = ibis.cases((says_yes, True), (says_nothing, ibis.null("boolean")), else_=False)
    disagrees = ~(says_yes | says_nothing | says_no)
    return summary.select("customer_id", consent=consent, disagrees=disagrees)


def settle_repeated_rows(query: str, column: str) -> str:
    """Return the query of the checks' customers with each customer's one answer in ``column``.

    It is the rule of `settle_consent` in SQL, for the customers whose rows repeat a key; all their
    rows count, those that are rejected too. ``consent_differs`` tells where they disagree.
    """
    answer = quote(column)
    return f"""SELECT t.* REPLACE (
            CASE WHEN s.customer_id IS NULL THEN t.{answer} ELSE s.answer END AS {answer}),
            coalesce(s.disagrees, false) AS consent_differs
        FROM ({query}) AS t LEFT JOIN (
            SELECT customer_id,
                CASE WHEN count_if({answer}) = count(*) THEN true
                    WHEN count({answer}) = 0 THEN NULL ELSE false END AS answer,
                NOT (count_if({answer}) = count(*) OR count({answer}) = 0
                    OR (count({answer}) = count(*) AND count_if({answer}) = 0)) AS disagrees
            FROM typed_customers WHERE customer_id IN (
                SELECT typed_customers.customer_id FROM typed_customers
                JOIN repeats_customers ON typed_customers.source_row = repeats_customers.source_row)
            GROUP BY customer_id) AS s ON t.customer_id = s.customer_id"""


def _read_answers(customers: pd.DataFrame, column: str) -> pd.DataFrame:
    import pandas as pd

    try:
        answers = customers[column].astype("boolean")
    except (TypeError, ValueError):
        raise _explain_kind(column) from None
    ids = customers["customer_id"].astype("string")
    return pd.DataFrame({"customer_id": ids, column: answers})


def _explain_kind(column: str) -> SegkitError:
    message = f"the consent column '{column}' is not yes or no"
    fix = "Name a column of true and false under consent_column in the plan."
    return SegkitError(message, where="table customers", fix=fix)
