"""Who answers: the model learns from attempts, and knows how little it knows."""

import json

import numpy as np
import pytest

from ccmiddleware.dialer.answering import PRIOR_MEAN, AnswerModel, Traits


def test_without_experience_every_lead_has_the_prior() -> None:
    chance = AnswerModel().probability(Traits(10, 1, "mobile", "305").signs())
    assert chance == pytest.approx(PRIOR_MEAN, abs=0.05)


def test_signs_that_matter_are_found() -> None:
    rng = np.random.default_rng(1)
    model = AnswerModel()
    chances = {"mobile": 0.4, "fixed": 0.1}
    for _ in range(3000):
        kind = str(rng.choice(["mobile", "fixed"]))
        traits = Traits(int(rng.integers(9, 20)), int(rng.integers(0, 5)), kind, "305")
        model.learn(traits.signs(), bool(rng.random() < chances[kind]))
    for kind, chance in chances.items():
        found = model.probability(Traits(12, 2, kind, "305").signs())
        assert found == pytest.approx(chance, abs=0.06)


def test_probabilities_are_calibrated() -> None:
    rng = np.random.default_rng(2)
    model = AnswerModel()
    effects = rng.normal(0, 0.7, 40)
    predicted, happened = [], []
    for attempt in range(8000):
        area = int(rng.integers(0, 40))
        answered = bool(rng.random() < 1 / (1 + np.exp(1.1 - effects[area])))
        signs = [f"area={area}"]
        if attempt > 2000:
            predicted.append(model.probability(signs))
            happened.append(answered)
        model.learn(signs, answered)
    assert np.mean(predicted) == pytest.approx(np.mean(happened), abs=0.02)
    high = np.array(predicted) > 0.35
    assert np.mean(np.array(happened)[high]) == pytest.approx(
        np.mean(np.array(predicted)[high]), abs=0.04
    )


def test_a_change_is_followed() -> None:
    model = AnswerModel()
    rng = np.random.default_rng(3)
    for chance in (0.1, 0.5):
        for _ in range(6000):
            model.learn(["area=1"], bool(rng.random() < chance))
    assert model.probability(["area=1"]) == pytest.approx(0.5, abs=0.12)


def test_curiosity_prefers_what_is_little_known() -> None:
    model = AnswerModel()
    for attempt in range(400):
        model.learn(["area=1"], attempt % 4 == 0)
    numbers = np.array([model.numbers(["area=1"]), model.numbers(["area=2"])])
    plain, curious = model.scores(numbers), model.scores(numbers, 1.0)
    assert curious[1] - curious[0] > plain[1] - plain[0]


def test_many_leads_are_judged_as_one_is() -> None:
    model = AnswerModel()
    for attempt in range(100):
        model.learn([f"area={attempt % 3}", "type=mobile"], attempt % 3 == 0)
    signs = [[f"area={area}", "type=mobile"] for area in range(3)]
    together = model.probabilities(np.array([model.numbers(one) for one in signs]))
    assert together.tolist() == pytest.approx([model.probability(one) for one in signs])


def test_many_new_signs_fit_and_unknown_ones_say_nothing() -> None:
    model = AnswerModel()
    for area in range(500):
        model.learn([f"area={area}"], area % 2 == 0)
    assert model.probability(["area=0"]) > model.probability(["area=1"])
    middle = model.probability(["area=none"])
    assert model.probability(["area=1"]) < middle < model.probability(["area=0"])


def test_what_was_learned_survives_as_json() -> None:
    model = AnswerModel()
    for attempt in range(200):
        model.learn(Traits(attempt % 24, attempt % 7, "mobile", "30").signs(), attempt % 5 == 0)
    again = AnswerModel.restored(json.loads(json.dumps(model.export())))
    signs = Traits(7, 6, "mobile", "30").signs()
    assert again.probability(signs) == pytest.approx(model.probability(signs), abs=1e-3)
    assert again.attempts == 200


@pytest.mark.parametrize(
    "state",
    [{}, {"attempts": 1, "bias": [0.1], "signs": {}}, {"attempts": 1, "bias": [0, float("nan")],
     "signs": {}}, {"attempts": 1, "bias": [0, 1], "signs": [1]}],
)  # fmt: skip
def test_a_broken_state_is_refused(state: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no exported model"):
        AnswerModel.restored(state)
