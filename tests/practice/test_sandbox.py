"""The sandbox under attack: what it must hold off, what it must survive, and that the tests would see it fail."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from core.errors import LabError
from core.practice.sandbox import LEVELS, Limits, Sandbox
from core.practice.sandbox.attacks import ATTACKS, Attack
from core.practice.sandbox.inside import landlock, seccomp
from core.practice.sandbox.once import FreshWorker
from core.practice.sandbox.sandbox import self_test
from core.practice.sandbox.worker import read_answer

VALUE = {"$": "tensor", "array": np.arange(3, dtype="float32"), "dtype": "float32"}
walls = pytest.mark.skipif(not (landlock.version() and seccomp.available()), reason="needs Landlock and seccomp")


def job(body: str, count: int = 1, head: str = "") -> dict:
    lines = "\n".join("    " + line for line in body.splitlines())
    cases = [{"arguments": {"x": VALUE}} for _ in range(count)]
    return {"code": f"{head}\ndef f(x):\n{lines}\n", "target": "f", "cases": cases}


def only(*names: str) -> tuple[Attack, ...]:
    return tuple(attack for attack in ATTACKS if attack.name in names)


def returned(outcome) -> object:
    assert outcome.status == "done", outcome
    assert outcome.result["error"] is None, outcome.result["error"]
    return outcome.result["records"][0]["output"]


@pytest.mark.parametrize("attack", [attack.name for attack in ATTACKS])
def test_every_attack_is_held_off(sandbox, attack):
    assert sandbox.published().attacks[attack]


@walls
def test_landlock_and_seccomp_hold_without_namespaces():
    confined = Sandbox("kernel")
    try:
        isolation = confined.start()
        assert isolation.level == "kernel" and isolation.trusted
        assert [name for name, held in isolation.attacks.items() if not held] == []
        assert not isolation.stands["bubblewrap"]
    finally:
        confined.close()


@walls
def test_one_wall_alone_is_not_trusted():
    """Seccomp without Landlock lets files be read: the self-test must see it, or it proves nothing."""
    confined = Sandbox("partial", attacks=only("read_file", "subprocess"))
    try:
        isolation = confined.start()
        assert isolation.level == "partial" and not isolation.trusted
        assert not isolation.attacks["read_file"]
        assert isolation.attacks["subprocess"]
    finally:
        confined.close()


def test_without_walls_the_attacks_get_through():
    """The way of last resort, which confines nothing: it works, and the self-test sees that it is open."""
    worker = FreshWorker()
    try:
        assert self_test(worker.run, only("read_file")) == {"read_file": False}
        assert returned(worker.run(job("return x + 1"), Limits()))["array"].tolist() == [1, 2, 3]
    finally:
        worker.close()


@pytest.mark.parametrize(
    ("asked", "highest"), [("strong", "strong"), ("kernel", "kernel"), ("strng", "off"), ("", "off")]
)
def test_the_environment_can_only_lower_the_level(monkeypatch, asked, highest):
    monkeypatch.setenv("DISTILLERY_SANDBOX", asked)
    assert Sandbox()._highest == highest
    assert LEVELS[-1] == "strong"  # nothing is above what a sandbox aims at without being asked


def test_switched_off_nothing_runs():
    with pytest.raises(LabError) as error:
        Sandbox("off").run(job("return x"))
    assert error.value.code == "sandbox_off"


def test_nothing_of_the_project_is_in_the_process(sandbox):
    body = (
        "import sys\nreturn sorted(name for name in sys.modules if name.split('.')[0] in ('core', 'lessons', 'pages'))"
    )
    assert returned(sandbox.run(job(body))) == []
    assert returned(sandbox.run(job("import os\nreturn sorted(os.environ)"))) != []
    assert "HOME" not in returned(sandbox.run(job("import os\nreturn sorted(os.environ)")))


def test_one_submission_leaves_nothing_to_the_next(sandbox):
    sandbox.run(job("import torch\ntorch.left = 'behind'\nreturn x"))
    assert returned(sandbox.run(job("import torch\nreturn hasattr(torch, 'left')"))) is False


@pytest.mark.parametrize(
    "forged",
    [
        "b'\\x00\\x00\\x00\\x04abcd'",
        "b'\\xff\\xff\\xff\\xff'",
        "__import__('pickle').dumps({'records': []})",
        "__import__('struct').pack('>II', 20, 16) + b'{\"tree\": 1, \"sizes\": []}'[:16]",
    ],
)
def test_a_forged_answer_is_no_answer(sandbox, forged):
    outcome = sandbox.run(job(f"import os\nos.write(3, {forged})\nos._exit(0)"))
    assert outcome.status == "garbled" and outcome.result is None


def test_an_answer_that_lacks_a_part_is_refused():
    from core.practice.sandbox.inside import wire

    for result in (
        {},
        {"records": []},
        [],
        {"records": [1], "error": None, "printed": "", "cut": False, "seconds": 0.1},
    ):
        message = wire.pack(result)
        assert read_answer(len(message).to_bytes(4, "big") + message, 0.1).status == "garbled"


def test_what_is_printed_comes_back_and_is_cut(sandbox):
    outcome = sandbox.run(job("print('here', x.shape)\nreturn x"))
    assert outcome.result["printed"] == "here torch.Size([3])\n"
    long = sandbox.run(job("print('y' * 10**6)\nreturn x"))
    assert len(long.result["printed"]) == 20_000 and long.result["cut"]


def test_thirty_at_once_all_get_their_own_answer(sandbox):
    """None is lost and none gets another's, also with endless loops among them."""
    answers: dict[int, object] = {}

    def submit(number: int) -> None:
        body = "while True:\n    pass" if number in (3, 17) else f"return {number}"
        answers[number] = sandbox.run(job(body), Limits(wall=1.0, cpu=1.0))

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == list(range(30))
    for number, outcome in answers.items():
        if number in (3, 17):
            assert outcome.status == "time"
        else:
            assert returned(outcome) == number


def test_a_lost_process_is_replaced_behind_the_same_walls(sandbox):
    before = sandbox._worker
    before.close()
    assert returned(sandbox.run(job("return 7"))) == 7
    assert sandbox._worker is not before
    assert {wall: bool(stands) for wall, stands in sandbox._worker.stands.items()} == {
        wall: bool(stands) for wall, stands in before.stands.items()
    }
    body = "return open('/etc/passwd').read()"
    assert sandbox.run(job(body)).result["error"]["type"] in ("PermissionError", "FileNotFoundError")


def test_gradients_and_inputs_come_back(sandbox):
    x = VALUE | {"gradient": True}
    asked = {"code": "def f(x):\n    return x * x\n", "target": "f", "cases": [{"arguments": {"x": x}}]}
    record = sandbox.run(asked).result["records"][0]
    assert record["output"]["array"].tolist() == [0, 1, 4]
    assert record["after"]["x"]["array"].tolist() == [0, 1, 2]
    assert record["gradients"]["x"]["array"].shape == (3,) and np.any(record["gradients"]["x"]["array"])
