"""Run by torchrun: trains on two processes, with fixed weights and CATS, and resumes; rank 0 writes what came out."""

import json
import sys
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from safetensors.torch import save_file

from catscale import CATS, Fixed
from catscale.integrations.transformers import BalancedSeq2SeqTrainer
from catscale.sampling import CATSSampling, TemperatureSampling
from tests.integrations.toy import arguments, collate, make_model, make_rows


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    common = {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 2, "ddp_backend": "gloo"}
    common |= {"save_strategy": "steps", "save_steps": 4, "log_level": "error"}
    results = {}
    sampled: dict[str, Any] = {"sampled": TemperatureSampling(temperature=100)}
    sampled["learnt"] = CATSSampling(interval=1, learning_rate=0.5)
    methods: dict[str, Any] = {"fixed": Fixed(), "sampled": Fixed(), "cats": CATS(inner_steps=2), "learnt": Fixed()}
    checks = {}
    for name, method in methods.items():
        trainers = []
        for is_resumed in (False, True):
            trainer = BalancedSeq2SeqTrainer(
                make_model(),
                arguments(folder / name, **common),
                data_collator=collate,
                train_dataset=make_rows(),
                balancer_method=method,
                sampling=sampled.get(name),
            )
            trainer.train(resume_from_checkpoint=str(folder / name / "checkpoint-4") if is_resumed else None)
            trainers.append(torch.cat([p.detach().flatten() for p in trainer.model.parameters()]))
        results[name] = trainers[0]
        everywhere = [torch.empty_like(trainers[0]) for _ in range(dist.get_world_size())]
        dist.all_gather(everywhere, trainers[0])
        checks[name] = [torch.equal(*trainers), torch.equal(*everywhere)]  # resumed, on both ranks
    if dist.get_rank() == 0:
        save_file(results, folder / "parameters.safetensors")
        (folder / "resumed.json").write_text(json.dumps(checks))
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
