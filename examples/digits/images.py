"""
This module holds the images of the demo: scikit-learn's digits, half of them held out.

The images come from the test set of the UCI "Optical Recognition of Handwritten Digits" and are
part of the scikit-learn package, so nothing is downloaded.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

Images = NDArray[np.float64]
"""Shape [n, 64]: eight by eight pixels, each 0 (paper) to 16 (ink)."""


class Digits(NamedTuple):
    """
    Images and the digits that they show.
    """

    pixels: Images
    labels: NDArray[np.int64]


def split() -> tuple[Digits, Digits]:
    """
    The training half and the held-out half, always the same.
    """
    pixels, labels = load_digits(return_X_y=True)
    trained_x, held_x, trained_y, held_y = train_test_split(
        pixels, labels, test_size=0.5, random_state=0, stratify=labels
    )
    return Digits(trained_x, trained_y), Digits(held_x, held_y)


def features(pixels: ArrayLike) -> dict[str, NDArray[np.float64]]:
    """
    What is followed of each image: its ink, as a whole and in either half.
    """
    frames = np.asarray(pixels, dtype=np.float64).reshape(-1, 8, 8)
    return {
        "ink": frames.mean(axis=(1, 2)),
        "ink_upper": frames[:, :4].mean(axis=(1, 2)),
        "ink_lower": frames[:, 4:].mean(axis=(1, 2)),
    }


def intact(pixels: Images) -> Images:
    """
    The images as they are.
    """
    return pixels


def lower_half_lost(pixels: Images) -> Images:
    """
    The images as a camera sends them that drops the lower four rows of each frame.
    """
    frames: Images = pixels.reshape(-1, 8, 8).copy()
    frames[:, 4:, :] = 0
    lost: Images = frames.reshape(-1, 64)
    return lost
