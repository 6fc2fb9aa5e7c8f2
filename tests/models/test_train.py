"""Both unrolls learn the same; a training goes on where it was; what goes wrong is said, and nothing is lost."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from unroll.models import train as training
from unroll.models.checkpoint import CheckpointError, read_checkpoint, save_checkpoint
from unroll.models.data import Dataset, Split, load
from unroll.models.network import cross_entropy
from unroll.models.settings import choose_settings
from unroll.models.train import Diverged, Images, Trainer, is_kept, load_network, train

DIGITS = load("digits")


def settings_of(unroll="dynamic", **more):
    small = {"hidden": 8, "batch": 16, "steps": 6, "updates": 12, "steps_per_call": 4}
    return choose_settings(data=DIGITS.name, examples=1437, unroll=unroll, **(small | more))


def trainer_of(unroll="dynamic", **more) -> Trainer:
    settings = settings_of(unroll, **more)
    return Trainer(settings, Images.of(DIGITS, settings))


def run(trainer, **more):
    return [point for points in train(trainer, "id", **more) for point in points]


def weights(trainer):
    return [variable.numpy() for variable in trainer.network.variables]


def right_in(logits, labels):
    return np.sum(np.argmax(logits, axis=1) == np.asarray(labels))


def assert_same_weights(one, other):
    for first, second in zip(weights(one), weights(other), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.fixture(scope="module")
def finished():
    """A small training that nothing stopped, with its points."""
    trainer = trainer_of()
    return trainer, run(trainer)


@pytest.fixture(scope="module")
def twins():
    """Both unrolls, 200 updates in double precision from the same seed."""
    many = {"dtype": "float64", "steps": 28, "batch": 32, "hidden": 24, "updates": 200, "steps_per_call": 50}
    trainers = {unroll: trainer_of(unroll, **many) for unroll in ("static", "dynamic")}
    return {unroll: (trainer, run(trainer)) for unroll, trainer in trainers.items()}


def test_the_same_seed_gives_the_same_losses_with_either_unroll(twins):
    static, dynamic = (np.array([point.loss for point in points]) for _, points in twins.values())
    assert len(static) == 200
    assert static[-20:].mean() < 0.6 * static[:20].mean()
    np.testing.assert_allclose(static, dynamic, rtol=0, atol=1e-9)


def test_weights_saved_by_one_unroll_load_into_the_other(twins, tmp_path):
    images = tf.constant(DIGITS.test.images[:5], tf.float64)
    for unroll, other in (("static", "dynamic"), ("dynamic", "static")):
        trainer, _ = twins[unroll]
        path = save_checkpoint(tmp_path / unroll, trainer.checkpoint("id"))
        network, settings = load_network(path, other)
        assert settings.unroll == other
        np.testing.assert_allclose(network.forward(images), trainer.network.forward(images), rtol=0, atol=1e-12)


def test_a_training_saved_with_one_unroll_goes_on_with_the_other(twins):
    static, dynamic = twins["static"][0], twins["dynamic"][0]
    found = []
    for trainer in (static, dynamic):
        onward = Trainer(replace(dynamic.settings, updates=210, steps_per_call=10), dynamic.images)
        onward.restore(trainer.checkpoint("id"))
        assert [point.update for point in run(onward)] == list(range(201, 211))
        found.append(weights(onward))
    for one, other, before in zip(*found, weights(static), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-9)
        assert np.abs(one - before).max() > 1e-3


def test_points_are_of_the_batch_before_its_update(finished):
    trainer, points = finished
    fresh = trainer_of()
    images, labels = next(iter(training.batches(fresh.images.train, 16, seed=0)))
    logits = fresh.network.forward(images)
    assert points[0].loss == pytest.approx(float(cross_entropy(logits, labels)))
    assert points[0].accuracy == pytest.approx(right_in(logits, labels) / 16)
    assert [point.update for point in points] == list(range(1, 13))
    assert sorted(point.seconds for point in points) == [point.seconds for point in points]
    assert points[-1].seconds == round(trainer.seconds, 3) > 0
    assert len(str(points[0].loss)) < 12  # of a float32, no more digits than it has


def test_the_first_update_is_adams():
    """Adam's first step moves every weight by nearly the learning rate against the sign of its gradient."""
    trainer = trainer_of(updates=1, dtype="float64")
    images, labels = next(iter(training.batches(trainer.images.train, 16, seed=0, dtype="float64")))
    _, _, gradients = trainer.network.gradients(images, labels)
    before = weights(trainer)
    run(trainer)
    for old, new, gradient in zip(before, weights(trainer), gradients, strict=True):
        gradient, epsilon = gradient.numpy(), trainer.settings.epsilon / np.sqrt(1 - 0.999)
        expected = -trainer.settings.learning_rate * gradient / (np.abs(gradient) + epsilon)
        np.testing.assert_allclose(new - old, expected, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("steps_per_call", [1, 5])
def test_how_many_updates_a_call_takes_changes_nothing(finished, steps_per_call):
    trainer = trainer_of(steps_per_call=steps_per_call)
    points = run(trainer)
    assert_same_weights(trainer, finished[0])
    assert [point[:3] for point in points] == [point[:3] for point in finished[1]]
    assert trainer.run.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("stopped_after", [4, 8])
def test_a_training_that_goes_on_ends_with_the_same_weights(finished, tmp_path, stopped_after):
    path = tmp_path / "saved"
    first = trainer_of(updates=20)
    points = run(first, save=path, stop=lambda: first.done >= stopped_after)
    assert len(points) == first.done == stopped_after
    second = trainer_of(steps_per_call=3)
    second.restore(read_checkpoint(path))
    assert (second.done, second.seconds) == (stopped_after, first.seconds)
    later = run(second, save=path)
    assert [point[:3] for point in points + later] == [point[:3] for point in finished[1]]
    assert_same_weights(second, finished[0])
    assert read_checkpoint(path).update == 12


def test_it_is_saved_at_the_start_every_so_many_updates_and_at_the_end(tmp_path):
    path, saved = tmp_path / "saved", []
    trainer = trainer_of(updates=14, steps_per_call=3)
    for _ in train(trainer, "id", save=path, save_every=5):
        saved.append(read_checkpoint(path).update)
    assert saved == [0, 0, 6, 6, 12]
    assert read_checkpoint(path).update == 14


@pytest.mark.parametrize(("answers", "done"), [([True], 0), ([False, True], 4), ([False, False, True], 8)])
def test_it_is_asked_once_before_each_call_whether_to_stop_and_then_saved(tmp_path, answers, done):
    asked = iter(answers)
    trainer = trainer_of()
    run(trainer, save=tmp_path / "saved", stop=lambda: next(asked))
    assert trainer.done == done
    assert read_checkpoint(tmp_path / "saved").update == done


def test_what_is_finished_is_only_tested(finished, tmp_path):
    trainer = trainer_of()
    trainer.restore(finished[0].checkpoint("id"))
    assert run(trainer) == []
    assert trainer.evaluate()[:3] == finished[0].evaluate()[:3]


def test_the_test_covers_all_images(finished):
    trainer, _ = finished
    found = trainer.evaluate()
    logits = trainer.network.forward(tf.constant(trainer.images.test.images))
    assert found.update == 12
    assert found.test_accuracy == right_in(logits, trainer.images.test.labels) / 360
    assert found.test_loss == pytest.approx(float(cross_entropy(logits, trainer.images.test.labels)), rel=1e-5)
    assert found.examples_per_second > 0


def test_images_are_cut_to_the_rows_asked_for():
    images = Images.of(DIGITS, settings_of(steps=6))
    np.testing.assert_array_equal(images.train.images, DIGITS.train.images[:, 11:17])
    assert len(images.test.images) == 360


def test_a_tutorial_holds_the_first_images_of_mnist_back():
    def of(count, tutorial):
        split = Split(np.zeros([count, 28, 28], np.float32), np.arange(count, dtype=np.int32))
        settings = choose_settings(data="mnist", examples=55_000, tutorial=tutorial)
        return Images.of(Dataset("mnist", split, DIGITS.test), settings).train

    assert of(60_000, "002").labels[0] == 5000 and len(of(60_000, "002").labels) == 55_000
    assert len(of(60_000, None).labels) == 60_000
    assert len(of(59_000, "002").labels) == 59_000


@pytest.fixture
def exploding(monkeypatch):
    """A trainer whose loss becomes NaN at its seventh update."""
    trainer = trainer_of()
    update = trainer.update

    def explode(images, labels):
        loss, right = update(images, labels)
        return tf.where(trainer.optimiser.iterations == 7, np.float32("nan"), loss), right

    monkeypatch.setattr(trainer, "update", explode)
    return trainer


def test_a_loss_that_becomes_nan_stops_and_keeps_the_last_good_checkpoint(exploding, tmp_path):
    path = tmp_path / "saved"
    with pytest.raises(
        Diverged, match=r"the loss became nan at update 7; .*saved keeps the weights of update 4: begin"
    ):
        run(exploding, save=path, save_every=1)
    found = read_checkpoint(path)
    assert found.update == 4
    assert all(np.isfinite(weight).all() for weight in found.weights.values())


def test_a_loss_that_becomes_nan_says_so_without_a_checkpoint_too(exploding):
    with pytest.raises(Diverged, match="at update 7; nothing was saved, for want of --save"):
        run(exploding)


def test_weights_that_are_no_numbers_are_never_saved(finished, tmp_path):
    path = tmp_path / "saved"
    trainer = trainer_of(updates=4)
    steps = train(trainer, "id", save=path, save_every=1)
    next(steps)
    trainer.network.bias.assign(tf.fill([10], np.float32("nan")))
    with pytest.raises(Diverged, match=r"a weight became NaN or infinite at update 4; .*update 0"):
        next(steps)
    assert read_checkpoint(path).update == 0


def test_a_learning_rate_that_is_far_too_large_diverges_by_itself():
    with pytest.raises(Diverged, match=r"the loss became (nan|inf) at update"):
        run(trainer_of(learning_rate=1e38))


def test_a_checkpoint_that_cannot_be_written_is_known_before_the_first_update(tmp_path):
    trainer = trainer_of()
    with pytest.raises(CheckpointError, match="cannot write the checkpoint"):
        run(trainer, save=tmp_path / "nowhere" / "saved")
    assert trainer.done == 0


def test_a_checkpoint_of_another_training_is_refused_and_changes_nothing(finished):
    before = weights(trainer_of(seed=1))
    trainer = trainer_of(seed=1)
    with pytest.raises(CheckpointError, match="cannot go on with a training that has seed 0, not 1"):
        trainer.restore(finished[0].checkpoint("id"))
    for old, new in zip(before, weights(trainer), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_checkpoint_whose_arrays_are_of_other_sizes_is_refused(finished):
    good = finished[0].checkpoint("id")
    with pytest.raises(CheckpointError, match=r"the checkpoint's weights are .*it is damaged"):
        trainer_of().restore(replace(good, weights=good.weights | {"kernel": np.ones([3, 3])}))
    with pytest.raises(CheckpointError, match="optimiser is of another form"):
        trainer_of().restore(replace(good, optimiser=good.optimiser[:-1]))


def test_points_are_kept_at_the_first_and_last_and_every_tenth_update():
    settings = settings_of(updates=25)
    points = [training.Point(update, 1.0, 1.0, 0.0) for update in range(1, 26)]
    assert [point.update for point in points if is_kept(point, settings)] == [1, 10, 20, 25]
