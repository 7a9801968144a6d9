"""
This module computes how sure or unsure a distribution over classes is.

Every function takes the classes on the last axis and works on any number of rows before it.
Entropies are in nats unless a function says that it normalizes them.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def softmax(logits: Floats, *, temperature: float = 1.0) -> Floats:
    """
    Probabilities of shape [..., classes] from logits of the same shape.

    ``exp(z / T) / sum(exp(z / T))`` with the row's maximum taken off first, so that no logit
    overflows; T above 1 softens as in Guo et al. (2017), section 4.2. A class of -inf gets 0.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = logits / temperature
        grown = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    total = grown.sum(axis=-1, keepdims=True)
    return np.asarray(np.divide(grown, total, out=np.full_like(grown, np.nan), where=total > 0))


def sigmoid(logits: Floats, *, temperature: float = 1.0) -> Floats:
    """
    The probability of the positive class from one logit each, without overflow at either end.
    """
    scaled = logits / temperature
    small = np.exp(-np.abs(scaled))
    return np.where(scaled >= 0, 1.0, small) / (1.0 + small)


def margin(probabilities: Floats) -> Floats:
    """
    Difference between the two largest probabilities, shape [...]; one class leaves its own value.

    Best-versus-second-best of Scheffer, Decomain and Wrobel (2001).
    """
    if probabilities.shape[-1] == 1:
        return np.asarray(probabilities[..., 0])
    top = np.partition(probabilities, -2, axis=-1)
    return np.asarray(top[..., -1] - top[..., -2])


def entropy(probabilities: Floats) -> Floats:
    """
    Shannon entropy ``-sum(p ln p)`` in nats, shape [...], with ``0 ln 0 = 0``.
    """
    logs = np.log(probabilities, out=np.zeros_like(probabilities), where=probabilities > 0)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(0.0 - (probabilities * logs).sum(axis=-1))


def normalized_entropy(probabilities: Floats) -> Floats:
    """
    Entropy over ``ln(classes)``, within 0..1; one class has no entropy.
    """
    classes = probabilities.shape[-1]
    if classes == 1:
        return np.zeros(probabilities.shape[:-1])
    return np.asarray(np.clip(entropy(probabilities) / np.log(classes), 0.0, 1.0))


def mutual_information(members: Floats) -> Floats:
    """
    What the members disagree about, in nats: shape [members, ..., classes] to [...].

    Entropy of the mean less the mean entropy: BALD of Houlsby et al. (2011), the epistemic part
    of the uncertainty in Depeweg et al. (2018). It lies within 0 and ``ln(min(members, classes))``.
    """
    together = entropy(members.mean(axis=0))
    return np.asarray(np.maximum(together - entropy(members).mean(axis=0), 0.0))
