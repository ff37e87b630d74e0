"""Looks: two inks where two are promised, tones kept, and corpora that know their look."""

from __future__ import annotations

import numpy as np
import pytest

from wbclib import corpora
from wbclib.corpora import looks
from wbclib.files import UserError
from wbclib.options import CorpusSpec


def flat(value: int) -> np.ndarray:
    return np.full((240, 240, 3), value, np.uint8)


def test_screentone_is_black_and_white_and_keeps_the_order_of_tones() -> None:
    shares = [looks.screentone(flat(value)).mean() / 255 for value in range(0, 256, 15)]
    assert shares[0] == 0 and shares[-1] == 1
    assert (np.diff(shares) >= 0).all()
    assert looks.screentone(flat(127)).mean() / 255 == pytest.approx(0.5, abs=0.02)
    printed = looks.screentone(flat(160))
    assert set(np.unique(printed)) == {0, 255} and (printed == printed[..., :1]).all()


def test_duotone_lies_on_the_line_between_two_inks() -> None:
    assert (looks.duotone(flat(0))[0, 0] == [20, 32, 84]).all()
    assert (looks.duotone(flat(255))[0, 0] == [255, 236, 200]).all()
    green = looks.duotone(np.full((4, 4, 3), [0, 255, 0], np.uint8))[0, 0]
    np.testing.assert_allclose(green, [20 + 0.587 * 235, 32 + 0.587 * 204, 84 + 0.587 * 116], atol=0.5)


def test_linocut_is_black_where_it_is_darker_than_around() -> None:
    dark = flat(200)
    dark[100:140, 100:140] = 60
    cut = looks.linocut(dark)[..., 0]
    assert set(np.unique(cut)) == {0, 255}
    assert (cut[110:130, 104] == 0).all() and cut[20, 20] == 255 and cut[120, 98] == 255


def test_poster_has_three_levels_of_each_channel() -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    found = looks.poster(np.stack([ramp, ramp[::-1], ramp.T], -1))
    assert set(np.unique(found)) == {0, 128, 255}
    assert found[0, 0, 0] == 0 and found[-1, -1, 0] == 255 and found[8, 0, 0] == 128


def test_a_corpus_in_a_look_is_another_corpus(study: object) -> None:
    plain, toned = (corpora.load(CorpusSpec(kind="toon", count=3, size=64, look=look)) for look in ("", "screentone"))
    assert toned.name == "toon, screentone" and len(toned) == 3
    assert (
        plain.digest() != toned.digest() != corpora.load(CorpusSpec("toon", count=3, size=64, look="duotone")).digest()
    )
    np.testing.assert_array_equal(toned.image(1), looks.screentone(plain.image(1)))
    with pytest.raises(UserError, match="unknown look 'oil'; known are: screentone, duotone, linocut, poster"):
        corpora.load(CorpusSpec(kind="toon", count=3, size=64, look="oil"))
