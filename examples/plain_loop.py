"""A plain PyTorch loop, made to balance its tasks by three changed lines, marked 1, 2 and 3.

One small Transformer "translates" numbers of six digits into three made-up languages: `copy` has the same digits,
`next` each digit's successor, `backwards` the digits in reverse. The first has five times the data of the last.

    python examples/plain_loop.py
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from catscale import CATS, TaskBalancer

LENGTH, DIGITS = 6, 10
LANGUAGES = ["copy", "next", "backwards"]
BATCH = {"copy": 40, "next": 12, "backwards": 8}  # sentences a step


class Translator(nn.Module):
    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.tokens = nn.Embedding(DIGITS + len(LANGUAGES), width)  # the digits, then a tag a language
        self.positions = nn.Parameter(torch.randn(LENGTH + 1, width) / 4)
        layer = nn.TransformerEncoderLayer(width, 4, 64, dropout=0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.output = nn.Linear(width, DIGITS)

    def forward(self, source: Tensor, language: str) -> Tensor:
        tags = torch.full((len(source), 1), DIGITS + LANGUAGES.index(language))
        hidden = self.encoder(self.tokens(torch.cat([tags, source], dim=1)) + self.positions)
        logits: Tensor = self.output(hidden[:, 1:])
        return logits  # (sentences, LENGTH, DIGITS)


def translate(source: Tensor, language: str) -> Tensor:
    return {"copy": source, "next": (source + 1) % DIGITS, "backwards": source.flip(1)}[language]


def batch_loss(model: Translator, language: str) -> Tensor:
    source, target = draw(language, BATCH[language])
    return functional.cross_entropy(model(source, language).flatten(0, 1), target.flatten())


def draw(language: str, sentences: int) -> tuple[Tensor, Tensor]:
    source = torch.randint(DIGITS, (sentences, LENGTH))
    return source, translate(source, language)


def main() -> None:
    torch.set_num_threads(1)  # the matrices are small
    torch.manual_seed(0)
    model = Translator()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    balancer = TaskBalancer(CATS(), tasks=LANGUAGES, parameters=model.parameters())  # 1: new
    for _ in range(300):
        losses = {name: batch_loss(model, name) for name in LANGUAGES}  # 2: was `loss = sum(batch_loss(…) for …)`
        balancer.backward(losses)  # 3: was `loss.backward()`
        optimizer.step()
        optimizer.zero_grad()
    with torch.no_grad():
        for language, weight in balancer.weights.items():
            source, target = draw(language, 500)
            correct = (model(source, language).argmax(-1) == target).float().mean()
            print(f"{language:<9} {100 * correct:5.1f}% of the digits right, last weight {weight:.3f}")


if __name__ == "__main__":
    main()
