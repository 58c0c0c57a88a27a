"""The Hugging Face tokenizer of a SentencePiece BPE model with our language tags, and the proof that it agrees.

`NllbTokenizer` with a BPE model gives SentencePiece's ids (with a Unigram model it silently does not), loads
through `AutoTokenizer` and knows `src_lang` and `tgt_lang`. It always builds its own BPE without byte fallback, its
own decoder, and no rule for text but the model's compiled one. So two differences remain that nothing here can
remove: white space at the ends of a text stays as pieces `▁`, which `Vocabulary.encode` takes off; and under a rule
such as `nmt_nfkc` text in decomposed Unicode is composed otherwise. Under `identity` there is no rule, and no
difference.
"""

from collections.abc import Sequence
from typing import Any

from catscale.system.writing.files import create_file, scratch_folder, user_errors
from catscale.vocabulary.piece_model import CONTROLS

MASK = "<mask>"


def tag_of(language: str) -> str:
    """Return the token that stands for a language."""
    return f"__{language}__"


def language_of(tag: str) -> str:
    """Return the language that a token stands for."""
    return tag.removeprefix("__").removesuffix("__")


def corpus_token(tag: str) -> str:
    """Return the token that stands for the tag of a corpus."""
    return f"<{tag}>"


def corpus_tag_of(token: str) -> str | None:
    """Return the tag of a corpus that a token stands for; None where it stands for a language."""
    return token[1:-1] if token.startswith("<") and token.endswith(">") else None


def build_tokenizer(model: bytes, languages: Sequence[str], corpus_tags: Sequence[str] = ()) -> Any:
    """Make an `NllbTokenizer` whose ids are those of a SentencePiece BPE model.

    Args:
        model: The serialised model, with `<s>`, `<pad>`, `</s>`, `<unk>` as 0 to 3.
        languages: Their tags get the ids after the pieces and `<mask>`.
        corpus_tags: Tags of corpora, which get the ids after these.
    """
    from tokenizers.models import BPE
    from transformers import NllbTokenizer
    from transformers.convert_slow_tokenizer import SentencePieceExtractor

    with scratch_folder() as folder:
        path = folder / "model"
        with user_errors("write a temporary file", path), create_file(path) as file:
            file.write(model)
        parts = SentencePieceExtractor(str(path)).extract(BPE)
    tags = [tag_of(language) for language in languages]
    return NllbTokenizer(
        vocab=parts["vocab"],
        merges=[pair for pair in parts["merges"] if "".join(pair) not in CONTROLS],  # typed, they are text
        _spm_precompiled_charsmap=parts["_spm_precompiled_charsmap"],
        extra_special_tokens=[*tags, *map(corpus_token, corpus_tags)],
        src_lang=tags[0],
        tgt_lang=tags[-1],
        split_special_tokens=True,  # a tag or </s> that a user types stays text
    )
