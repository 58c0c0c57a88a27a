"""The table of kinds of vocabularies; a new kind is added here and nowhere else."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from catscale.errors import DataError
from catscale.settings.choice import choice_of
from catscale.system.named import NamedTable, suggest
from catscale.system.reading.json_file import SMALL, read_json
from catscale.system.reading.schema import FileSchema
from catscale.vocabulary.contract import FIRST_KIND, KIND_FILE, Vocabulary, VocabularySettings
from catscale.vocabulary.existing_model import load_piece_model
from catscale.vocabulary.pretrained.folder import CONFIG
from catscale.vocabulary.pretrained.settings import PretrainedVocabularySettings, load_pretrained
from catscale.vocabulary.pretrained.vocabulary import PretrainedVocabulary
from catscale.vocabulary.sentencepiece import SentencePieceVocabulary
from catscale.vocabulary.training import SentencePieceSettings


@dataclass(frozen=True)
class VocabularyKind:
    """One kind of vocabulary.

    Attributes:
        settings: The class of the section `vocabulary` of a configuration.
        vocabulary: The class that they build.
    """

    settings: type[VocabularySettings]
    vocabulary: type[Vocabulary]


KINDS = NamedTable(
    "kind of vocabulary",
    {
        "sentencepiece": VocabularyKind(SentencePieceSettings, SentencePieceVocabulary),
        "pretrained": VocabularyKind(PretrainedVocabularySettings, PretrainedVocabulary),
    },
)

if TYPE_CHECKING:
    VocabularyConfig = VocabularySettings
else:
    VocabularyConfig = choice_of({name: kind.settings for name, kind in KINDS.items()}, "kind", FIRST_KIND)
"""The section `vocabulary` of a configuration."""


class _KindFile(FileSchema):
    """The content of `KIND_FILE`."""

    kind: str


def kind_of(folder: Path) -> VocabularyKind:
    """Return the kind of the vocabulary that a folder holds.

    Raises:
        DataError: If it names a kind that is not in the table.
    """
    if not (folder / KIND_FILE).exists():
        return KINDS[FIRST_KIND]
    name = read_json(folder / KIND_FILE, _KindFile, DataError, "restore the folder, or prepare again", SMALL)["kind"]
    if name not in KINDS:
        raise DataError(
            f"{folder} holds a vocabulary of the kind {name[:80]!r}, which this version does not have; "
            f"{suggest(name, KINDS)}; install the version that wrote it, or prepare again"
        )
    return KINDS[name]


def load_vocabulary(folder: Path) -> Vocabulary:
    """Read a vocabulary that `Vocabulary.save` wrote.

    Raises:
        DataError: If the folder holds none, or one of a kind that is not in the table.
    """
    return kind_of(folder).vocabulary.load(folder)


def load_existing(path: Path) -> Vocabulary:
    """Read what cuts text into pieces, for what needs no tags.

    Args:
        path: A folder that `Vocabulary.save` wrote, or the file of a SentencePiece model, or a folder with one, or the
            folder of a pre-trained model.

    Raises:
        DataError: If it is none of these.
    """
    if path.is_dir() and (path / KIND_FILE).exists():
        return load_vocabulary(path)
    try:
        return load_piece_model(SentencePieceSettings(path=path).model_file or path, ())
    except DataError:
        if not (path / CONFIG).exists():
            raise
        return load_pretrained(path)
