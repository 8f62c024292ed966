"""The fault proxy does what it is told to connections, and nothing else."""

import contextlib
import random
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from main.database.address import Address
from tests.chaos.fault_proxy import CHUNK, CHUNKS_WAITING, FaultProxy
from tests.running import until

PATIENCE = 10.0
SILENCE = 0.15  # seconds in which what must not come would long have come


class Server:
    """Listens; hands out the server's ends of connections."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE)
        self.address = Address("127.0.0.1", self._listener.getsockname()[1], "d", "u")

    def take(self) -> socket.socket:
        taken, _ = self._listener.accept()
        taken.settimeout(PATIENCE)
        return taken

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def proxy(server: Server) -> Iterator[FaultProxy]:
    with FaultProxy(server.address) as made:
        yield made


def client_of(proxy: FaultProxy) -> socket.socket:
    return socket.create_connection((proxy.address.host, proxy.address.port), timeout=PATIENCE)


@contextlib.contextmanager
def connected(proxy: FaultProxy, server: Server) -> Iterator[tuple[socket.socket, socket.socket]]:
    """The client's and the server's end of one connection that works."""
    with client_of(proxy) as client, server.take() as served:
        client.sendall(b"?")
        assert served.recv(1) == b"?"
        served.sendall(b"!")
        assert client.recv(1) == b"!"
        yield client, served


def received(from_: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size and (data := from_.recv(size - len(got))):
        got += data
    return got


def silent(from_: socket.socket) -> bool:
    from_.settimeout(SILENCE)
    try:
        from_.recv(1)
    except TimeoutError:
        return True
    else:
        return False
    finally:
        from_.settimeout(PATIENCE)


def is_reset(end: socket.socket) -> bool:
    try:
        while end.recv(4096):
            pass
    except ConnectionResetError:
        return True
    return False


@settings(max_examples=20, deadline=None)
@given(
    chunks=st.lists(st.integers(1, 5000), min_size=1, max_size=8),
    latency=st.sampled_from([0.0, 0.003]),
    jitter=st.sampled_from([0.0, 0.01]),
    rate=st.sampled_from([None, 400_000.0]),
    up=st.booleans(),
)
def test_every_byte_arrives_once_and_in_order_however_slow_the_way_is(chunks, latency, jitter, rate, up):
    server = Server()
    try:
        with FaultProxy(server.address) as proxy, connected(proxy, server) as (client, served):
            proxy.delay(latency, jitter)
            proxy.throttle(rate)
            source, target = (client, served) if up else (served, client)
            sent = b"".join(random.Random(each).randbytes(each) for each in chunks)
            at = 0
            for size in chunks:
                source.sendall(sent[at : at + size])
                at += size
            assert received(target, len(sent)) == sent
    finally:
        server.close()


def test_the_end_of_one_direction_is_passed_on_and_the_other_goes_on(proxy, server):
    with connected(proxy, server) as (client, served):
        client.shutdown(socket.SHUT_WR)
        assert served.recv(1) == b""
        served.sendall(b"still here")
        assert received(client, 10) == b"still here"
        served.close()
        assert client.recv(1) == b""
    until(lambda: proxy.connections == 0, PATIENCE, "the connection is over")


def test_a_delay_holds_every_byte_back_in_the_direction_it_is_for(proxy, server):
    with connected(proxy, server) as (client, served):
        proxy.delay(0.3, directions=("down",))
        client.sendall(b"up")
        assert received(served, 2) == b"up"
        began = time.monotonic()
        served.sendall(b"down")
        assert received(client, 4) == b"down"
        assert time.monotonic() - began >= 0.3


def test_a_throttle_lets_so_many_bytes_a_second_pass(proxy, server):
    with connected(proxy, server) as (client, served):
        proxy.throttle(20_000)
        began = time.monotonic()
        served.sendall(b"x" * 8_000)
        assert received(client, 8_000) == b"x" * 8_000
        assert time.monotonic() - began >= 0.35


def test_what_is_frozen_is_silent_and_comes_whole_after_the_thaw(proxy, server):
    with connected(proxy, server) as (client, served):
        proxy.freeze()
        served.sendall(b"late")
        served.close()
        assert silent(client)
        client.sendall(b"a frozen answer does not keep the question")
        proxy.freeze(False)
        assert received(client, 4) == b"late"


def test_a_frozen_connection_holds_little_and_makes_its_sender_wait(proxy, server):
    with connected(proxy, server) as (client, served):
        proxy.freeze(directions=("up",))
        client.settimeout(0.5)
        with pytest.raises(TimeoutError):
            client.sendall(b"x" * 50_000_000)
        assert CHUNK * CHUNKS_WAITING < 1_000_000
        proxy.clear()
        assert len(received(served, 1_000_000)) == 1_000_000


def test_the_end_of_a_connection_is_not_told_while_it_is_frozen(proxy, server):
    with connected(proxy, server) as (client, served):
        proxy.freeze(directions=("up",))
        client.close()
        assert silent(served)
        proxy.freeze(False, directions=("up",))
        assert served.recv(1) == b""


def test_what_is_swallowed_never_arrives_and_its_connection_is_reset_in_the_end(proxy, server):
    with connected(proxy, server) as (client, served):
        proxy.swallow(directions=("up",))
        client.sendall(b"lost")
        assert silent(served)
        served.sendall(b"not lost")
        assert received(client, 8) == b"not lost"
        proxy.clear()
        assert is_reset(client)
        assert is_reset(served)
    with connected(proxy, server):
        pass


@pytest.mark.parametrize(("end", "reset"), [(FaultProxy.reset, True), (FaultProxy.cut, False)])
def test_connections_are_ended_on_both_sides_at_once(proxy, server, end, reset):
    with connected(proxy, server) as one, connected(proxy, server) as other:
        assert end(proxy) == 2
        assert [is_reset(each) for each in (*one, *other)] == [reset] * 4
        assert proxy.connections == 0
    with connected(proxy, server):
        assert proxy.connections == 1


def test_a_reset_by_one_side_reaches_the_other_as_a_reset(proxy, server):
    with connected(proxy, server) as (client, served):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        client.close()
        assert is_reset(served)


@pytest.mark.parametrize("told", ["up", "down"])
def test_one_side_of_a_half_open_connection_learns_nothing_until_the_weather_clears(proxy, server, told):
    with connected(proxy, server) as (client, served):
        assert proxy.half_open(told=told) == 1
        knows, believes = (served, client) if told == "up" else (client, served)
        assert is_reset(knows)
        believes.sendall(b"hello?")
        assert silent(believes)
        with connected(proxy, server):
            assert proxy.connections == 2  # those that come later are whole
        proxy.clear()
        assert is_reset(believes)


def test_refused_clients_find_nobody_and_the_port_stays_the_same(proxy, server):
    before = proxy.address
    with connected(proxy, server) as (client, served):
        proxy.refuse()
        assert is_reset(client)
        assert is_reset(served)
        with pytest.raises(ConnectionRefusedError):
            client_of(proxy)
    proxy.accept()
    assert proxy.address == before
    with connected(proxy, server):
        pass


def test_clear_also_listens_again(proxy, server):
    proxy.refuse()
    proxy.clear()
    with connected(proxy, server):
        pass


def test_a_mute_proxy_takes_connections_and_says_nothing(proxy, server):
    proxy.mute = True
    with client_of(proxy) as client:
        client.sendall(b"hello?")
        assert silent(client)
        proxy.clear()
        assert is_reset(client)
    with connected(proxy, server):
        pass


def turned_away(proxy: FaultProxy) -> bool:
    """Whether a new client is reset, be it while it still connects."""
    try:
        with client_of(proxy) as client:
            return is_reset(client)
    except ConnectionResetError:
        return True


def test_without_a_server_a_client_is_reset(proxy, server):
    server.close()
    assert turned_away(proxy)


def test_connections_beyond_the_most_are_reset(server):
    with FaultProxy(server.address, most=2) as proxy, connected(proxy, server), connected(proxy, server):
        assert turned_away(proxy)
        assert (proxy.accepted, proxy.refused) == (3, 1)


def test_a_target_may_move_and_connections_made_later_go_there(proxy, server):
    other = Server()
    try:
        with connected(proxy, server) as (client, served):
            proxy.target = other.address
            with connected(proxy, other):
                client.sendall(b"old way")
                assert received(served, 7) == b"old way"
    finally:
        other.close()


def test_the_same_seed_chooses_the_same_connections(server):
    def ended(seed: int) -> list[bool]:
        with FaultProxy(server.address, seed=seed) as proxy, contextlib.ExitStack() as stack:
            clients = [stack.enter_context(connected(proxy, server))[0] for _ in range(8)]
            assert proxy.cut(0.5) == 4
            return [not silent(each) for each in clients]

    first = ended(1)
    assert ended(1) == first
    assert any(ended(seed) != first for seed in (2, 3, 4))


def test_the_answer_to_a_commit_is_lost_with_its_connection_as_often_as_told(proxy, server):
    proxy.lose_answers_to_commits(1)
    with connected(proxy, server) as (client, served):
        served.sendall(b"C\x00\x00\x00\x0bCOMMIT\x00")
        assert is_reset(client)
    with connected(proxy, server) as (client, served):
        served.sendall(b"COMMIT\x00")
        assert received(client, 7) == b"COMMIT\x00"
    assert proxy.cuts == 1


def test_when_a_client_was_last_answered_is_known(proxy, server):
    with connected(proxy, server) as (_, served):
        proxy.freeze()
        answered = proxy.answered_at
        served.sendall(b"later")
        time.sleep(SILENCE)
        assert proxy.answered_at == answered
        proxy.clear()
        until(lambda: proxy.answered_at > answered, PATIENCE, "the answer is noted")


def test_nothing_is_left_of_a_proxy(server):
    threads = threading.active_count()
    with FaultProxy(server.address) as proxy:
        client = client_of(proxy)
        served = server.take()
        proxy.freeze()
    assert is_reset(client)
    assert is_reset(served)
    client.close()
    served.close()
    assert threading.active_count() == threads
    with pytest.raises(ConnectionRefusedError):
        client_of(proxy)
