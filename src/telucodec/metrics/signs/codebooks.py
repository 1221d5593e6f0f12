"""Signs in how often the codes of each codebook were used."""

import numpy as np

from telucodec.metrics.signs.sign import THRESHOLDS, Sign


def signs_of_codebooks(counts: np.ndarray) -> tuple[Sign, ...]:
    """Return the signs in how often each code was used, [K, N] counts. Raises ValueError for another shape or negative counts."""
    counts = np.asarray(counts, np.float64)
    if counts.ndim != 2 or counts.shape[1] < 2 or not np.all(counts >= 0):
        raise ValueError(f"counts of codes are [K, N] and not negative, not {counts.shape}")
    totals, size = counts.sum(axis=1), counts.shape[1]
    books = perplexity(counts)
    unused = [number for number in range(len(counts)) if totals[number] == 0]
    dead = [number for number in range(len(counts)) if totals[number] > 1 and books[number] < THRESHOLDS.min_perplexity]
    least = THRESHOLDS.min_perplexity_share * size
    enough = totals >= 10 * least  # 10 for each code that it needs
    few = [number for number in range(len(counts)) if number not in dead and enough[number] and books[number] < least]
    signs = []
    revive = "start codebooks by k-means on the first batches, revive dead codes, normalise the latents, and lower the commitment weight"
    if dead:
        signs.append(
            Sign(
                "dead codebook",
                f"perplexity {', '.join(f'{books[number]:.2f}' for number in dead)} of {size} codes in {_books(dead)}",
                f"needs {THRESHOLDS.min_perplexity:g}",
                "all latents fall to one code: codes far from where the encoder went, or an encoder that gives the same for everything",
                revive,
                _names(dead),
            )
        )
    if unused:
        signs.append(
            Sign(
                "codebook not used",
                f"no code of {_books(unused)} was chosen",
                "each level is for something",
                "quantizer dropout that never reaches it, or fewer levels at work than are configured",
                "evaluate with all levels, or leave the level out",
                _names(unused),
            )
        )
    if few:
        signs.append(
            Sign(
                "few codes used",
                f"perplexity {', '.join(f'{books[number]:.1f}' for number in few)} of {size} codes in {_books(few)}",
                f"needs {100 * THRESHOLDS.min_perplexity_share:g} %",
                "codes that never win are never trained; or more codes than the data needs",
                f"{revive}; or take a smaller codebook",
                _names(few),
            )
        )
    return tuple(signs)


def perplexity(counts: np.ndarray) -> np.ndarray:
    """2 to the entropy in bits of how codes were used, [K, N] counts -> [K]: codes in use on the average, 1 to N; NaN where none was."""
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.full(counts.shape, np.nan), where=totals > 0)
    return np.exp(-np.sum(shares * np.log(np.where(shares > 0, shares, 1.0)), axis=1))


def _books(numbers: list[int]) -> str:
    return f"codebook{'s' if len(numbers) > 1 else ''} {', '.join(str(number) for number in numbers)}"


def _names(numbers: list[int]) -> tuple[str, ...]:
    return tuple(f"codebook {number}" for number in numbers)
