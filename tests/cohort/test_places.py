from medclf.cohort.places import place_of


def test_rows_are_named_by_their_lines_where_all_have_one() -> None:
    assert place_of([4], [6]) == "line 6"
    assert place_of([0, 4], [2, 6]) == "lines 2, 6"
    assert place_of([0, 4], [2, 0]) == "rows 1, 5"
    assert place_of([4], [0]) == "row 5"


def test_a_long_list_is_cut_and_says_so() -> None:
    assert place_of([0, 1, 2], [2, 3, 4], most=2) == "lines 2, 3, …"
    assert place_of([0, 1], [2, 3], most=2) == "lines 2, 3"
