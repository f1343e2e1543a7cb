"""Which stored study a command reads."""

import pytest

from lrsearch.cli.stored import StoredFlags
from lrsearch.errors import InputError


@pytest.fixture
def _mine(folder):
    (folder / "mine.toml").write_text('name = "other"\n[data]\ndataset = "digits"\n')


@pytest.mark.usefixtures("_mine")
@pytest.mark.parametrize(
    ("study", "study_name", "read"),
    [
        (None, None, None),
        (None, "tab", "tab"),
        ("tab", None, "tab"),
        ("tab/confirm", None, "tab/confirm"),
        ("tab", "tab", "tab"),
        ("fashion_lenet", None, "fashion-lenet"),
        ("fashion_lenet", "tab", "tab"),
        ("mine.toml", None, "other"),
        ("mine.toml", "tab", "tab"),
    ],
)
def test_a_study_is_named_by_its_file_or_by_its_name(study, study_name, read):
    """The name in a study file is replaced by --study-name, as where it is trained; a stored name is taken as it is."""
    assert read == StoredFlags(study, study_name=study_name).name


def test_a_typed_name_comes_before_that_of_the_environment(monkeypatch):
    """LRSEARCH_STUDY is for what is named nowhere else, and for the name in a study file."""
    monkeypatch.setenv("LRSEARCH_STUDY", "tab")
    assert "other" == StoredFlags("other", study_name="tab").name
    assert "tab" == StoredFlags("quick", study_name="tab").name


def test_two_names_of_a_stored_study_are_refused():
    """Nobody knows which of them is meant."""
    with pytest.raises(InputError, match="tab says which study is read: leave out --study-name"):
        _ = StoredFlags("tab", study_name="other").name


def test_a_study_file_that_is_missing_is_named(folder):
    """A path is not taken for a name."""
    with pytest.raises(InputError, match=r"gone\.toml cannot be read"):
        _ = StoredFlags("gone.toml").name


@pytest.mark.parametrize("command", ["trials", "compare", "report", "export", "dashboard"])
def test_every_command_that_reads_a_study_takes_it_as_the_others_do(folder, run, command):
    """As `lrsearch optimize quick` does; what is complained of is the storage, not a word too many."""
    assert "there is no file 'typo.db'" in run(command, "quick", "--storage", "sqlite:///typo.db").complaint


@pytest.mark.parametrize(
    ("words", "left_out"),
    [
        (["compare", "quick", "--scores", "a.csv"], "STUDY"),
        (["compare", "--studies", "a,b", "--scores", "a.csv"], "--studies"),
        (["compare", "--study-name", "tab", "--scores", "a.csv"], "--study-name"),
    ],
)
def test_one_flag_says_what_is_read(run, words, left_out):
    """A table or several studies, and no study besides."""
    assert f"says what is read: leave out {left_out}" in run(*words).complaint
