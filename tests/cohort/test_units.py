from hypothesis import given
from hypothesis import strategies as st

from medclf.cohort.units import connect, find_units

columns = st.integers(0, 30).flatmap(
    lambda n: st.tuples(
        st.just(n),
        st.lists(
            st.lists(st.sampled_from(["", "a", "b", "c", "d"]), min_size=n, max_size=n),
            min_size=1,
            max_size=3,
        ),
    )
)


def test_pairs_and_whole_sites_connect_rows_beside(make_manifest) -> None:
    manifest = make_manifest({"site": "x"}, {"site": "y"}, {"site": "x"}, {"patient": "p"})
    assert find_units(manifest).tolist() == [0, 1, 2, 3]
    assert find_units(manifest, pairs=[(1, 3)]).tolist() == [0, 1, 2, 1]
    assert find_units(manifest, whole_sites=True).tolist() == [0, 1, 0, 2]


def by_spreading(columns: list[list[str]], count: int) -> list[frozenset[int]]:
    """The same by brute force: spread from each row until nothing more is reached."""
    found = []
    for start in range(count):
        reached, frontier = {start}, [start]
        while frontier:
            row = frontier.pop()
            for other in range(count):
                if other not in reached and any(c[row] and c[row] == c[other] for c in columns):
                    reached.add(other)
                    frontier.append(other)
        found.append(frozenset(reached))
    return found


@given(columns)
def test_units_are_the_connected_components(drawn: tuple[int, list[list[str]]]) -> None:
    count, links = drawn
    units = connect(links, count)
    for row, members in enumerate(by_spreading(links, count)):
        assert {other for other in range(count) if units[other] == units[row]} == members


def test_numbers_count_from_zero_in_order_of_appearance() -> None:
    assert connect([["b", "a", "b", "c"]], 4).tolist() == [0, 1, 0, 2]


def test_blank_values_connect_nothing() -> None:
    assert connect([["", "", ""]], 3).tolist() == [0, 1, 2]
