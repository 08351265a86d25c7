from hypothesis import given
from hypothesis import strategies as st

from medclf.cohort.case import Refusal, refusals_as_csv, refusals_from_csv
from medclf.reasons import Reason

text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
refusals = st.builds(Refusal, path=text, reason=st.sampled_from(Reason), message=text)


@given(st.lists(refusals, max_size=5))
def test_refusals_survive_the_table_that_a_person_opens(refused: list[Refusal]) -> None:
    assert refusals_from_csv(refusals_as_csv(refused)) == tuple(refused)


def test_a_path_that_is_not_utf8_survives_too() -> None:
    refused = (Refusal("caf\udce9.png", Reason.MALFORMED, "name"),)
    assert refusals_from_csv(refusals_as_csv(refused)) == refused
