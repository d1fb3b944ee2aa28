"""By what is a picture that is no digit told? Three ways of training and their scores, on the validation side alone.

    python models/outliers.py [--seeds 0 1 2] [--epochs 8]

The body is `small`, and the networks differ in what they learn of outliers: that they are an eleventh class which
callers never see (`background`, as `train --paper` has it), to be unsure of them (`exposure`), or nothing (`plain`).
Every score of `evidence` is measured on all that the structure's checks let pass, and then on what the evidence of
`rejection.judge` that any network has, confidence and margin, accepts of that. Trained networks are kept in
build/outliers; one that is taken away is trained anew. The test digits are never shown.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from evidence import CLASSES, SCORES, Floats, auroc, softmax
from numpy.typing import NDArray
from PIL import Image

from edgedigits.datasets import Splits, load_splits
from edgedigits.files import write_atomic
from edgedigits.images.decode import read_pixels
from edgedigits.images.normalise import normalise
from edgedigits.images.rejection import DIGIT_PARAMETERS, judge
from edgedigits_train.config import TrainConfig, resolve
from edgedigits_train.training import backend

Grey = NDArray[np.uint8]
Tally = dict[str, dict[str, int]]  # by group and kind

ROOT = Path(__file__).parent.parent
RESULT, KEPT = ROOT / "models" / "outliers.json", ROOT / "build" / "outliers"
# Shares of the rightly answered digits that thresholds let pass, besides the share that confidence and margin do.
LEVELS = (0.99, 0.995)
COUNT = 4_000  # of each kind of noise, for hardly one of a hundred gets past the structure's checks
TUNING_SEED = 1  # benchmarks/reading/catalogue.py


@dataclass(frozen=True, slots=True)
class Seen:
    """What networks are fed: images uint8 ``[N, 28, 28, 1]``, labels (below 0 for no digit), and what each is."""

    images: Grey
    labels: NDArray[np.int64]
    groups: NDArray[np.str_]
    kinds: NDArray[np.str_]

    @classmethod
    def of(cls, validation: Any, pool: Any, samples: Iterable[tuple[str, str, Grey]]) -> Seen:
        """Digits as they are and on paper, the pool's outliers, and what structure leaves of the samples.

        `unchecked` is all noise as nothing but 28x28 pixels.
        """
        rows = []
        for group, kind, grey in samples:
            found = normalise(grey)
            rows += [(group, kind, found.image)] if found.rejection is None else []
            rows += [("unchecked", kind, shrink(grey))] if group == "noise" else []
        names = ["arrays"] * len(validation) + np.where(pool.labels < 0, "outliers", "paper").tolist()
        images = np.stack([image for _, _, image in rows])[..., np.newaxis]
        return cls(
            np.concatenate([validation.images, pool.images, images]),
            np.concatenate([validation.labels, pool.labels, np.full(len(rows), -1)]),
            np.array(names + [group for group, _, _ in rows]),
            np.array(names + [kind for _, kind, _ in rows]),
        )

    def tally(self, mask: NDArray[np.bool_]) -> Tally:
        """How many of each kind are among those."""
        told: Tally = {}
        pairs = zip(self.groups[mask].tolist(), self.kinds[mask].tolist(), strict=True)
        for (group, kind), count in sorted(Counter(pairs).items()):
            told.setdefault(group, {})[kind] = count
        return told


def draw_samples() -> Iterator[tuple[str, str, Grey]]:
    """Group, kind and picture of what is no digit; the typefaces of `letters` are those that training had, too."""
    sys.path.append(str(ROOT / "benchmarks" / "reading"))
    from fonts import tuning_fonts, unseen_fonts
    from letters import letters
    from negatives import negatives
    from phone import empty_cells

    for group, faces in (("letters", tuning_fonts()), ("unseen letters", unseen_fonts())):
        yield from ((group, group, each.image) for each in letters(TUNING_SEED, None, faces))
    for noise in (negatives(TUNING_SEED, COUNT), empty_cells(TUNING_SEED, COUNT)):
        yield from (("noise", each.kind, each.image) for each in noise)


def shrink(grey: Grey) -> Grey:
    """A whole picture as 28x28 pixels, mostly dark."""
    small = np.asarray(Image.fromarray(grey).resize((28, 28), Image.Resampling.BOX))
    return 255 - small if np.median(small) > 127 else small


def learned(name: str, config: TrainConfig, splits: Splits, pool: Any) -> Any:
    """A network, trained if it was not kept."""
    import keras

    from edgedigits_train.data.training_set import TrainingSet
    from edgedigits_train.training.checkpoint import save_plain
    from edgedigits_train.training.loop import new_model, train_epochs

    path = KEPT / f"{name}-{config.epochs}-{config.seed}.keras"
    if path.exists():
        return keras.saving.load_model(path)
    if name == "plain":
        digits = pool.labels >= 0
        pool = replace(pool, images=pool.images[digits], labels=pool.labels[digits], parts=pool.parts[digits])
    material = TrainingSet.of(splits.train, pool, config.label_smoothing)
    if name != "background":
        digits, background = material.targets[:, :CLASSES], material.targets[:, CLASSES:]
        material = replace(material, targets=np.where(background == 1, np.float32(1 / CLASSES), digits))
    model = new_model(config, material)
    for epoch in train_epochs(model, material, splits.validation, config, 0):
        print(f"{path.stem} {epoch.epoch} {epoch.loss:.4f} {epoch.validation_accuracy:.2%}", flush=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_plain(path, model)
    return model


def before_softmax(model: Any) -> Any:
    """The same network with its logits as the answer."""
    import keras

    last = model.layers[-1]
    linear = keras.layers.Dense(last.units, name="logits")
    found = keras.Model(model.inputs, linear(last.input))
    linear.set_weights(last.get_weights())
    return found


def measure(name: str, logits: Floats, seen: Seen, today: float | None) -> dict[str, Any]:
    """What confidence and margin, and each score accept of rightly answered digits and of what is none.

    ``today`` is the share of the digits that scores are to let pass besides `LEVELS`, by default what confidence
    and margin do. Behind them, thresholds are of the digits that it leaves.
    """
    ten = softmax(logits)[:, :CLASSES].astype(np.float32)
    right, none = ten.argmax(axis=1) == seen.labels, seen.labels < 0
    counted, judged = right | none, np.array([judge(row, DIGIT_PARAMETERS) is None for row in ten])
    today = float(judged[right].mean()) if today is None else today
    scores: dict[str, Any] = {}
    for which, function in SCORES[name].items():
        score = function(logits)
        told = scores[which] = {"auroc": {}, "alone": {}, "behind": {}}
        for group in np.unique(seen.groups[none]).tolist():
            told["auroc"][group] = auroc(score[right], score[seen.groups == group])
        for key, level in {**{f"{level:g}": level for level in LEVELS}, "today": today}.items():
            for view, among in (("alone", counted), ("behind", counted & judged)):
                limit = np.quantile(score[among & right], 1 - level)
                told[view][key] = seen.tally(among & (score >= limit))
        del told["behind"]["today"]
    return {"today": today, "right": seen.tally(right), "judged": seen.tally(counted & judged), "scores": scores}


def main() -> None:
    """Train what is missing, measure all, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=8)
    asked = parser.parse_args()
    backend.import_quietly()
    configs = [
        resolve({"model": "small", "preset": "best", "epochs": asked.epochs, "seed": seed}) for seed in asked.seeds
    ]
    backend.set_up(configs[0].threads)
    from edgedigits_train.synthetic.pool_cache import cached_pool
    from edgedigits_train.training.evaluation import predict

    splits = load_splits("mnist", read_pixels)
    parts, processes = (splits.train, splits.validation), configs[0].threads
    train, validation = (cached_pool(data, seed=0, side=side, processes=processes) for side, data in enumerate(parts))
    seen = Seen.of(splits.validation, validation, draw_samples())
    runs: list[dict[str, Any]] = []
    for config in configs:
        today = None
        for name in SCORES:
            model = before_softmax(learned(name, config, splits, train))
            run = measure(name, predict(model, seen.images).astype(np.float64), seen, today)
            today = run["today"]
            runs.append({"network": name, "seed": config.seed, **run})
    whole = {"schema": 1, "epochs": asked.epochs, "seed": TUNING_SEED, "parameters": dict(DIGIT_PARAMETERS)}
    whole |= {"fed": seen.tally(np.full(len(seen.labels), fill_value=True)), "runs": runs}
    write_atomic(RESULT, (json.dumps(whole, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
