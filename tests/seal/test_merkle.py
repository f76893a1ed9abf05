"""The tree of RFC 9162: published vectors, every small tree, a second implementation, and proofs that are forged."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import merkle
from ledger.merkle import EMPTY, Frontier, Tree, leaf_hash, node_hash, verify_consistency, verify_inclusion
from tests.support.counts import count

# The test data that implementations of RFC 6962 share: eight leaves, and the root after each of them.
LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
# (leaf, size, proof) and (first, second, proof) of the same test data.
INCLUSION = [
    (0, 1, []),
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
]
CONSISTENCY = [
    (1, 1, []),
    (
        6,
        8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
SMALL = 20


def tree(size: int, salt: bytes = b"") -> Tree:
    return Tree(leaf_hash(salt + b"%d" % number) for number in range(size))


PUBLISHED = Tree(map(leaf_hash, LEAVES))


@pytest.mark.parametrize("size", range(1, 9))
def test_the_root_is_the_published_one(size: int) -> None:
    assert PUBLISHED.root(size).hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("index", "size", "proof"), INCLUSION)
def test_the_proof_of_inclusion_is_the_published_one(index: int, size: int, proof: list[str]) -> None:
    assert [step.hex() for step in PUBLISHED.prove_inclusion(index, size)] == proof


@pytest.mark.parametrize(("first", "second", "proof"), CONSISTENCY)
def test_the_proof_of_consistency_is_the_published_one(first: int, second: int, proof: list[str]) -> None:
    assert [step.hex() for step in PUBLISHED.prove_consistency(first, second)] == proof


def test_a_tree_of_nothing_is_the_hash_of_nothing() -> None:
    assert Tree([]).root() == EMPTY == Frontier().root()


def test_a_growing_frontier_has_the_root_of_the_whole_tree_at_every_size() -> None:
    leaves = [leaf_hash(b"%d" % number) for number in range(300)]
    whole, growing = Tree(leaves), Frontier()
    for size, leaf in enumerate(leaves, 1):
        growing.extend([leaf])
        assert growing.root() == whole.root(size)


@given(st.lists(st.integers(0, 40), max_size=8), st.sets(st.integers(0, 320)))
def test_a_frontier_grows_by_any_number_of_leaves_at_once(counts: list[int], sizes: set[int]) -> None:
    leaves = [leaf_hash(b"%d" % number) for number in range(sum(counts))]
    whole, growing, roots, at = Tree(leaves), Frontier(), {}, 0
    for more in counts:
        roots |= growing.roots_at(sizes, leaves[at : at + more])
        at += more
        assert (growing.size, growing.root()) == (at, whole.root(at))
    assert roots == {size: whole.root(size) for size in sizes if 0 < size <= at}


def test_every_leaf_of_every_small_tree_is_shown_and_only_there() -> None:
    for size in range(1, SMALL):
        grown = tree(size)
        for index in range(size):
            proof, leaf = grown.prove_inclusion(index), leaf_hash(b"%d" % index)
            assert verify_inclusion(leaf, index, size, proof, grown.root())
            for other in range(-1, SMALL):
                if other != index:
                    assert not verify_inclusion(leaf, other, size, proof, grown.root())


def test_every_growth_of_every_small_tree_is_shown() -> None:
    for second in range(1, SMALL):
        grown = tree(second)
        for first in range(1, second + 1):
            proof = grown.prove_consistency(first)
            assert verify_consistency(first, second, grown.root(first), grown.root(), proof)


def test_the_same_roots_and_proofs_as_another_implementation() -> None:
    pymerkle = pytest.importorskip("pymerkle", reason="the second implementation is a development tool")
    theirs = pymerkle.InmemoryTree(algorithm="sha256")
    for size in range(1, 130):
        theirs.append_entry(b"%d" % (size - 1))
        assert tree(size).root() == theirs.get_root(size)
    ours = tree(129)
    for index in range(129):
        path = theirs.prove_inclusion(index + 1, 129)
        pymerkle.verify_inclusion(leaf_hash(b"%d" % index), ours.root(), path)


# --- forgery --------------------------------------------------------------------------------------------------------


def forged(random: Random, hashes: list[bytes]) -> list[bytes]:
    """Return hashes with something changed: a bit, one put in, left out, swapped or made up."""
    hashes = list(hashes)
    place = random.randrange(len(hashes))
    match random.randrange(5):
        case 0:
            bit = random.randrange(256)
            hashes[place] = bytes(b ^ (1 << bit % 8) if at == bit // 8 else b for at, b in enumerate(hashes[place]))
        case 1:
            hashes.insert(place, random.choice(hashes))
        case 2:
            del hashes[place]
        case 3:
            other = random.randrange(len(hashes))
            hashes[place], hashes[other] = hashes[other], hashes[place]
        case _:
            hashes[place] = random.randbytes(random.choice((32, 32, 31, 33, 0)))
    return hashes


def test_a_forged_proof_is_never_accepted() -> None:
    """A forger may change the leaf, its place, the roots and the proof; sizes come signed together with their roots."""
    random = Random(20)
    trees = [tree(size) for size in range(1, 40)]
    for _ in range(count(4_000, 50_000)):
        grown = random.choice(trees)
        size, index = grown.size, random.randrange(grown.size)
        leaf, proof, root = leaf_hash(b"%d" % index), grown.prove_inclusion(index), grown.root()
        true = [leaf, root, *proof]
        if (lie := forged(random, true)) != true and len(lie) >= 2:
            assert not verify_inclusion(lie[0], index, size, lie[2:], lie[1])
        elsewhere = random.choice([at for at in range(-size, 2 * size) if at != index])
        assert not verify_inclusion(leaf, elsewhere, size, proof, root)
        first = random.randrange(1, size + 1)
        true = [grown.root(first), root, *grown.prove_consistency(first)]
        if (lie := forged(random, true)) != true and len(lie) >= 2:
            assert not verify_consistency(first, size, lie[0], lie[1], lie[2:])


# --- mutants: a verifier with one thing wrong in it must be noticed -------------------------------------------------

SWAPS: dict[type, type] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.BitAnd: ast.BitOr,
    ast.RShift: ast.LShift, ast.Sub: ast.Add, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


def mutants(function: Callable[..., bool]) -> Iterator[tuple[str, Callable[..., bool]]]:
    """Yield a function again and again, each time with one operator, number or branch changed."""
    source = inspect.getsource(function)
    for number in range(len(list(ast.walk(ast.parse(source))))):
        parsed = ast.parse(source)
        node = list(ast.walk(parsed))[number]
        for what in _changed(node):
            ast.fix_missing_locations(parsed)
            scope = dict(vars(merkle))
            try:
                exec(compile(parsed, "mutant", "exec"), scope)
            except (SyntaxError, ValueError):
                continue
            yield f"{what} in line {getattr(node, 'lineno', 0)}", scope[function.__name__]


def _changed(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        node.ops[0] = SWAPS[type(node.ops[0])]()
        yield "comparison"
    elif isinstance(node, (ast.BinOp, ast.BoolOp)) and type(node.op) in SWAPS:
        node.op = SWAPS[type(node.op)]()
        yield "operator"
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        node.value = not node.value if isinstance(node.value, bool) else node.value + 1
        yield "number"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        node.operand, node.op = ast.UnaryOp(ast.Not(), node.operand), ast.Not()
        yield "not"


def inclusion_holds(check: Callable[..., bool]) -> bool:
    """Whether a verifier of inclusion tells true from false over all small trees."""
    for size in range(1, 14):
        grown = tree(size)
        for index in range(size):
            leaf, proof, root = leaf_hash(b"%d" % index), grown.prove_inclusion(index), grown.root()
            if check(leaf, index, size, proof, root) is not True:
                return False
            wrong = [
                (leaf, index + size, size, proof, root),
                (leaf, index - size, size, proof, root),
                (leaf, index, size, [*proof, root], root),
                (leaf, index, size, proof[:-1], root) if proof else (leaf, 0, 0, [], root),
                (leaf_hash(b"?"), index, size, proof, root),
                (leaf, index, size, proof, leaf_hash(b"?")),
                (leaf[:-1], index, size, proof, root),
                (leaf, size, size, proof, root),
                (node_hash(leaf, leaf), index, size, proof, root),
            ]
            wrong += [(leaf, other, size, proof, root) for other in range(size) if other != index]
            if any(check(*claim) for claim in wrong):
                return False
    return True


def consistency_holds(check: Callable[..., bool]) -> bool:
    """Whether a verifier of consistency tells true from false over all small trees."""
    for second in range(1, 14):
        grown, other = tree(second), tree(second, b"x")
        for first in range(1, second + 1):
            old, new, proof = grown.root(first), grown.root(), grown.prove_consistency(first)
            if check(first, second, old, new, proof) is not True:
                return False
            wrong: list[Any] = [
                (first, second, other.root(first), new, proof),
                (first, second, old, other.root(), proof),
                (first, second, other.root(first), leaf_hash(b"?"), proof),
                (first, second, old, new, [*proof, new]),
                (first, second, old, new, proof[:-1]) if proof else (0, second, old, new, proof),
                (0, second, old, new, proof),
                (second + 1, second, old, new, proof),
                (first, second, old[:-1], new, proof),
            ]
            if any(check(*claim) for claim in wrong):
                return False
    return True


@pytest.mark.parametrize(
    ("verifier", "holds"), [(verify_inclusion, inclusion_holds), (verify_consistency, consistency_holds)]
)
def test_nine_in_ten_mutants_of_the_verifier_are_noticed(
    verifier: Callable[..., bool], holds: Callable[[Callable[..., bool]], bool]
) -> None:
    assert holds(verifier)
    survived, tried = [], 0
    for what, mutant in mutants(verifier):
        tried += 1
        if _survives(mutant, holds):
            survived.append(what)
    assert tried >= 20
    assert len(survived) <= tried / 10, f"{len(survived)} of {tried} mutants were not noticed: {survived}"


def _survives(mutant: Callable[..., bool], holds: Callable[[Callable[..., bool]], bool]) -> bool:
    """Whether the checks take a mutant for the real thing; one that fails or never ends is noticed."""

    def bounded(*claim: Any) -> bool:
        left = 1_000  # lines; the real verifier takes fewer than a hundred

        def step(frame: Any, event: str, argument: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise RuntimeError("it never ends")
            return step

        before = sys.gettrace()
        sys.settrace(step)
        try:
            return mutant(*claim)
        finally:
            sys.settrace(before)

    try:
        return holds(bounded)
    except Exception:
        return False
