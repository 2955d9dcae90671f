"""Sample a plan of many cells with a model that writes one token: what a cell costs besides its texts.

python tests/benchmarks/many_cells.py 1000        prints milliseconds per cell and memory as JSON
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import torch
import yaml
from transformers import BertConfig, BertLMHeadModel, BertTokenizer

import flows  # noqa: F401  (quiets what follows)

from prefect import flow  # isort: skip
from prefect.task_runners import ThreadPoolTaskRunner

from tasks.config import RunConfig
from tasks.orchestration.run import open_run
from tasks.orchestration.server import ephemeral_server
from tasks.pipeline.planning.cells import plan_cells
from tasks.stages.sampling import sample_cells

N_TOPICS = 360


def write_generator(folder: Path) -> None:
    """A decoder with one layer of width 8 that knows the embedded generator's words."""
    words = "any positive negative neutral short medium long comment review very".split()
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "|", ":", *words]
    vocabulary += list("abcdefghijklmnopqrstuvwxyz")
    vocabulary += [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz0123456789"]
    tokenizer = BertTokenizer(vocab={word: i for i, word in enumerate(vocabulary)}, do_lower_case=True)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        max_position_embeddings=512,
        is_decoder=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.sep_token_id,
    )
    BertLMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def write_topics(file: Path) -> None:
    names = [f"topic {chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(N_TOPICS)]
    topics = [{"name": name, "domain": "all", "scenarios": [f"About {name}."]} for name in names]
    styles = [{"name": "comment", "description": "A comment."}]
    file.write_text(yaml.safe_dump({"topics": topics, "styles": styles}))


@flow(task_runner=ThreadPoolTaskRunner(max_workers=24))
def sample_once(config: RunConfig, n_cells: int) -> float:
    """Seconds of sampling one text for each of so many cells."""
    run = open_run(config)
    planned = plan_cells(config.resolved(), run.taxonomy, run.topics)[:n_cells]
    assert len(planned) == n_cells
    begun = time.monotonic()
    texts = sample_cells(run, [cell.model_copy(update={"n_to_sample": 1}) for cell in planned], "sample")
    assert len(texts.refs) == n_cells
    return time.monotonic() - begun


def main() -> None:
    """Measure."""
    n_cells = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_generator(folder / "generator")
        write_topics(folder / "topics.yaml")
        config = RunConfig.model_validate(
            {
                "taxonomy": "goemotions",
                "plan": {
                    "texts_per_label": N_TOPICS,
                    "multi_label_fraction": 0,
                    "topics_per_label": N_TOPICS,
                    "topics_file": str(folder / "topics.yaml"),
                },
                "generator": {
                    "model": str(folder / "generator"),
                    "prompt_form": "plain",
                    "max_new_tokens": 1,
                },
            }
        )
        with ephemeral_server() as await_server:
            await_server()
            seconds = sample_once(config, n_cells)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    figures = {
        "ms_per_cell": round(1000 * seconds / n_cells, 2),
        "seconds": round(seconds, 1),
        "peak_gb": round(peak, 2),
    }
    print(json.dumps(figures))  # noqa: T201


if __name__ == "__main__":
    main()
