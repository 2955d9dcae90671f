"""The other side of `vs_distilabel`, run by an interpreter of its own: distilabel 1.5.3 and requests.

    PYTHON distilabel_side.py MODEL < settings.json

Reads {"prompts", "max_new_tokens", "top_p", "torch_dtype"}, writes one line {"seconds", "n_tokens"}; loading
is not timed. Tokens are counted from the texts; each text has one more, its end.
"""

import json
import sys
import time

from distilabel.models.llms import TransformersLLM


def main() -> None:
    """Generate one text per prompt as distilabel does."""
    settings = json.load(sys.stdin)
    llm = TransformersLLM(model=sys.argv[1], torch_dtype=settings["torch_dtype"], device="cpu")
    llm.load()
    inputs = [[{"role": "user", "content": prompt}] for prompt in settings["prompts"]]
    knobs = {"max_new_tokens": settings["max_new_tokens"], "top_p": settings["top_p"]}
    knobs |= {"temperature": 1.0, "repetition_penalty": 1.0}
    llm.generate(inputs=inputs[:1], **knobs)
    start = time.perf_counter()
    outputs = llm.generate(inputs=inputs, **knobs)
    seconds = time.perf_counter() - start
    n_tokens = [n + 1 for output in outputs for n in output["statistics"]["output_tokens"]]
    sys.stdout.write(json.dumps({"seconds": seconds, "n_tokens": sum(n_tokens)}) + "\n")


if __name__ == "__main__":
    main()
