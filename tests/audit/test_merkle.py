"""The laws of RFC 9162, held against the recursive definitions of the RFC written out here."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medclf.audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_holds,
    consistency_proof,
    inclusion_holds,
    inclusion_proof,
    leaf_hash,
)

bodies = st.lists(st.binary(max_size=4), max_size=70)


def mth(entries):
    """Section 2.1.1."""
    if not entries:
        return hashlib.sha256().digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = split(len(entries))
    return hashlib.sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def path(m, entries):
    """Section 2.1.3.1."""
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if m < k:
        return [*path(m, entries[:k]), mth(entries[k:])]
    return [*path(m - k, entries[k:]), mth(entries[:k])]


def subproof(m, entries, whole):
    """Section 2.1.4.1."""
    if m == len(entries):
        return [] if whole else [mth(entries)]
    k = split(len(entries))
    if m <= k:
        return [*subproof(m, entries[:k], whole), mth(entries[k:])]
    return [*subproof(m - k, entries[k:], False), mth(entries[:k])]


def frontier_of(entries):
    return Frontier().extend(leaf_hash(entry) for entry in entries)


def root_of(entries):
    return lambda start, stop: mth(entries[start:stop])


@given(bodies)
def test_the_frontier_has_the_root_of_the_definition(entries):
    assert frontier_of(entries).root == mth(entries)


def test_an_empty_tree_has_the_hash_of_nothing():
    assert Frontier().root == EMPTY_ROOT == hashlib.sha256(b"").digest()


@given(bodies, st.data())
def test_two_events_in_another_order_have_another_root(entries, data):
    pairs = [(i, j) for i in range(len(entries)) for j in range(i) if entries[i] != entries[j]]
    if not pairs:
        return
    i, j = data.draw(st.sampled_from(pairs))
    swapped = list(entries)
    swapped[i], swapped[j] = swapped[j], swapped[i]

    assert frontier_of(swapped).root != frontier_of(entries).root


@given(bodies.filter(bool), st.data())
def test_an_inclusion_proof_is_the_rfcs_and_holds(entries, data):
    index = data.draw(st.integers(0, len(entries) - 1))

    proof = inclusion_proof(index, len(entries), root_of(entries))

    assert proof == path(index, entries)
    assert inclusion_holds(
        leaf_hash(entries[index]), index=index, size=len(entries), proof=proof, root=mth(entries)
    )


@given(bodies.filter(bool), st.data())
def test_an_inclusion_proof_holds_for_nothing_else(entries, data):
    index = data.draw(st.integers(0, len(entries) - 1))
    proof = inclusion_proof(index, len(entries), root_of(entries))
    right = {
        "leaf": leaf_hash(entries[index]),
        "index": index,
        "size": len(entries),
        "proof": proof,
        "root": mth(entries),
    }
    wrong = [
        {"leaf": leaf_hash(entries[index] + b"x")},
        {"index": -1},
        {"index": len(entries)},
        {"proof": [*proof, EMPTY_ROOT]},
        {"root": EMPTY_ROOT},
    ]
    if proof:
        wrong += [{"proof": proof[:-1]}, {"proof": [EMPTY_ROOT, *proof[1:]]}]

    for change in wrong:
        asked = {**right, **change}
        assert not inclusion_holds(asked.pop("leaf"), **asked)


@given(bodies, st.data())
def test_a_consistency_proof_is_the_rfcs_and_holds(entries, data):
    old = data.draw(st.integers(0, len(entries)))

    proof = consistency_proof(old, len(entries), root_of(entries))

    assert proof == (subproof(old, entries, True) if old else [])
    assert consistency_holds(
        old=old,
        new=len(entries),
        old_root=mth(entries[:old]),
        new_root=mth(entries),
        proof=proof,
    )


@given(bodies.filter(bool), st.data())
def test_a_rewritten_beginning_is_not_consistent(entries, data):
    old = data.draw(st.integers(1, len(entries)))
    rewritten = [entries[0] + b"x", *entries[1:]]
    honest = consistency_proof(old, len(entries), root_of(entries))
    forged = consistency_proof(old, len(entries), root_of(rewritten))

    for proof in (honest, forged, honest[:-1], [*honest, EMPTY_ROOT]):
        assert not consistency_holds(
            old=old,
            new=len(entries),
            old_root=mth(entries[:old]),
            new_root=mth(rewritten),
            proof=proof,
        )


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=70), st.integers(0, 6))
def test_a_full_subtree_appends_like_its_leaves(entries, power):
    width = 1 << power
    start = len(entries) // width * width
    left = frontier_of(entries[:start])
    more = [bytes([i]) for i in range(width)]

    joined = left.append_subtree(mth(more), width)

    assert joined == frontier_of([*entries[:start], *more])


def test_a_subtree_that_does_not_begin_there_is_refused():
    with pytest.raises(ValueError, match="begins at 1"):
        frontier_of([b"a"]).append_subtree(EMPTY_ROOT, 2)


def test_a_frontier_must_have_one_peak_for_each_bit():
    with pytest.raises(ValueError, match="2 peaks"):
        Frontier(3, (EMPTY_ROOT,))


def test_proofs_of_what_is_not_there_are_refused():
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_proof(3, 3, root_of([b"a", b"b", b"c"]))
    with pytest.raises(ValueError, match="not the beginning"):
        consistency_proof(4, 3, root_of([b"a", b"b", b"c"]))
