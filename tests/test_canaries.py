"""Canaries: what segkit relies on in other libraries beyond what these promise.

A failure here means that a library has changed something that it never promised, and names what to
do. All such places are in `segkit.models.sklearn_internals` and
`segkit.workflow.kernels.jupyter_internals`.
"""

from __future__ import annotations

import importlib.metadata
import inspect

import numpy as np
import pytest

from segkit.models import sklearn_internals
from segkit.models.trees import grow_tree, predict_pruned
from segkit.workflow.kernels import jupyter_internals
from segkit.workflow.kernels.manager import Client


def explain(library: str, worked: str, changed: str, remedy: str) -> str:
    """Say what a library has changed, since which version, and what to do."""
    now = importlib.metadata.version(library)
    return (
        f"{library} {now} {changed}; this held with {library} {worked}. {remedy} Until then, cap "
        f"{library} below {now} in pyproject.toml and lock again."
    )


def test_scikit_learn_still_checks_weights_as_its_own_estimators_do():
    told = explain(
        "scikit-learn",
        "1.9.1",
        "has no sklearn.utils.validation._check_sample_weight that checks weights as before",
        "Find what KMeans.fit calls, and call it in sklearn_internals.check_sample_weight.",
    )
    rows = np.zeros((3, 1))
    try:
        weights = sklearn_internals.check_sample_weight([1, 2, 3], rows)
        uniform = sklearn_internals.check_sample_weight(None, rows)
    except (AttributeError, TypeError) as error:
        pytest.fail(f"{told} ({error})")
    assert weights.dtype == np.float64, told
    assert weights.tolist() == [1.0, 2.0, 3.0], told
    assert uniform.tolist() == [1.0, 1.0, 1.0], told
    for wrong in ([1, 2], [1, -2, 3], [1, np.nan, 3]):
        with pytest.raises(ValueError):
            sklearn_internals.check_sample_weight(wrong, rows)


@pytest.mark.parametrize("leaf_count", range(2, 9))
def test_a_tree_s_first_splits_are_still_the_smaller_tree(leaf_count):
    told = explain(
        "scikit-learn",
        "1.9.1",
        "orders the nodes of a tree with max_leaf_nodes otherwise than split after split",
        "Let trees.predict_pruned grow one tree for each number of leaves, which is slower, and "
        "take sklearn_internals.find_last_node out.",
    )
    rng = np.random.default_rng(leaf_count)
    matrix = rng.normal(size=(400, 5)).round(1).astype(np.float32)
    classes = (matrix[:, 0] > 0.3).astype(int) + 2 * (matrix[:, 1] * matrix[:, 2] > 0)
    large = grow_tree(matrix, classes, most_leaves=12, smallest_leaf=5)
    small = grow_tree(matrix, classes, most_leaves=leaf_count, smallest_leaf=5)
    last = sklearn_internals.find_last_node(large, leaf_count)
    assert last + 1 == small.tree_.node_count, told
    children = np.column_stack([large.tree_.children_left, large.tree_.children_right])
    for left, right in children[children[:, 0] >= 0]:
        assert right == left + 1, told
    assert (large.tree_.feature[: last + 1] >= small.tree_.feature).all(), told
    pruned = predict_pruned(large, matrix, [leaf_count])[:, 0]
    assert (pruned == small.predict(matrix)).all(), told


def test_a_client_still_takes_over_what_a_kernel_says_of_itself():
    told = explain(
        "jupyter_client",
        "8.10.0",
        "has no KernelClient._handle_kernel_info_reply that adapts the protocol",
        "See what its wait_for_ready does with the reply, and do it in "
        "jupyter_internals.accept_kernel_info.",
    )
    client = Client()
    reply = {"content": {"protocol_version": "4.1", "status": "ok"}}
    try:
        jupyter_internals.accept_kernel_info(client, reply)
    except AttributeError as error:
        pytest.fail(f"{told} ({error})")
    assert client.session.adapt_version == 4, told
    source = inspect.getsource(type(client).__mro__[1].wait_for_ready)
    parent = inspect.getsource(type(client).__mro__[1]._async_wait_for_ready)
    assert "_handle_kernel_info_reply" in source + parent, told


def test_a_notebook_s_client_still_ends_a_kernel_that_it_was_given():
    from nbclient import NotebookClient

    told = explain(
        "nbclient",
        "0.11.0",
        "does not read NotebookClient.owns_km any more",
        "Shut the kernel down in kernels/notebook.execute_notebook, in a finally, and take "
        "jupyter_internals.take_over_kernel out.",
    )
    client = NotebookClient({"cells": []}, km=object())
    assert client.owns_km is False, told
    jupyter_internals.take_over_kernel(client)
    assert client.owns_km is True, told
    assert "owns_km" in inspect.getsource(NotebookClient.async_setup_kernel), told


def test_an_interrupted_notebook_still_leaves_signals_and_its_end_to_us():
    from nbclient import NotebookClient

    told = explain(
        "nbclient",
        "0.11.0",
        "takes signals or registers its cleanup in another way",
        "Look at NotebookClient.async_setup_kernel, and mend kernels/loop.Loop and "
        "jupyter_internals.forget_cleanup.",
    )
    source = inspect.getsource(NotebookClient.async_setup_kernel)
    assert "loop.add_signal_handler" in source, told
    assert "except RuntimeError" in source, told
    assert "atexit.register(self._cleanup_kernel)" in source, told
    jupyter_internals.forget_cleanup(NotebookClient({"cells": []}, km=object()))


def test_a_kernel_still_watches_the_parent_that_it_is_told():
    from ipykernel.kernelapp import IPKernelApp

    told = explain(
        "ipykernel",
        "7.4.0",
        "does not poll IPKernelApp.parent_handle any more",
        "Find how it learns of its parent's end, and write it in jupyter_internals.name_parent: "
        "else kernels outlive a run that is killed (tests/test_kernels.py shows it).",
    )
    option = jupyter_internals.name_parent(4321)
    assert option.startswith("--IPKernelApp.parent_handle="), told
    app = IPKernelApp()
    app.parse_command_line([option])
    assert app.parent_handle == 4321, told
    assert "parent_handle" in inspect.getsource(IPKernelApp.init_poller), told
