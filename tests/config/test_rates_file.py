"""Files of learning rates."""

import pytest

from lrsearch.config import StudyConfig
from lrsearch.config.rates_file import read_rates
from lrsearch.errors import InputError


@pytest.mark.parametrize(
    ("text", "rates", "boundaries"),
    [
        ("0.1\n0.2\n0.05\n", (0.1, 0.2, 0.05), None),
        ("lr\n0.1\n\n0.2", (0.1, 0.2), None),
        ("step,lr\n0,0.1\n100,0.01\n", (0.1, 0.01), (100,)),
        ("# of the old script\nstep, lr\n0, 1e-1\n1, 2e-1\n", (0.1, 0.2), None),
        ("\ufeff0,0.1\r\n", (0.1,), ()),
    ],
)
def test_rates_or_pairs(tmp_path, text, rates, boundaries) -> None:
    """With or without a header, comments and blank lines; pairs for every step are one rate for each."""
    path = tmp_path / "rates.csv"
    path.write_text(text, encoding="utf-8")
    table = read_rates(path)
    assert (rates, boundaries) == (table.rates, table.boundaries)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "cannot be read: No such file"),
        ("", "must hold one rate for each update, or step,rate pairs, and hold none"),
        ("step,lr\n", "and hold none"),
        ("0.1\n-0.2\n", r"line 2: a rate must be a finite number >= 0, got -0.2"),
        ("0.1\nnan\n", "line 2: a rate must be .*got nan"),
        ("0.1\ninf\n", "line 2: a rate must be .*got inf"),
        ("0.1\nslow\n", "line 2: it must hold numbers, got 'slow'"),
        ("0.1;0.2\n0.1\n", None),
        ("0.1\n0,0.2\n", "line 2: it must hold one rate, or step,rate, in every line alike"),
        ("0,0.1\n5,0.2\n5,0.1\n", "steps must be whole numbers that rise, got 5 after 5"),
        ("3,0.1\n", "steps must begin at 0, got 3"),
        ("0.1\n" * 100_001, "at most 100000, got 100001"),
        ("0.1\n" * 1_100_000, "larger than the limit of 4 MiB"),
        ("\x00", "hold"),
    ],
)
def test_what_is_no_table_of_rates_is_refused(tmp_path, text, complaint) -> None:
    """In one line that names the file and the line."""
    path = tmp_path / "rates.csv"
    if text is not None:
        path.write_text(text)
    if complaint is None:
        assert read_rates(path).rates == (0.1,)
        return
    with pytest.raises(InputError, match=complaint) as raised:
        read_rates(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_study_file_holds_the_rates_themselves(tmp_path, monkeypatch) -> None:
    """The path counts from the study file; what is stored needs no file, and holds equal schedules."""
    (tmp_path / "rates.csv").write_text("0,0.1\n5,0.2\n")
    study = tmp_path / "study.toml"
    study.write_text(
        '[[baseline]]\nname = "mine"\nrates = "rates.csv"\n'
        '[[baseline]]\nname = "both"\nboundaries = [3]\n'
        'parts = [{ family = "linear", base_lr = 0.3 }, { rates = "rates.csv" }]\n'
    )
    monkeypatch.chdir("/")
    config = StudyConfig.load(study)
    (tmp_path / "rates.csv").unlink()
    again = StudyConfig.from_dict(config.model_dump(mode="json"))
    assert config == again
    mine, both = (baseline.schedule(epochs=5, steps_per_epoch=4) for baseline in again.baseline)
    assert [0.1, 0.2] == mine.lr([4, 5]).tolist()
    assert [0.3, 0.1, 0.1, 0.2] == both.lr([0, 3, 7, 8]).tolist()


def test_a_name_that_no_file_can_have_is_refused(tmp_path) -> None:
    """In one line, before the file is looked for."""
    study = tmp_path / "study.toml"
    study.write_text('[[baseline]]\nname = "mine"\nrates = "a\\u0000b"\n')
    with pytest.raises(InputError, match="NUL character"):
        StudyConfig.load(study)
