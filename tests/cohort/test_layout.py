import pytest
from pydantic import ValidationError

from medclf.cohort.layout import Layout


def test_columns_go_by_what_the_table_calls_them() -> None:
    layout = Layout(columns={"path": "Image Index"})
    assert layout.column("path") == "Image Index"
    assert layout.column("age") == "age"


@pytest.mark.parametrize(
    "keys",
    [
        {"columns": {"colour": "x"}},
        {"extension": "png"},
        {"extension": "./../png"},
        {"patient_pattern": "("},
        {"findings": ["a"]},
        {"format": "findings"},
        {"format": "findings", "findings": ["a", "a"]},
        {"format": "excel"},
    ],
)
def test_what_contradicts_itself_is_refused(keys: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Layout.model_validate(keys)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        (r"patient\d+", "a/patient00012/view1.jpg", "patient00012"),
        (r"person(\d+)_", "person7_virus.jpeg", "7"),
        (r"person(\d+)_", "IM-0115.jpeg", ""),
        (r"(a)?b", "b", ""),
        ("", "patient1", ""),
    ],
)
def test_the_patient_is_found_in_the_path(pattern: str, path: str, expected: str) -> None:
    assert Layout(patient_pattern=pattern).patient_in(path) == expected
