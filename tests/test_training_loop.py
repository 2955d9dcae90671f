"""The training loop: resumable to the bit, early stopped, and honest about a loss that is no number."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import nn

from tasks.models.batching import length_buckets
from tasks.pipeline.training.loop import NotFiniteError, TrainingLoop, precision_for
from tasks.pipeline.training.state import FitOptions

N_BATCHES = 5


class Killed(BaseException):
    """What ends a process: no `except Exception` stops it."""


def model():
    torch.manual_seed(3)
    # Dropout draws random numbers in every step: a resumed run must draw the same ones.
    return nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.ReLU(), nn.Linear(8, 1))


def batches(epoch):
    generator = torch.Generator().manual_seed(100 + epoch)
    return list(torch.randn(N_BATCHES, 6, 4, generator=generator))


def loss_of(module, batch):
    return (module(batch).squeeze(-1) - batch.sum(1)).pow(2).mean()


def held_out_score(module):
    return -float(loss_of(module, torch.eye(4)))


def options(**changes):
    return FitOptions(**({"epochs": 3, "early_stopping_patience": 9, "seed": 5, "precision": "no"} | changes))


def train(folder, loss=loss_of, score=held_out_score, **changes):
    module = model()
    groups = [{"params": module.parameters(), "lr": 0.05}]
    state = TrainingLoop(module, groups, batches, loss, score, options(**changes), folder, "test").run()
    return module, state


def dying(n_losses):
    """A loss that dies after so many calls."""
    calls = []

    def loss(module, batch):
        calls.append(1)
        if len(calls) > n_losses:
            raise Killed
        return loss_of(module, batch)

    return loss


@pytest.fixture(scope="module")
def never_killed(tmp_path_factory):
    return train(tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("n_losses", [1, N_BATCHES, N_BATCHES + 3])
@pytest.mark.parametrize(
    "change",
    [
        {"ema_decay": 0.9},
        {"gradient_accumulation_steps": 2},
        {"ema_decay": 0.5, "gradient_accumulation_steps": 3},
    ],
)
def test_averaged_or_accumulated_training_resumes_exactly_too(tmp_path, n_losses, change):
    whole, _ = train(tmp_path / "whole", **change)
    with pytest.raises(Killed):
        train(tmp_path / "killed", dying(n_losses), checkpoint_every_s=0, **change)
    resumed, _ = train(tmp_path / "killed", checkpoint_every_s=0, **change)

    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), resumed.parameters(), strict=True))


def test_accumulated_batches_are_one_step_of_their_mean(tmp_path):
    def two(epoch):
        return batches(epoch)[:2]

    def one(epoch):
        return [torch.cat(two(epoch))]

    gradients = []
    for made, n in ((two, 2), (one, 1)):
        module = nn.Linear(4, 1)
        nn.init.constant_(module.weight, 0.3)
        nn.init.zeros_(module.bias)
        module.weight.register_post_accumulate_grad_hook(lambda w: gradients.append(w.grad.clone()))
        groups = [{"params": module.parameters(), "lr": 0.05}]
        changed = options(epochs=1, gradient_accumulation_steps=n)
        TrainingLoop(module, groups, made, loss_of, held_out_score, changed, tmp_path / str(n), "").run()

    assert len(gradients) == 3
    assert torch.allclose(gradients[1], gradients[2], atol=1e-6)


@pytest.mark.parametrize("n_losses", [0, 1, N_BATCHES - 1, N_BATCHES, N_BATCHES + 2, 3 * N_BATCHES - 1])
def test_killed_and_resumed_is_never_killed(never_killed, tmp_path, n_losses):
    with pytest.raises(Killed):
        train(tmp_path, dying(n_losses), checkpoint_every_s=0)
    seen = []

    def counting(module, batch):
        seen.append(1)
        return loss_of(module, batch)

    module, state = train(tmp_path, counting, checkpoint_every_s=0)

    assert _equal(module, never_killed[0])
    assert state == never_killed[1]
    assert len(seen) == 3 * N_BATCHES - n_losses  # nothing is done twice


def test_killed_twice_is_never_killed(never_killed, tmp_path):
    for n_losses in (3, 6):
        with pytest.raises(Killed):
            train(tmp_path, dying(n_losses), checkpoint_every_s=0)
    module, state = train(tmp_path, checkpoint_every_s=0)

    assert _equal(module, never_killed[0])
    assert state == never_killed[1]


def test_a_kill_between_checkpoints_goes_back_to_the_last_epoch(never_killed, tmp_path):
    with pytest.raises(Killed):
        train(tmp_path, dying(N_BATCHES + 3), checkpoint_every_s=3600)
    module, state = train(tmp_path)

    assert _equal(module, never_killed[0])
    assert state == never_killed[1]


def test_a_kill_while_scoring_is_never_killed(never_killed, tmp_path):
    def deadly(module):
        raise Killed

    with pytest.raises(Killed):
        train(tmp_path, score=deadly, checkpoint_every_s=0)
    module, state = train(tmp_path)

    assert _equal(module, never_killed[0])
    assert state == never_killed[1]


def test_a_finished_training_is_not_done_again(never_killed, tmp_path):
    train(tmp_path)
    module, state = train(tmp_path, dying(0))

    assert _equal(module, never_killed[0])
    assert state == never_killed[1]


def test_only_the_current_checkpoint_is_kept(tmp_path):
    train(tmp_path, checkpoint_every_s=0)

    assert sorted(file.name for file in tmp_path.iterdir()) == ["best.safetensors", "current", "state-15"]


def test_the_best_weights_stay_not_the_last(tmp_path):
    scores = iter([1.0, 3.0, 2.0])
    module, state = train(tmp_path, score=lambda module: next(scores))
    best = load_file(tmp_path / "best.safetensors")

    assert (state.best, state.best_epoch, state.epoch) == (3.0, 1, 3)
    assert all(torch.equal(best[name], value) for name, value in module.state_dict().items())
    assert [(h["epoch"], h["score"]) for h in state.history] == [(1, 1.0), (2, 3.0), (3, 2.0)]


@pytest.mark.parametrize(
    ("scores", "early_stopping_patience", "epochs"),
    [
        ([5, 4, 3, 2, 1, 0], 1, 2),
        ([5, 4, 3, 2, 1, 0], 2, 3),
        ([1, 2, 1, 3, 2, 2], 2, 6),
        ([1, 2, 2, 2, 9, 9], 2, 4),
    ],
)
def test_training_stops_after_so_many_epochs_without_a_better_score(
    tmp_path, scores, early_stopping_patience, epochs
):
    left = iter(scores)
    _, state = train(
        tmp_path,
        score=lambda module: float(next(left)),
        epochs=6,
        early_stopping_patience=early_stopping_patience,
    )

    assert state.epoch == epochs
    assert state.best == max(scores[:epochs])


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_training_and_says_where(tmp_path, value):
    calls = []

    def loss(module, batch):
        calls.append(1)
        return loss_of(module, batch) * (value if len(calls) == N_BATCHES + 2 else 1.0)

    with pytest.raises(NotFiniteError) as caught:
        train(tmp_path, loss)
    assert str(caught.value) == (
        f"test: loss is {value} in epoch 2, batch 2; expected a finite number. Lower the learning rate; "
        f"the last good state is in {tmp_path}."
    )
    assert (tmp_path / "state-5").is_dir()


def test_a_checkpoint_of_a_model_with_other_labels_is_refused(tmp_path):
    train(tmp_path, epochs=1)
    other = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.ReLU(), nn.Linear(8, 3))
    groups = [{"params": other.parameters(), "lr": 0.05}]
    with pytest.raises(ValueError, match="checkpoint") as caught:
        TrainingLoop(other, groups, batches, loss_of, held_out_score, options(), tmp_path, "test").run()

    assert str(caught.value).startswith(
        f"checkpoint {tmp_path / 'state-5'} does not fit this model (size mismatch for 3.weight: "
    )
    assert str(caught.value).endswith(
        "expected one of the same taxonomy, encoder and options. Give a folder of its own to every training, "
        "or remove this one."
    )


def test_losses_and_scores_reach_a_tracker(tmp_path):
    pytest.importorskip("tensorboard", reason="an extra: pip install 'sentimill[tracking]'")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    _, state = train(tmp_path / "work", trackers=("tensorboard",), tracking_dir=str(tmp_path / "seen"))
    (folder,) = {file.parent for file in (tmp_path / "seen").rglob("events*") if file.parent.name == "test"}
    events = EventAccumulator(str(folder)).Reload()

    assert [event.step for event in events.Scalars("score")] == [5, 10, 15]
    assert [event.value for event in events.Scalars("score")] == pytest.approx(
        [entry["score"] for entry in state.history]
    )


def test_a_process_can_train_in_one_precision_after_another(tmp_path):
    train(tmp_path / "a", precision="no", epochs=1)
    module, state = train(tmp_path / "b", precision="bf16", epochs=1)

    assert state.epoch == 1
    assert next(module.parameters()).dtype == torch.float32


def test_a_trained_model_computes_as_it_will_once_loaded(tmp_path):
    module, _ = train(tmp_path, precision="bf16", epochs=1)
    loaded = model()
    loaded.load_state_dict(load_file(tmp_path / "best.safetensors"))

    assert torch.equal(module.eval()(torch.eye(4)), loaded.eval()(torch.eye(4)))


def test_progress_is_a_share(tmp_path, monkeypatch):
    clock = iter(range(0, 1000, 3))
    monkeypatch.setattr("tasks.pipeline.training.loop.time.monotonic", lambda: float(next(clock)))
    shares = []
    module = model()
    groups = [{"params": module.parameters(), "lr": 0.05}]
    TrainingLoop(
        module, groups, batches, loss_of, held_out_score, options(), tmp_path, "test", shares.append
    ).run()

    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (1 / 15, 1.0)


@pytest.mark.parametrize(
    ("accumulate", "warmup_ratio", "expected"),
    [
        # Of 15 steps, 0.2 are three. Then half a cosine over twelve, from 1 to 0.1.
        (1, 0.2, [1 / 3, 2 / 3, 1.0, 0.985, 0.940, 0.868, 0.775, 0.666, 0.55]),
        (1, 0.0, [0.990, 0.961]),
        (1, 1.0, [step / 15 for step in range(1, 16)]),
        # Three batches per step: two steps per epoch, six in all, of which two are warm-up.
        (3, 0.2, [0.5] * 3 + [1.0] * 2 + [0.868] * 3 + [0.55] * 2 + [0.232] * 3 + [0.1] * 2),
    ],
)
def test_the_rate_rises_over_the_warm_up_and_falls_to_a_tenth(tmp_path, accumulate, warmup_ratio, expected):
    rates = []

    def loss(module, batch):
        rates.append(loop.optimizer.param_groups[0]["lr"] / 0.05)
        return loss_of(module, batch)

    module = model()
    groups = [{"params": module.parameters(), "lr": 0.05}]
    changed = options(gradient_accumulation_steps=accumulate, warmup_ratio=warmup_ratio)
    loop = TrainingLoop(module, groups, batches, loss, held_out_score, changed, tmp_path, "test")
    loop.run()

    assert rates[: len(expected)] == pytest.approx(expected, abs=1e-3)
    if warmup_ratio < 1:
        assert rates[-1] == pytest.approx(0.1)


@given(
    lengths=st.lists(st.integers(1, 300), max_size=80),
    seed=st.integers(0, 99),
    max_rows=st.none() | st.integers(1, 9),
    max_tokens=st.none() | st.integers(1, 600),
)
def test_length_buckets_hold_every_row_once_and_keep_their_limits(lengths, seed, max_rows, max_tokens):
    buckets = length_buckets(lengths, seed, max_rows, max_tokens)

    assert sorted(i for bucket in buckets for i in bucket) == list(range(len(lengths)))
    assert all(buckets)
    if max_rows:
        assert all(len(bucket) <= max_rows for bucket in buckets)
    if max_tokens:
        sizes = [len(bucket) * max(lengths[i] for i in bucket) for bucket in buckets if len(bucket) > 1]
        assert all(size <= max_tokens for size in sizes)


def test_length_buckets_are_decided_by_the_seed():
    lengths = [n % 37 for n in range(200)]

    assert length_buckets(lengths, 1, max_rows=8) == length_buckets(lengths, 1, max_rows=8)
    assert length_buckets(lengths, 1, max_rows=8) != length_buckets(lengths, 2, max_rows=8)


def test_rows_of_a_bucket_have_like_lengths():
    lengths = [n % 37 for n in range(200)]
    spread = [
        max(lengths[i] for i in bucket) - min(lengths[i] for i in bucket)
        for bucket in length_buckets(lengths, 0, max_rows=8)
    ]

    assert max(spread) <= 5


def test_a_wish_for_a_precision_is_granted():
    assert [precision_for(wish) for wish in ("no", "bf16", "fp16")] == ["no", "bf16", "fp16"]


def test_training_takes_bf16_on_a_processor_only_where_it_pays(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert precision_for("auto") == "no"
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    assert precision_for("auto") == "bf16"


def _equal(one, other):
    return all(torch.equal(one.state_dict()[name], value) for name, value in other.state_dict().items())
