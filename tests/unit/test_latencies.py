from main.monitoring.latencies import Latencies


def test_without_anything_that_happened_there_is_no_figure():
    assert Latencies().quantile(0.5) is None


def test_quantiles_are_of_the_last_ones_only():
    latencies = Latencies(100)
    latencies.extend(range(1000, 2000))
    latencies.extend(range(100))
    assert (latencies.quantile(0.5), latencies.quantile(0.95), latencies.quantile(1.0)) == (50, 95, 99)
    latencies.add(0.0)
    assert len(latencies) == 100
