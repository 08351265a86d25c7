import json
import shutil

import pytest

from medclf import api
from medclf.classifier import Classifier
from medclf.config import load_yaml, save_yaml
from medclf.errors import RuntimeUnavailable, StudyMisuse
from medclf.model.engine import Arithmetic
from medclf.study.config import StudyConfig

for module in ("onnx", "onnxscript", "openvino"):
    pytest.importorskip(module, reason="extras onnx and openvino are not installed")


@pytest.fixture(scope="module")
def copy(walked, tmp_path_factory):
    """The walked study at another place, free to be changed."""
    folder = tmp_path_factory.mktemp("variant") / "study"
    shutil.copytree(walked.folder, folder)
    return folder


@pytest.fixture(scope="module")
def package(copy, walked):
    return copy / walked.package.relative_to(walked.folder)


@pytest.fixture(scope="module")
def made(copy, package):
    try:
        return api.variant(package, study=copy / "study.yaml", home=copy / "home", actor="tester")
    except RuntimeUnavailable as error:
        pytest.skip(str(error))


def test_a_variant_is_a_package_of_its_own_that_names_its_parent(made, package):
    parent, child = Classifier.load(package), Classifier.load(made.package.path)
    assert made.parent == parent.package.digest != child.package.digest
    assert child.model.arithmetic is Arithmetic.BFLOAT16
    assert child.runtime.about == "openvino in bfloat16"
    assert child.package.files["weights.safetensors"] == parent.package.files["weights.safetensors"]
    assert child.package.files["data.json"] == parent.package.files["data.json"]
    lineage = child.package.json("lineage.json")
    assert lineage["variant"]["parent"] == made.parent
    assert lineage["variant"]["against_parent"] == made.agreement.as_json()
    assert lineage["runtime"]["largest_probability_difference"] <= 1e-5
    assert "openvino" in lineage["libraries"]
    assert "run by openvino in bfloat16" in child.package.read("card.md").decode()


def test_a_variant_is_compared_on_the_calibrate_part_and_calibrated_anew(made, package):
    parent, child = Classifier.load(package), Classifier.load(made.package.path)
    parts = parent.package.json("lineage.json")["parts"]
    assert made.agreement.pictures == parts["calibrate"]
    assert 0 < made.agreement.largest_probability_difference < 0.1
    assert child.model.temperature == made.calibrated.temperature.value
    assert child.model.temperature == pytest.approx(parent.model.temperature, rel=0.2)
    assert child.novelty.threshold != parent.novelty.threshold


def test_a_variant_is_released_only_after_its_own_validation(made, copy):
    home = copy / "home"
    with pytest.raises(StudyMisuse, match="never validated here"):
        api.release(made.package.path, home=home, actor="tester")
    table = next(copy.rglob("test.csv"))
    api.validate(made.package.path, data=table, out=copy / "report-2", home=home, actor="tester")
    assert api.release(made.package.path, home=home, actor="tester").package == made.package.digest


def test_a_variant_of_a_variant_is_refused(made, copy):
    with pytest.raises(StudyMisuse, match="variant in bfloat16 itself"):
        api.variant(made.package.path, study=copy / "study.yaml", home=copy / "home")


def test_a_study_that_says_something_else_is_refused(copy, package):
    config = load_yaml(copy / "study.yaml", StudyConfig)
    other = config.model_copy(update={"name": "another"})
    save_yaml(copy / "other.yaml", other)
    with pytest.raises(StudyMisuse, match="name"):
        api.variant(package, study=copy / "other.yaml", home=copy / "home")


def test_a_study_with_another_split_is_refused(copy, package):
    config = load_yaml(copy / "study.yaml", StudyConfig)
    split = config.split.model_copy(update={"seed": config.split.seed + 1})
    save_yaml(copy / "resplit.yaml", config.model_copy(update={"split": split}))
    with pytest.raises(StudyMisuse, match="split"):
        api.variant(package, study=copy / "resplit.yaml", home=copy / "home")


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_other_precisions_are_no_variant(copy, package, precision):
    with pytest.raises(StudyMisuse, match=precision):
        api.variant(package, study=copy / "study.yaml", home=copy / "home", precision=precision)


def test_the_command_tells_what_changed(made, copy, package, medclf):
    call = ("variant", package, "--study", copy / "study.yaml", "--home", copy / "home")
    code, out, _ = medclf(*call, "--json")
    assert code == 0
    found = json.loads(out)
    assert found["digest"] == made.package.digest
    assert found["against_parent"] == made.agreement.as_json()
