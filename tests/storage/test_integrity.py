"""What the doctor says of a storage: whether it is whole, and what is left open in it."""

import optuna

from lrsearch.storage import examine_storage, open_storage, records
from tests.search.run_helpers import make_config, search


def test_the_doctor_tells_what_is_left_open(folder) -> None:
    """Integrity, room, and for each study its trials: those of dead processes and those that wait are named."""
    url = "sqlite:///lrsearch.db"
    study = search(make_config(), 3)
    study.ask().set_user_attr("worker", f"{records(study)[0].worker.split(':')[0]}:999999999:1")
    study.ask().set_user_attr("worker", "another-machine:1:1")
    study.enqueue_trial({"family": "cosine"})
    optuna.create_study(study_name="plain", storage=open_storage(url))
    findings = {finding.name: finding for finding in examine_storage(url)}
    assert all(finding.ok for finding in findings.values()), findings
    assert "intact, Optuna's schema v" in findings["database"].detail
    said = findings["study tab"].detail
    assert "3 complete, 2 running, 1 waiting" in said
    assert "1 of those running belong to dead processes: the next optimize resumes them" in said
    assert "some run on another-machine" in said
    assert "1 wait for the next optimize" in said
    assert "no trials; not made by lrsearch" == findings["study plain"].detail
    assert ["storage"] == [finding.name for finding in examine_storage("sqlite:///none.db")]
