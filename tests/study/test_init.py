from collections import Counter

import pytest

from medclf.config import parse
from medclf.dicom.admission import AdmissionRules
from medclf.dicom.instance import Kind
from medclf.errors import ConfigError, StudyMisuse
from medclf.model.task import Task
from medclf.study.config import DataConfig, load_study
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


def test_what_was_recognised_is_told_and_stands_in_the_file(tmp_path):
    for number in range(2):
        (tmp_path / "images").mkdir(exist_ok=True)
        (tmp_path / "images" / f"im{number}.png").touch()
    data = tmp_path / "train.csv"
    data.write_text("id_code,diagnosis,Gender\nim0,no dr,F\nim1,dr,M\n")
    told = []
    out = init(Kind.FUNDUS, data, tmp_path / "s" / "study.yaml", wishes=Wishes(), tell=told.append)
    study = load_study(out)
    assert study.data.columns == {"path": "id_code", "sex": "Gender"}
    assert study.data.folder.resolve() == tmp_path / "images"
    assert (study.data.extension, study.data.label) == (".png", "diagnosis")
    assert len(told) == 5


def test_a_study_of_several_findings_loads_and_asks_the_network_for_each(tmp_path):
    data = tmp_path / "train.csv"
    data.write_text("Path,Edema,Mass\na.png,1,\nb.png,-1,0\n")
    study = load_study(init(Kind.XRAY, data, tmp_path / "study.yaml", wishes=Wishes()))
    assert (study.data.findings, study.data.labels) == (("Edema", "Mass"), ())
    assert study.data.uncertain == "ignore"
    assert (study.architecture.task, study.architecture.classes) == (Task.FINDINGS, 2)


def test_class_folders_make_a_study_without_a_table(tmp_path):
    for name in ("train/NORMAL/a.png", "test/ILL/b.png"):
        (tmp_path / "set" / name).parent.mkdir(parents=True)
        (tmp_path / "set" / name).touch()
    out = tmp_path / "study.yaml"
    study = load_study(init(Kind.XRAY, tmp_path / "set", out, wishes=Wishes()))
    assert (study.data.format, study.data.table) == ("folders", None)
    assert (study.name, study.data.labels) == ("set", ("NORMAL", "ILL"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"table": "t.csv"}, "at least two `labels`"),
        ({"labels": ["a", "b"], "positive": "b"}, "a labels `table` is needed"),
        ({"format": "folders", "table": "t.csv", "labels": ["a", "b", "c"]}, "needs a `folder`"),
        (
            {"format": "findings", "table": "t.csv", "findings": ["x"], "labels": ["a", "b", "c"]},
            "exclude each other",
        ),
    ],
)
def test_a_data_section_that_contradicts_itself_is_refused(data, message):
    with pytest.raises(ConfigError, match=message):
        parse(data, DataConfig, where="data")
