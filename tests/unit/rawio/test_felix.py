import numpy as np
import pytest

from protodune.core.errors import ProtoduneError
from protodune.rawio.felix import FRAME_BYTES, FelixData, decode_frames, encode_frames


@pytest.fixture
def data(rng):
    stamps = np.uint64(2**40) + 25 * np.arange(20, dtype=np.uint64)
    return FelixData(rng.integers(0, 4096, (20, 256)).astype(np.uint16), stamps, crate=17, slot=3, fiber=2, gaps=0)


def test_frames_round_trip(data):
    payload = encode_frames(data)
    assert len(payload) == 20 * FRAME_BYTES
    found = decode_frames(payload, "here")
    assert np.array_equal(found.adc, data.adc)
    assert np.array_equal(found.timestamp, data.timestamp)
    assert (found.crate, found.slot, found.fiber, found.gaps) == (17, 3, 2, 0)


def test_twelve_bits_by_hand():
    """Channels 0 and 1 of ADC 0: bytes 0, 2, 4 of the first segment (the pair's other ADC has the odd bytes)."""
    frame = bytearray(FRAME_BYTES)
    segment = 4 * (4 + 4)
    frame[segment + 0], frame[segment + 2], frame[segment + 4] = 0xCD, 0xFB, 0x0E
    frame[segment + 1] = 0x11
    frame[segment + 12] = 0x22  # the second segment holds channels 4 to 7
    adc = decode_frames(bytes(frame), "here").adc[0]
    assert adc[0] == 0xBCD  # low 8 bits, then the low half of the next byte
    assert adc[1] == 0x0EF  # the high half, then 8 bits
    assert adc[8] == 0x011  # ADC 1, channel 0
    assert adc[4] == 0x022  # ADC 0, channel 4
    assert np.count_nonzero(adc) == 4


def test_lost_frames_are_counted(data):
    data.timestamp[10:] += np.uint64(25)
    assert decode_frames(encode_frames(data), "here").gaps == 1


def test_what_is_no_felix_payload_is_refused(data):
    with pytest.raises(ProtoduneError, match=r"payload of 500 bytes, expected a multiple of 468 .* RCE .* upstream"):
        decode_frames(bytes(500), "here")
    other = FelixData(data.adc, data.timestamp, crate=17, slot=3, fiber=1, gaps=0)
    with pytest.raises(ProtoduneError, match="2 different fibres"):
        decode_frames(encode_frames(data) + encode_frames(other), "here")
