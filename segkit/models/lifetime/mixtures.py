"""Log-likelihoods of histories whose end has several causes: the sum of a few densities."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

Bends = Mapping[tuple[int, int], np.ndarray]


def sum_mixture(
    weights: np.ndarray, logs: np.ndarray, *, slopes: np.ndarray, bends: Bends
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the weighted log-likelihood, with its first and second derivatives.

    Parameters
    ----------
    weights : numpy.ndarray
        How often each history is there (histories).
    logs : numpy.ndarray
        Logarithm of each cause's density (histories, causes).
    slopes : numpy.ndarray
        Its first derivatives (parameters, histories, causes).
    bends : mapping
        Its second derivatives (histories, causes), or what that is by broadcasting; by the places
        of two parameters, the smaller first. What is left out is 0.
    """
    shares, totals = share_causes(logs)
    weighted = shares * weights[:, None]
    means = (slopes * shares).sum(axis=2)
    flat = slopes.reshape(len(slopes), -1)
    # The mean of second derivatives, and the covariance of the first.
    whole = (flat * weighted.ravel()) @ flat.T - (means * weights) @ means.T
    for (i, j), bend in bends.items():
        added = (weighted * bend).sum()
        whole[i, j] += added
        if i != j:
            whole[j, i] += added
    return float(weights @ totals), means @ weights, whole


def share_causes(logs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each cause's probability, and the logarithm of the sum of their densities."""
    highest = logs.max(axis=1, keepdims=True)
    densities = np.exp(logs - highest)
    sums = densities.sum(axis=1, keepdims=True)
    return densities / sums, (np.log(sums) + highest)[:, 0]
