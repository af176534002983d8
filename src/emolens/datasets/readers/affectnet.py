"""AffectNet: what is known of its manually annotated part, in either way that it is given out.

`affectnet_lists` reads the lists of the whole part, `affectnet_annotations` the smaller release of
faces that are cut out already, with a file of its own for each label.
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
        "arXiv:1708.03985). Images from three search engines, asked for 1,250 words of emotion "
        "in six languages; each was labelled by one of twelve people."
    ),
    terms=(
        "For research only. Professors and heads of laboratories get it after signing an agreement "
        "(http://mohammadmahoor.com/affectnet/); students ask through them. Images may not be "
        "passed on."
    ),
    images=(
        "Colour images of faces. The lists give the box of each face in images of any size: "
        "the square around it is cut out. The other release has them cut out already. Read as grey."
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
        "Contempt is none of the seven and is left out; so are images that their annotator found "
        "to show none of the expressions, was uncertain about or found to show no face."
    ),
    splits=(
        "Its training and validation lists. Its test set was never given out, so published "
        "results are measured on validation."
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
        "Labels: two people who both labelled 36,000 of the images agreed on 60.7 %.",
        "Balance: 47 % of the training seven classes are happy and 1.3 % disgust; validation is "
        "balanced, so its accuracy is a mean over classes.",
        "The release with cut-out faces has only the first eight classes (287,651 and 3,999 "
        "faces), which is one less in validation than the lists have.",
    ),
)

SPLITS: Mapping[str, Split] = MappingProxyType(
    {"training": Split.TRAIN, "validation": Split.VALIDATION}
)
