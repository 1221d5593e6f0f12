from itertools import islice

import numpy as np
import pytest

from telucodec.stream import Decoder, Encoder
from telucodec.stream.channel import losses
from telucodec.stream.jitter import MOST_HELD, MOST_STRAYS, NUMBERS, WATCHED, JitterBuffer


@pytest.fixture(scope="module")
def packets(codec, telugu):
    encoder = Encoder(codec)
    return encoder.push(telugu[:, 16_000:32_000])


def test_late_twice_and_swapped_packets_sound_as_if_nothing_had_been(codec, packets):
    buffer, decoder = JitterBuffer(Decoder(codec), depth=3), Decoder(codec)
    order = sorted(range(len(packets)), key=lambda number: number + np.random.randint(3))
    heard = []
    for number in order:
        buffer.put(number, packets[number])
        buffer.put(number, b"another")
        heard.append(buffer.next())
    heard += [buffer.next() for _ in range(3)]
    np.testing.assert_array_equal(np.concatenate(heard, axis=-1), np.concatenate([decoder.push(p) for p in packets], axis=-1))
    assert (buffer.played, buffer.concealed) == (len(packets), 0)


def test_what_comes_too_late_is_concealed_and_counted(codec, packets):
    buffer = JitterBuffer(Decoder(codec), depth=0)
    buffer.put(0, packets[0])
    buffer.next()
    buffer.next()
    buffer.put(1, packets[1])
    buffer.put(2, b"\x00")
    buffer.next()
    assert (buffer.played, buffer.concealed, buffer.refused) == (1, 2, 1)


def test_numbers_start_again_and_floods_are_not_held(codec, packets):
    buffer = JitterBuffer(Decoder(codec), depth=0)
    buffer._due = NUMBERS - 1
    for number in (NUMBERS - 1, 0, 1):
        buffer.put(number, packets[0])
        buffer.next()
    assert buffer.played == 3
    for number in range(NUMBERS):
        buffer.put(number, packets[0])
    assert len(buffer._held) <= MOST_HELD


@pytest.mark.parametrize("share, burst", [(0.05, 1.5), (0.2, 3.0)])
def test_a_line_loses_its_share_in_bursts(share, burst):
    lost = np.array(list(islice(losses(share, burst, seed=1), 200_000)))
    assert lost.mean() == pytest.approx(share, rel=0.05)
    assert lost.sum() / np.count_nonzero(lost[1:] & ~lost[:-1]) == pytest.approx(burst, rel=0.05)
    assert list(islice(losses(share, burst, seed=1), 50)) == list(lost[:50])


def test_a_line_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="bursts"):
        losses(0.9, 1.0, seed=0)


@pytest.mark.parametrize("leap", [-40, 1000, 40_000])
@pytest.mark.parametrize("depth", [0, 2])
def test_after_a_leap_of_numbers_it_begins_again(codec, packets, leap, depth):
    buffer = JitterBuffer(Decoder(codec), depth)
    for number in range(50):
        buffer.put(number, packets[number % len(packets)])
        buffer.next()
    played = buffer.played
    for number in range(50, 150):
        buffer.put((number + leap) % NUMBERS, packets[number % len(packets)])
        buffer.next()
    assert buffer.played - played > 100 - MOST_STRAYS - depth - 2
    assert len(buffer._held) <= depth + 1


def test_some_strays_do_not_begin_it_again(codec, packets):
    buffer = JitterBuffer(Decoder(codec), depth=1)
    for number in range(60):
        buffer.put(number, packets[number % len(packets)])
        buffer.put(number + 30_000, packets[0])
        buffer.next()
    assert buffer.played == 59


@pytest.mark.parametrize("depth", [0, 2])
@pytest.mark.parametrize("share", [0.0, 0.2])
def test_after_a_pause_of_the_listener_sound_is_soon_as_early_as_before(codec, packets, depth, share):
    buffer, lost = JitterBuffer(Decoder(codec), depth), losses(share, 1.5, seed=0)
    for number in range(400):
        if not next(lost):
            buffer.put(number, packets[number % len(packets)])
        if not 100 <= number < 225:
            buffer.next()
    assert 400 - buffer._due <= depth + (6 if share else 0)
    assert buffer.skipped == 125 - (400 - buffer._due - depth)
    assert buffer.played > (1 - share) * 275 * 0.95


@pytest.mark.parametrize("number", [3, 200, 255, 256, 30_000, NUMBERS - 1])
def test_a_call_that_is_joined_is_heard_at_once(codec, packets, number):
    buffer, decoder = JitterBuffer(Decoder(codec), depth=2), Decoder(codec)
    heard = []
    for place, packet in enumerate(packets):
        buffer.put((number + place) % NUMBERS, packet)
        heard.append(buffer.next())
    assert [wave.shape[-1] for wave in heard[:3]] == [0, 0, 640]
    np.testing.assert_array_equal(np.concatenate(heard, axis=-1), np.concatenate([decoder.push(p) for p in packets[:-2]], axis=-1))
    assert buffer.concealed == 0


@pytest.mark.parametrize("leap", [3, 100, 250])
def test_a_leap_within_what_is_held_is_not_waited_for(codec, packets, leap):
    buffer = JitterBuffer(Decoder(codec), depth=2)
    for number in range(300):
        buffer.put(number if number < 100 else number + leap, packets[number % len(packets)])
        buffer.next()
    assert 300 + leap - buffer._due == 2
    assert buffer.concealed <= 2 * WATCHED


def test_a_faster_sender_costs_a_packet_now_and_then(codec, packets):
    buffer = JitterBuffer(Decoder(codec), depth=2)
    for number in range(1000):
        buffer.put(number, packets[number % len(packets)])
        if number % 100:
            buffer.next()
    assert len(buffer._held) <= 4
    assert (buffer.concealed, buffer.skipped) == (0, 10)


@pytest.mark.parametrize("depth, latest", [(0, 0), (2, 2), (2, 5), (10, 10)])
def test_where_all_is_well_nothing_is_skipped(codec, packets, depth, latest):
    buffer, lost = JitterBuffer(Decoder(codec), depth), losses(0.1, 1.5, seed=0)
    arrivals = sorted((number + np.random.randint(latest + 1), number) for number in range(500) if not next(lost))
    for now in range(500):
        while arrivals and arrivals[0][0] == now:
            number = arrivals.pop(0)[1]
            buffer.put(number, packets[number % len(packets)])
        buffer.next()
    assert buffer.skipped == 0


class Silent(Decoder):
    """A decoder that takes no time, for long calls."""

    def push(self, packet):
        return np.zeros((1, 640), np.float32)

    def lose(self, following=None):
        return np.zeros((1, 640), np.float32)

    def recover(self, following):
        return None


def call(buffer, packet, arrivals, times):
    """Play at `times`; packet k of `arrivals` comes at the k-th of them. Returns how far behind the last packet the buffer is."""
    order = sorted((arrival, number) for number, arrival in enumerate(arrivals))
    place = 0
    for time in times:
        while place < len(order) and order[place][0] <= time:
            buffer.put(order[place][1] % NUMBERS, packet)
            place += 1
        buffer.next()
    return buffer.behind(len(arrivals))


@pytest.mark.parametrize("depth, latest", [(0, 0), (2, 0), (2, 1.0), (2, 1.5), (5, 4)])
@pytest.mark.parametrize("drift", [1e-4, 1e-3, 1e-2])
def test_a_slower_sender_costs_a_packet_now_and_then(codec, packets, depth, latest, drift):
    buffer = JitterBuffer(Silent(codec), depth)
    count = int(20 / drift) if drift > 1e-4 else 50_000
    arrivals = np.arange(count) + latest * np.random.default_rng(0).random(count)
    call(buffer, packets[0], arrivals, np.arange(0.5, count, 1 / (1 + drift)))
    assert buffer.concealed <= (3 if depth else MOST_STRAYS) * count * drift + 2
    assert buffer.skipped == 0


@pytest.mark.parametrize("depth", [0, 2, 10, 50])
@pytest.mark.parametrize("pause", [3, 10, 125])
def test_after_a_pause_of_the_sender_it_waits_for_no_more_than_its_depth(codec, packets, depth, pause):
    buffer = JitterBuffer(Silent(codec), depth)
    arrivals = [*range(200), *range(200 + pause, 800)]
    assert call(buffer, packets[0], arrivals, np.arange(0.5, 800)) == depth
    assert buffer.concealed <= pause + max(MOST_STRAYS, depth) + 1


def test_a_line_that_stands_still_and_then_gives_all_at_once_is_no_new_beginning(codec, packets):
    buffer = JitterBuffer(Silent(codec), depth=2)
    arrivals = [number if number not in range(300, 360) else 360 for number in range(600)]
    assert call(buffer, packets[0], arrivals, np.arange(0.5, 600)) == 2
    assert (buffer.concealed, buffer.skipped) == (58, 0)


def test_packets_far_ahead_now_and_then_skip_nothing(codec, packets):
    buffer = JitterBuffer(Silent(codec), depth=2)
    for number in range(1000):
        buffer.put(number, packets[0])
        if number % 10 == 0:
            buffer.put(number + 200, b"forged")
        buffer.next()
    assert buffer.behind(1000) == 2
    assert (buffer.skipped, buffer.concealed) == (0, 0)
