"""The line before the processor: short, honest about it, and left by those who go."""

import asyncio
import threading
import time

import pytest

from ionfront.serving.problems import RequestError
from ionfront.serving.queue import WorkQueue


def test_work_is_done_in_order_and_one_at_a_time():
    async def main():
        queue, done, inside = WorkQueue(), [], []

        def work(k):
            inside.append(k)
            time.sleep(0.01)
            done.append(k)
            assert len(inside) == len(done)
            return k

        answers = await asyncio.gather(*(queue.run(lambda k=k: work(k)) for k in range(5)))
        queue.close()
        return answers, done

    assert asyncio.run(main()) == ([0, 1, 2, 3, 4], [0, 1, 2, 3, 4])


def test_who_comes_when_it_is_full_is_sent_away_with_a_time():
    async def main():
        queue, gate = WorkQueue(waiting=1), threading.Event()
        held = [asyncio.create_task(queue.run(gate.wait)) for _ in range(2)]
        await asyncio.sleep(0.05)
        with pytest.raises(RequestError) as refused:
            await queue.run(lambda: None)
        gate.set()
        await asyncio.gather(*held)
        await asyncio.sleep(0)
        assert await queue.run(lambda: "again") == "again"
        queue.close()
        return refused.value

    error = asyncio.run(main())
    assert error.status == 503
    assert int(error.headers["Retry-After"]) >= 1


def test_who_leaves_the_line_is_not_worked_for():
    async def main():
        queue, gate, done = WorkQueue(), threading.Event(), []
        first = asyncio.create_task(queue.run(gate.wait))
        second = asyncio.create_task(queue.run(lambda: done.append("second")))
        await asyncio.sleep(0.05)
        second.cancel()
        await asyncio.sleep(0.05)
        gate.set()
        await first
        await queue.run(lambda: done.append("third"))
        queue.close()
        return done

    assert asyncio.run(main()) == ["third"]


def test_what_takes_too_long_is_said_and_the_line_moves_on():
    async def main():
        queue, gate = WorkQueue(timeout_s=0.05), threading.Event()
        with pytest.raises(RequestError) as late:
            await queue.run(lambda: gate.wait(5))
        gate.set()
        queue._timeout_s = 5
        assert await queue.run(lambda: 1) == 1
        queue.close()
        return late.value.status

    assert asyncio.run(main()) == 504


def test_an_error_of_the_work_is_the_caller_s():
    async def main():
        queue = WorkQueue()

        def fails():
            raise KeyError("x")

        with pytest.raises(KeyError):
            await queue.run(fails)
        await asyncio.sleep(0.01)
        inside = queue.inside
        queue.close()
        return inside

    assert asyncio.run(main()) == 0
