"""What README and docs talk about: a Keras model of somebody's own, their images, a photograph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from edgedigits_export.lazy_imports import load, quiet

EXPORT = "edgedigits export my-model.keras --calibration my-images -o my-bundle"

# Kinds in the order in which folders are numbered.
SIZE, KINDS = 24, ("cross", "disc", "square")
# Without the 500 that calibrate they are enough to tell a loss of half a point.
EACH = 1000


def shape_image(kind: str, rng: np.random.Generator) -> np.ndarray:
    """A coloured shape on a coloured ground, uint8 ``[24, 24, 3]``."""
    rows, columns = np.mgrid[:SIZE, :SIZE] - rng.uniform(9, 14, (2, 1, 1))
    size = rng.uniform(5, 8)
    inside = {
        "square": np.maximum(abs(rows), abs(columns)) < size,
        "cross": (np.minimum(abs(rows), abs(columns)) < 1.5) & (np.maximum(abs(rows), abs(columns)) < size),
        "disc": np.hypot(rows, columns) < size,
    }[kind]
    ground, ink = rng.integers(0, 90, 3), rng.integers(160, 256, 3)
    return np.where(inside[..., np.newaxis], ink, ground).astype(np.uint8)


def train_shapes(images: np.ndarray, labels: np.ndarray) -> Any:
    """A small model with logits at the end, trained for a few seconds."""
    keras = load("keras")
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(12, 5, strides=2, activation="relu"),
            keras.layers.Conv2D(24, 3, strides=2, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(len(KINDS)),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(3e-3), loss, jit_compile=False)
    model.fit(images.astype(np.float32), labels, epochs=14, batch_size=100, verbose=0)
    return model


def finished(model: Any) -> bytes:
    """The same network converted by somebody else, behind a script that divides pixels by 255."""
    keras = load("keras")
    whole = keras.Sequential([keras.Input((SIZE, SIZE, 3)), keras.layers.Rescaling(255.0), model])
    return bytes(load("tensorflow").lite.TFLiteConverter.from_keras_model(whole).convert())


def make_workplace(folder: Path) -> None:
    """Leave my-model.keras, saved-model/, finished.tflite, my-images/ and pictures in a folder, as the pages assume."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(KINDS)), EACH)
    images = np.stack([shape_image(KINDS[label], rng) for label in labels])
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        place = folder / "my-images" / KINDS[label] / f"{number:05}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place)
    with quiet():
        model = train_shapes(images, labels)
        model.save(folder / "my-model.keras")
        model.export(folder / "saved-model", verbose=False)
        (folder / "finished.tflite").write_bytes(finished(model))
    with np.load(Path(__file__).parents[1] / "data" / "digits.npz") as digits:
        ink = digits["images"][0, ..., 0]
    paper = Image.fromarray(np.pad(255 - ink, 12, constant_values=255)).resize((520, 520))
    paper.save(folder / "photo.jpg")
    paper.save(folder / "picture.jpg")
    page = Image.new("L", (700, 300), 255)
    for left in (60, 260, 460):
        page.paste(paper.resize((180, 180)), (left, 60))
    page.save(folder / "page.jpg")
