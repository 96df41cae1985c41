"""The model that tells languages apart, with probabilities: what py3langid does not document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from segkit.core.errors import SegkitError

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier


def load_identifier(languages: Sequence[str] = ()) -> LanguageIdentifier:
    """Return an identifier of its own, which answers with a language and its probability.

    Parameters
    ----------
    languages : sequence of str, optional
        Those that are told apart (ISO 639-1); all that the model knows if empty.

    Raises
    ------
    SegkitError
        If the model does not know one of them.
    """
    from py3langid import langid

    identifier = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
    unknown = sorted(set(languages) - set(identifier.labels))
    if unknown:
        raise SegkitError(
            "this language cannot be told",
            where="plan, [surveys.verbatims] languages",
            found=unknown[0],
            fix='Write codes of ISO 639-1, such as languages = ["en", "fi"].',
        )
    if languages:
        identifier.set_languages(sorted(set(languages)))
    return identifier
