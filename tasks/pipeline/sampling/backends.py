"""Which backend samples: an endpoint, vLLM on a GPU, or PyTorch."""

from importlib.util import find_spec

from tasks.config import GeneratorBackend, GeneratorConfig, GeneratorPrecision

ELSE_TORCH = "or set generator.backend to torch"


def choose_backend(config: GeneratorConfig) -> GeneratorBackend:
    """The backend for a resolved configuration on this machine; never `auto`.

    Raises:
        ValueError: The one that is named does not go with the other options, or not with this machine.
    """
    backend, has_endpoint = config.backend, config.endpoint is not None
    if has_endpoint and backend in (GeneratorBackend.torch, GeneratorBackend.vllm):
        raise ValueError(
            f"generator.backend is {backend} and generator.endpoint is {config.endpoint}; expected one of "
            "the two. Leave generator.backend out, or take a profile without an endpoint."
        )
    if backend is GeneratorBackend.endpoint and not has_endpoint:
        raise ValueError(
            "generator.backend is endpoint and generator.endpoint is empty; expected the URL of a server. "
            "Give it, or leave generator.backend out."
        )
    if has_endpoint:
        return GeneratorBackend.endpoint
    if backend is GeneratorBackend.torch:
        return backend
    problem = _unfit_for_vllm(config) or _lacking_for_vllm()
    if not problem:
        return GeneratorBackend.vllm
    if backend is GeneratorBackend.vllm:
        raise ValueError(problem)
    return GeneratorBackend.torch


def _unfit_for_vllm(config: GeneratorConfig) -> str:
    """What a configuration asks of vLLM in vain; empty if nothing."""
    if config.guidance_scale and config.guidance_scale > 1.0:
        return (
            f"generator.guidance_scale is {config.guidance_scale}; expected 1 with vLLM, which follows one "
            f"prompt per text. Set it to 1, {ELSE_TORCH}."
        )
    if config.begin_suppress_words:
        return (
            "generator.begin_suppress_words is set; expected none with vLLM, which suppresses words "
            f"everywhere or nowhere. Leave it out, {ELSE_TORCH}."
        )
    if config.precision is GeneratorPrecision.int8:
        return f"generator.precision is int8; expected bf16 or fp32 with vLLM. Leave it out, {ELSE_TORCH}."
    return ""


def _lacking_for_vllm() -> str:
    """What this machine lacks for vLLM; empty if nothing."""
    if find_spec("vllm") is None:
        return (
            "generator.backend is vllm but vllm is not installed; expected it. "
            f"Run `pip install 'sentimill[vllm]'`, {ELSE_TORCH}."
        )
    import torch  # only where vLLM is installed: it takes seconds

    if not torch.cuda.is_available():
        return (
            "generator.backend is vllm and PyTorch sees no GPU; expected one with CUDA. Check `nvidia-smi` "
            f"and CUDA_VISIBLE_DEVICES, {ELSE_TORCH}."
        )
    return ""
