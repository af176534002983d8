"""The data sheet of AffectNet's manually annotated part, which has two releases.

`affectnet_lists` reads the complete release with its lists. `affectnet_annotations` reads the
smaller release of cropped faces with one file per label.
"""

from collections.abc import Mapping
from types import MappingProxyType

from emolens.core.emotion import Emotion
from emolens.datasets.faces import Split
from emolens.datasets.sheet import DataSheet, SourceClass

SHEET = DataSheet(
    name="AffectNet (manually annotated)",
    origin=(
        "Mollahosseini, Hasani and Mahoor 2019, AffectNet: A Database for Facial Expression, "
        "Valence, and Arousal Computing in the Wild (IEEE Transactions on Affective Computing 10; "
        "arXiv:1708.03985). The images are from three search engines, queried with 1,250 "
        "emotion-related terms in six languages. One of twelve annotators labelled each image."
    ),
    terms=(
        "For research only. Professors and heads of laboratories sign an agreement "
        "(http://mohammadmahoor.com/affectnet/); students apply through them. The images may not "
        "be redistributed."
    ),
    images=(
        "Colour images of faces, read as grey. The lists give the box of each face in images of "
        "any size; the reader crops the square around it. The other release has cropped faces."
    ),
    layout=(
        "Manually_Annotated_file_lists/training.csv, validation.csv\n"
        "Manually_Annotated_Images/1/*.jpg, ...   (also inside Manually_Annotated/)\n"
        "or\n"
        "train_set/images/0.jpg, ...              val_set/images/...\n"
        "train_set/annotations/0_exp.npy, ...     val_set/annotations/..."
    ),
    classes=(
        SourceClass("0", "neutral", Emotion.NEUTRAL),
        SourceClass("1", "happy", Emotion.HAPPY),
        SourceClass("2", "sad", Emotion.SAD),
        SourceClass("3", "surprise", Emotion.SURPRISE),
        SourceClass("4", "fear", Emotion.FEAR),
        SourceClass("5", "disgust", Emotion.DISGUST),
        SourceClass("6", "anger", Emotion.ANGRY),
        SourceClass("7", "contempt", None),
        SourceClass("8", "none", None),
        SourceClass("9", "uncertain", None),
        SourceClass("10", "no face", None),
    ),
    rule=(
        "Contempt is outside the seven classes and is left out. Images labelled none (of the "
        "expressions), uncertain or no face are left out too."
    ),
    splits=(
        "The training and validation lists. The test set is not released, so published results "
        "are measured on validation."
    ),
    counts={
        Split.TRAIN: {
            "neutral": 74874,
            "happy": 134415,
            "sad": 25459,
            "surprise": 14090,
            "fear": 6378,
            "disgust": 3803,
            "anger": 24882,
            "contempt": 3750,
            "none": 33088,
            "uncertain": 11645,
            "no face": 82415,
        },
        Split.VALIDATION: {
            "neutral": 500,
            "happy": 500,
            "sad": 500,
            "surprise": 500,
            "fear": 500,
            "disgust": 500,
            "anger": 500,
            "contempt": 500,
            "none": 500,
            "uncertain": 500,
            "no face": 500,
        },
    },
    known_issues=(
        "Labels: two annotators labelled the same 36,000 images and agreed on 60.7 % of them.",
        "Balance: 47 % of the training faces of the seven classes are happy and 1.3 % disgust. "
        "Validation is balanced, so its accuracy is the mean recall of the classes.",
        "Release: the cropped release has only the first eight classes, with 287,651 training and "
        "3,999 validation faces. The lists have one more validation face in these classes.",
    ),
)

SPLITS: Mapping[str, Split] = MappingProxyType(
    {"training": Split.TRAIN, "validation": Split.VALIDATION}
)
