"""What TF_CONFIG says: who is the chief, and what is refused."""

import json

import pytest

from unroll.models.cluster import Cluster, ClusterError

TWO = ["10.0.0.1:2222", "10.0.0.2:2222"]


def config(cluster=None, task=None):
    return json.dumps({"cluster": {"worker": TWO} if cluster is None else cluster, "task": task})


def worker(index):
    return {"type": "worker", "index": index}


@pytest.mark.parametrize(
    ("cluster", "task", "number", "leader"),
    [
        ({"worker": TWO}, worker(0), 0, "/job:worker/replica:0/task:0"),
        ({"worker": TWO}, worker(1), 1, "/job:worker/replica:0/task:0"),
        ({"worker": TWO, "chief": ["host:1"]}, {"type": "chief", "index": 0}, 0, "/job:chief/replica:0/task:0"),
        ({"worker": TWO, "chief": ["host:1"]}, worker(0), 1, "/job:chief/replica:0/task:0"),
    ],
)
def test_numbers_and_chief_are_tensorflows(cluster, task, number, leader):
    from tensorflow.python.distribute import multi_worker_util as theirs

    found = Cluster.parse(config(cluster, task))
    assert (found.number, found.leader) == (number, leader)
    assert found.number == theirs.id_in_cluster(cluster, task["type"], task["index"])
    assert found.is_chief == theirs.is_chief(cluster, task["type"], task["index"])
    assert len(found.addresses) == theirs.worker_count(theirs.normalize_cluster_spec(cluster).as_dict(), task["type"])
    assert found.addresses[number] == cluster[task["type"]][task["index"]]
    assert theirs.coordination_leader(cluster) == leader


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "got no TF_CONFIG; want one that names all workers"),
        ("", "got no TF_CONFIG"),
        ("worker 0", "got TF_CONFIG=worker 0, which is no JSON"),
        ("[]", 'TF_CONFIG has the "cluster" null'),
        (config(cluster={}), 'TF_CONFIG has the "cluster" {}; want the addresses of all workers there'),
        (config(cluster={"ps": TWO}), 'has the job "ps" in its cluster; want no others than chief and worker'),
        (config(cluster={"worker": "10.0.0.1:2222"}), 'has "10.0.0.1:2222" for the job "worker"; want a list'),
        (config(cluster={"worker": []}), 'has [] for the job "worker"; want a list of addresses'),
        (config(cluster={"chief": TWO}), "has 2 chiefs; want one, or none"),
        (config(cluster={"worker": ["10.0.0.1"]}), 'has the address "10.0.0.1"; want a host and a port'),
        (config(cluster={"worker": [":2222"]}), 'has the address ":2222"; want a host and a port'),
        (config(cluster={"worker": ["host:0"]}), 'has the address "host:0"; want a host and a port from 1'),
        (config(cluster={"worker": ["host:65536"]}), 'has the address "host:65536"'),
        (config(cluster={"worker": [2222]}), "has the address 2222; want a host and a port"),
        (config(cluster={"worker": TWO[:1] * 2}), "has the address 10.0.0.1:2222 more than once"),
        (config(cluster={"worker": TWO, "chief": TWO[:1]}), "has the address 10.0.0.1:2222 more than once"),
        (config(), 'TF_CONFIG has the "task" null; want the type and the index'),
        (config(task={"index": 0}), "has the task type null; want a job of its cluster: worker;"),
        (config(task={"type": "chief", "index": 0}), 'has the task type "chief"; want a job of its cluster: worker;'),
        (config(task=worker(2)), "has the task index 2; want a whole number from 0 to 1, for its cluster's workers"),
        (config(task=worker(-1)), "has the task index -1; want"),
        (config(task=worker("0")), 'has the task index "0"; want'),
        (config(task=worker(True)), "has the task index true; want"),
        (config(task={"type": "worker"}), "has the task index null; want"),
    ],
)
def test_a_malformed_tf_config_gets_one_error_with_an_example(monkeypatch, text, message):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if text is not None:
        monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ClusterError) as raised:
        Cluster.from_environment()
    said = str(raised.value)
    assert message in said and "\n" not in said
    example = said.partition("such as ")[2]
    assert Cluster.parse(example).number == 0
