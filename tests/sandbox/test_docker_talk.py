"""What passes between two programs in two containers: the relay at each end, and its owner."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Final, NamedTuple

import pytest

from sandbox.backends.docker.records import (
    CLOSED,
    DATA,
    END,
    MOST_LEFT,
    STOP,
    TAKEN,
    WINDOW,
    Record,
    Records,
    record_bytes,
)
from sandbox.backends.docker.relay import Relay
from sandbox.backends.docker.streams import Channel
from sandbox.backends.docker.voices import Voice, introduce
from tests.live import wait_until


def data_of(data: bytes) -> Record:
    return Record(DATA, len(data), data)


def test_records_come_as_they_went_in_any_pieces() -> None:
    sent = [data_of(b"abc"), Record(TAKEN, 3), data_of(b"x" * WINDOW), Record(END), Record(STOP)]
    stream = b"".join(map(record_bytes, sent))
    records = Records()
    got = [
        record for at in range(0, len(stream), 7) for record in records.take(stream[at : at + 7])
    ]
    assert got == sent


@pytest.mark.parametrize("stream", [b"?\0\0\0\0", b"d\xff\xff\xff\xff", b"d\0\1\0\1"])
def test_what_is_no_record_is_refused(stream: bytes) -> None:
    with pytest.raises(ValueError, match="begins no record"):
        list(Records().take(stream))


class Ends(NamedTuple):
    """A relay at work, and the other ends of all that it has."""

    thread: threading.Thread
    relay: Relay
    stdin: int
    """What the program reads, and where it writes."""
    stdout: int
    owner_in: int
    owner_out: int
    """What the owner writes, and where it reads."""
    ring: int
    records: Records
    """What came of a record whose rest is still to come stays in here."""

    def say(self, *records: Record) -> None:
        for record in records:
            os.write(self.owner_in, record_bytes(record))

    def heard(self, count: int) -> list[Record]:
        """So many records from the relay."""
        got: list[Record] = []
        while len(got) < count:
            got += self.records.take(os.read(self.owner_out, 2 * WINDOW))
        return got


@pytest.fixture
def ends() -> Iterator[Ends]:
    stdin, feed = os.pipe()
    listen, stdout = os.pipe()
    inbox, owner_in = os.pipe()
    owner_out, outbox = os.pipe()
    alarm, ring = os.pipe()
    relay = Relay(feed=feed, listen=listen, inbox=inbox, outbox=outbox)
    thread = threading.Thread(target=relay.carry, args=(alarm,))
    thread.start()
    yield Ends(thread, relay, stdin, stdout, owner_in, owner_out, ring, Records())
    os.write(ring, b"!")
    thread.join()
    for descriptor in (stdin, stdout, inbox, owner_in, owner_out, outbox, alarm, ring):
        try:
            os.close(descriptor)
        except OSError:
            # The test has done so.
            continue


def test_a_relay_carries_both_ways(ends: Ends) -> None:
    ends.say(data_of(b"question"))
    assert os.read(ends.stdin, 99) == b"question"
    os.write(ends.stdout, b"answer")
    assert ends.heard(2) == [Record(TAKEN, 8), data_of(b"answer")]


def test_a_relay_sends_no_more_than_the_other_one_has_room_for(ends: Ends) -> None:
    os.set_blocking(ends.stdout, False)
    sent = 0
    until_full = time.monotonic() + 60
    # The program's pipe stays full: nothing more is taken out of it.
    while sent <= WINDOW and time.monotonic() < until_full:
        try:
            sent += os.write(ends.stdout, bytes(4_096))
        except BlockingIOError:
            time.sleep(0.001)
    got = 0
    while got < WINDOW:
        got += sum(record.size for record in ends.heard(1))
    assert got == WINDOW
    ends.say(Record(TAKEN, 10))
    assert ends.heard(1) == [data_of(bytes(10))]


def test_a_relay_passes_on_that_there_is_no_more(ends: Ends) -> None:
    ends.say(data_of(b"last words"), Record(END))
    assert os.read(ends.stdin, 99) + os.read(ends.stdin, 99) == b"last words"
    os.close(ends.stdout)
    assert ends.heard(2) == [Record(TAKEN, 10), Record(END)]


def test_a_relay_passes_on_that_nobody_reads(ends: Ends) -> None:
    os.close(ends.stdin)
    assert ends.heard(1) == [Record(CLOSED)]
    ends.say(data_of(b"nobody hears"), Record(CLOSED))
    wait_until(lambda: is_broken(ends.stdout))


def is_broken(writing: int) -> bool:
    try:
        os.write(writing, b"x")
    except BrokenPipeError:
        return True
    return False


def test_a_relay_hears_its_owner_while_its_program_does_not_read(ends: Ends) -> None:
    ends.say(*[data_of(bytes(WINDOW))] * 3)
    ends.say(Record(STOP))
    ends.thread.join(60)
    assert not ends.thread.is_alive()


def test_a_relay_brings_what_a_dead_program_has_left(ends: Ends) -> None:
    os.write(ends.ring, b"!")
    ends.thread.join()
    os.write(ends.stdout, b"left")
    os.close(ends.stdout)
    ends.relay.finish()
    assert ends.heard(2) == [data_of(b"left"), Record(END)]


@pytest.fixture
def voices() -> Iterator[tuple[Voice, Voice, socket.socket]]:
    """Two that talk, and where the second one's launcher would read."""
    pairs = [socket.socketpair() for _ in range(2)]
    channels = [Channel(here) for here, _ in pairs]
    first, second = map(Voice, channels)
    introduce(first, second)
    yield first, second, pairs[1][1]
    for channel, (_, there) in zip(channels, pairs, strict=True):
        channel.close()
        there.close()


def test_what_one_says_is_sent_to_the_other(voices: tuple[Voice, Voice, socket.socket]) -> None:
    first, second, launcher = voices
    said = record_bytes(data_of(b"hello")) + record_bytes(Record(END))
    assert first.hear(said[:3])
    assert not second.has_to_send
    assert first.hear(said[3:])
    second.flush()
    assert launcher.recv(999) == said
    assert not second.has_to_send


def test_one_that_is_over_is_told_of_once(voices: tuple[Voice, Voice, socket.socket]) -> None:
    first, second, launcher = voices
    first.fall_silent()
    first.fall_silent()
    second.flush()
    assert launcher.recv(999) == record_bytes(Record(END)) + record_bytes(Record(CLOSED))
    # And what is said to it is lost.
    assert second.hear(record_bytes(data_of(b"too late")))
    assert not first.has_to_send


MUCH: Final = b"".join([record_bytes(data_of(bytes(WINDOW)))] * (1 + MOST_LEFT // WINDOW))


@pytest.mark.parametrize(
    "said",
    [
        b"no record",
        record_bytes(Record(STOP)),
        record_bytes(Record(TAKEN, 1)),
        record_bytes(Record(TAKEN)),
        record_bytes(Record(DATA)),
        record_bytes(Record(END)) * 2,
        MUCH + record_bytes(data_of(b"x")),
    ],
)
def test_what_no_launcher_says_is_refused(
    voices: tuple[Voice, Voice, socket.socket], said: bytes
) -> None:
    """A program that speaks in its launcher's name neither stops its partner nor fills us up."""
    first, *_ = voices
    assert not first.hear(said)


def test_what_has_been_taken_in_may_be_followed_by_as_much(
    voices: tuple[Voice, Voice, socket.socket],
) -> None:
    first, second, _ = voices
    for _ in range(3):
        assert first.hear(MUCH)
        assert second.hear(record_bytes(Record(TAKEN, WINDOW + MOST_LEFT)))
