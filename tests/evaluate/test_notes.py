from medclf.evaluate.assess import evaluate


def notes_of(make_cases, make_protocol, overlapping, *, protocol=None, **fields):
    return evaluate(make_cases(*overlapping, **fields), make_protocol(**protocol or {})).notes


def test_prevalence_is_named_beside_ppv(make_cases, make_protocol, overlapping):
    notes = notes_of(make_cases, make_protocol, overlapping)
    assert any(note.startswith("PPV and NPV hold at the prevalence") for note in notes)


def test_few_clusters_are_warned_of(make_cases, make_protocol, overlapping):
    clusters = tuple(f"p{i % 12}" for i in range(240))
    notes = notes_of(make_cases, make_protocol, overlapping, clusters=clusters)
    assert "240 cases come from 12 clusters, which are resampled whole." in notes
    assert any("too few for a trustworthy bootstrap" in note for note in notes)


def test_ignored_clusters_are_owned_up_to(make_cases, make_protocol, overlapping):
    clusters = tuple(f"p{i // 2}" for i in range(240))
    notes = notes_of(
        make_cases, make_protocol, overlapping, clusters=clusters, protocol={"clustering": "none"}
    )
    assert any("takes as independent" in note for note in notes)


def test_absent_subgroup_columns_are_named(make_cases, make_protocol, overlapping):
    notes = notes_of(make_cases, make_protocol, overlapping, protocol={"subgroups": ["sex"]})
    assert "No figures by sex: these cases do not tell." in notes


def test_repeated_ids_are_pointed_at(make_cases, make_protocol, overlapping):
    ids = ("twice", "twice", *(f"case-{i}" for i in range(238)))
    notes = notes_of(make_cases, make_protocol, overlapping, case_ids=ids)
    assert any("1 cases carry the id of another" in note for note in notes)
