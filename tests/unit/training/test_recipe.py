from collections.abc import Mapping

import pytest
from pydantic import ValidationError

from emolens.core.emotion import LABELS
from emolens.datasets.targets import Target
from emolens.training.recipe import DataSection, Recipe

NO_MIX: Mapping[str, object] = {"augment": {"mix": 0}}


def recipe(data: object, **sections: object) -> Recipe:
    return Recipe.model_validate({"name": "x", "data": data, **sections})


def test_one_section_is_a_list_of_one() -> None:
    one, listed = recipe({"source": "a.csv"}), recipe([{"source": "a.csv"}])
    assert one == listed
    [section] = one.data
    assert (section.name, section.target, section.damaged) == ("unnamed", Target.LABEL, "refuse")
    assert (section.weight, section.repeat, section.crop, section.hold_out) == (1, 1, 1, 0)
    assert section.label_smoothing is None
    assert one.faces.classes == LABELS


def test_keys_of_faces_may_still_stand_in_data() -> None:
    old = recipe({"source": "a.csv", "classes": ["sad", "happy"], "size_px": 24, "drop": ["leaks"]})
    new = recipe(
        {"source": "a.csv", "drop": ["leaks"]}, faces={"classes": ["sad", "happy"], "size_px": 24}
    )
    assert old == new
    assert old.data_size_px == 24
    # In the order of the labels, whatever the recipe says.
    assert old.class_indices == (3, 4)


def test_keys_may_stand_partly_here_and_partly_there_but_not_twice() -> None:
    both = recipe({"source": "a.csv", "size_px": 24}, faces={"sampling": "sqrt"})
    assert (both.faces.size_px, both.faces.sampling) == (24, "sqrt")
    with pytest.raises(
        ValidationError, match=r"faces\.size_px is set in both \[data\] and \[faces\]"
    ):
        recipe({"source": "a.csv", "size_px": 24}, faces={"size_px": 32})


def test_several_sections_have_no_keys_of_faces() -> None:
    sections = [{"name": "a", "source": "a", "size_px": 24}, {"name": "b", "source": "b"}]
    with pytest.raises(ValidationError, match=r"data\.0\.size_px\n.*not permitted"):
        recipe(sections)


def test_data_sections_know_no_other_keys_and_there_is_one_at_least() -> None:
    with pytest.raises(ValidationError, match="at least 1 item"):
        recipe([])
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        recipe([{"source": "a", "folder": "b"}])


@pytest.mark.parametrize("names", [(None, None), ("a", "a"), ("unnamed", None)])
def test_several_sections_need_different_names(names: tuple[str | None, ...]) -> None:
    sections = [{"source": "a"} | ({"name": name} if name else {}) for name in names]
    with pytest.raises(ValidationError, match=r"the names of \[\[data\]\] sections must differ"):
        recipe(sections)
    assert len(recipe([{"source": "a"}, {"source": "a", "name": "b"}]).data) == 2


def test_a_multi_target_and_mixtures_exclude_each_other() -> None:
    sections = [{"source": "a"}, {"source": "b", "name": "b", "target": "multi"}]
    with pytest.raises(ValidationError, match=r"set augment\.mix = 0 or choose another target"):
        recipe(sections)
    assert recipe(sections, **NO_MIX).data[1].target is Target.MULTI
    assert recipe([{"source": "a", "target": "soft"}]).data[0].target is Target.SOFT


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("weight", 0),
        ("repeat", 0),
        ("repeat", -1),
        ("crop", 0),
        ("crop", 1.1),
        ("hold_out", 1),
        ("hold_out", -0.1),
        ("label_smoothing", 1.5),
        ("target", "votes"),
        ("damaged", "ignore"),
        ("drop", ["blurred"]),
        ("refuse", ["blurred"]),
    ],
)
def test_values_outside_their_range_are_refused(key: str, value: object) -> None:
    with pytest.raises(ValidationError, match=f"^1 validation error.*\n{key}"):
        DataSection.model_validate({"source": "a", key: value})


@pytest.mark.parametrize("classes", [["happy"], ["happy", "happy"], ["happy", "smug"], []], ids=str)
def test_two_or_more_of_the_seven_are_told_apart(classes: list[str]) -> None:
    with pytest.raises(ValidationError, match="classes must be two or more different ones of angr"):
        recipe({"source": "a"}, faces={"classes": classes})


def test_what_rebalances_classes() -> None:
    assert not recipe({"source": "a", "weight": 3, "repeat": 2}).rebalances
    assert recipe({"source": "a"}, faces={"sampling": "sqrt"}).rebalances
    assert recipe({"source": "a"}, loss={"class_weights": "inverse"}).rebalances
    with pytest.raises(ValidationError, match="corrects for class imbalance twice"):
        recipe({"source": "a"}, faces={"sampling": "sqrt"}, loss={"logit_adjustment": 1})


@pytest.mark.parametrize("faces", [3, [{"size_px": 24}]])
def test_faces_that_are_no_section_are_refused(faces: object) -> None:
    with pytest.raises(ValidationError, match="faces\n"):
        recipe({"source": "a.csv"}, faces=faces)


@pytest.mark.parametrize(
    "sections",
    [
        pytest.param({}, id="no vote head"),
        pytest.param(
            {
                "loss": {"vote_weight": 1},
                "network": {"kind": "backbone", "name": "resnet18", "hidden": [8]},
            },
            id="hidden layers",
        ),
    ],
)
def test_votes_are_only_answered_by_heads_that_can_be_merged(
    sections: Mapping[str, object],
) -> None:
    with pytest.raises(ValidationError, match=r"answer\.votes needs"):
        recipe({"source": "a.csv"}, answer={"votes": 0.4}, **sections)


def test_votes_are_answered_where_they_are_learnt() -> None:
    both = recipe({"source": "a.csv"}, loss={"vote_weight": 1}, answer={"votes": 0.4})
    assert both.answer.votes == 0.4


def test_a_source_is_learnt_from_teachers_alone_only_where_they_are_asked_about_faces() -> None:
    data = {"source": "a.csv", "teacher_weight": 1}
    with pytest.raises(ValidationError, match="needs teacher.asked_about = 'faces'"):
        recipe(data)
    with pytest.raises(ValidationError, match="needs teacher.asked_about = 'faces'"):
        recipe(data, teacher={"checkpoints": ["a.ckpt"]})
    taught = recipe(data, teacher={"checkpoints": ["a.ckpt"], "asked_about": "faces"})
    assert taught.data[0].is_unlabelled
    assert not taught.has_teacher_of_batches


def test_a_head_alone_learns_from_teachers_that_are_asked_about_faces() -> None:
    phases = [{"learning_stages": 0}]
    teacher = {"checkpoints": ["a.ckpt"]}
    with pytest.raises(ValidationError, match="does not work with learning_stages = 0"):
        recipe({"source": "a.csv"}, phases=phases, teacher=teacher)
    recipe({"source": "a.csv"}, phases=phases, teacher={**teacher, "asked_about": "faces"})


@pytest.mark.parametrize(("size_px", "last_stride"), [(107, 2), (95, 1), (151, 1)])
def test_the_face_resnet_has_its_sizes(size_px: int, last_stride: int) -> None:
    network = {
        "kind": "face-resnet",
        "weights": "random",
        "size_px": size_px,
        "last_stride": last_stride,
    }
    with pytest.raises(ValidationError, match="size_px must be"):
        recipe({"source": "a.csv"}, network=network)


def test_the_former_key_of_damaged_images_is_read() -> None:
    section = DataSection.model_validate({"source": "a.csv", "faults": "skip"})
    assert section.damaged == "skip"
    assert "faults" not in section.model_dump()
    both = {"source": "a.csv", "faults": "skip", "damaged": "refuse"}
    assert DataSection.model_validate(both).damaged == "refuse"
