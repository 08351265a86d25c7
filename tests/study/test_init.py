from collections import Counter

import pytest

from medclf.dicom.admission import AdmissionRules
from medclf.dicom.instance import Kind
from medclf.errors import StudyMisuse
from medclf.study.config import load_study
from medclf.study.init import Wishes, init, order_labels


def table(folder, *labels):
    path = folder / "labels.csv"
    path.write_text("path,label\n" + "".join(f"{i}.png,{v}\n" for i, v in enumerate(labels)))
    return path


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["pneumonia", "normal"], (["normal", "pneumonia"], "pneumonia")),
        (["referable_dr", "non_referable"], (["non_referable", "referable_dr"], "referable_dr")),
        (["no_opacity", "opacity"], (["no_opacity", "opacity"], "opacity")),
        (["0", "1"], (["0", "1"], "1")),
        (["benign", "malignant"], (["benign", "malignant"], "malignant")),
        (["c", "a", "b"], (["a", "b", "c"], None)),
    ],
)
def test_the_negative_label_comes_first(labels, expected):
    assert order_labels(Counter(labels), None) == expected


@pytest.mark.parametrize("kind", Kind)
def test_the_new_file_tells_which_objects_are_taken_and_tells_the_defaults(kind, tmp_path):
    path = init(
        kind, table(tmp_path, "normal", "ill"), tmp_path / "study.yaml", wishes=Wishes("random")
    )
    assert load_study(path).admission == AdmissionRules()
    assert "secondary_capture: false" in path.read_text()
    assert ("region: chest" in path.read_text()) == (kind is Kind.XRAY)


@pytest.mark.parametrize("labels", [["nodule", "mass"], ["notable", "mass"], ["normal", "no"]])
def test_it_asks_when_the_finding_is_not_clear(labels):
    with pytest.raises(StudyMisuse, match="not clear") as caught:
        order_labels(Counter(labels), None)
    assert "--positive" in caught.value.advice


def test_the_user_may_say_which_label_is_the_finding():
    assert order_labels(Counter(["nodule", "mass"]), "mass") == (["nodule", "mass"], "mass")
    with pytest.raises(StudyMisuse, match="does not occur"):
        order_labels(Counter(["nodule", "mass"]), "tumour")


def test_one_label_is_not_enough():
    with pytest.raises(StudyMisuse, match="1 label"):
        order_labels(Counter(["normal"]), None)


@pytest.mark.parametrize("kind", list(Kind))
def test_what_it_writes_loads_with_paths_relative_to_the_file(tmp_path, kind):
    (tmp_path / "weights.pth").touch()
    data = table(tmp_path, "normal", "ill", "normal")
    out = tmp_path / "deep" / "study.yaml"
    wishes = Wishes(weights=str(tmp_path / "weights.pth"), backbone="timm/resnet18")
    study = load_study(init(kind, data, out, wishes=wishes))
    assert study.data.table.resolve() == data
    assert study.model.weights.endswith("weights.pth")
    assert study.kind is kind
    assert study.split.seed == study.seed == 0


def test_weights_tell_their_backbone_and_normalisation(tmp_path):
    wishes = Wishes(weights="mobilenet_v2_tfslim_x.pth")
    out = tmp_path / "study.yaml"
    study = load_study(init(Kind.XRAY, table(tmp_path, "no", "yes"), out, wishes=wishes))
    assert study.model.backbone == "torchvision/mobilenet_v2"
    assert study.preprocessing.mean == (0.5, 0.5, 0.5)


def test_a_name_that_tells_nothing_is_asked_about(tmp_path):
    with pytest.raises(StudyMisuse, match="does not tell its backbone"):
        init(
            Kind.XRAY,
            table(tmp_path, "no", "yes"),
            tmp_path / "study.yaml",
            wishes=Wishes(weights="best.pth"),
        )


def test_an_existing_study_is_not_overwritten_by_accident(tmp_path):
    data, out = table(tmp_path, "no", "yes"), tmp_path / "study.yaml"
    init(Kind.XRAY, data, out, wishes=Wishes())
    with pytest.raises(StudyMisuse, match="exists already"):
        init(Kind.XRAY, data, out, wishes=Wishes())
    init(Kind.XRAY, data, out, wishes=Wishes(), replace=True)


def test_labels_that_yaml_would_misread_stay_text(tmp_path):
    study = load_study(
        init(
            Kind.XRAY,
            table(tmp_path, "no", "yes: and more", "null"),
            tmp_path / "study.yaml",
            wishes=Wishes(),
        )
    )
    assert study.data.labels == ("no", "null", "yes: and more")
