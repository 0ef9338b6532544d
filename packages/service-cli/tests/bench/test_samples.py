"""What is computed of latencies."""

from __future__ import annotations

from service_cli.bench.samples import Samples, percentile


def samples(*latencies: float, seconds: float = 1.0) -> Samples:
    made = Samples(seconds=seconds)
    for number, latency in enumerate(latencies):
        made.add(seconds * number / len(latencies), latency)
    return made


def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed() -> None:
    ordered = [float(number) for number in range(1, 101)]

    assert [percentile(ordered, rank) for rank in (1, 50, 99, 99.9, 100)] == [1, 50, 99, 100, 100]
    assert percentile([7.0], 50) == 7.0


def test_every_call_is_in_one_bucket_of_the_histogram() -> None:
    buckets = samples(0.001, 0.002, 0.004, 0.008, 0.5).histogram(4)

    assert sum(bucket.count for bucket in buckets) == 5
    assert buckets[0].low == 0.001
    assert abs(buckets[-1].high - 0.5) < 1e-9


def test_equal_latencies_have_a_histogram() -> None:
    assert sum(bucket.count for bucket in samples(0.001, 0.001).histogram()) == 2


def test_no_call_has_no_figures() -> None:
    nothing = Samples()

    assert (nothing.histogram(), nothing.percentiles(), nothing.per_second) == ([], {}, 0.0)


def test_a_run_is_cut_into_spans_by_the_end_of_calls() -> None:
    spans = samples(0.1, 0.2, 0.3, 0.4).slices(2)

    assert [(span.count, span.p99) for span in spans] == [(2, 0.2), (2, 0.4)]
