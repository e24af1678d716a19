"""Streams: constant memory, and no file before the end is authentic."""

import io
import os

import pytest
from sealed import DATA_KEY, KEYS, ROOT_KEY

from envelope_dynamo import Context, EnvelopeError, _writer, decrypt_file, open_stream
from envelope_dynamo._provider import WrappedKey
from envelope_dynamo.keys._local import local_id

CONTEXT = Context(
    "reports", pairs={"object": "a.csv"}, authenticated={"type": "text/csv", "absent": None}
)
PLAINTEXT = bytes(range(256)) * 10  # three chunks of 1 KiB, the last of them short


def sealed(plaintext=PLAINTEXT):
    place = CONTEXT._place
    wrapped = _writer.local_wrap(ROOT_KEY, bytes(24), place.encryption_context(), DATA_KEY)
    dek = _writer.encode_dek("raw", [WrappedKey(1, local_id(ROOT_KEY), wrapped)])
    return _writer.seal_stream(
        DATA_KEY, bytes(24), 10, dek, place.associated_data("stream", place.attributes), plaintext
    )


class Trickle(io.RawIOBase):
    """Returns fewer bytes than it is asked for, and remembers how many were asked for."""

    def __init__(self, data):
        self.data, self.most = data, 0

    def read(self, size=-1):
        self.most = max(self.most, size)
        part, self.data = self.data[: min(size, 7)], self.data[min(size, 7) :]
        return part


@pytest.mark.parametrize("length", [0, 1, 1023, 1024, 1025, 2048, 2560])
def test_a_stream_opens_chunk_by_chunk_from_any_file(length):
    stream = Trickle(sealed(PLAINTEXT[:length]))
    chunks = list(open_stream(stream, CONTEXT, KEYS))
    assert b"".join(chunks) == PLAINTEXT[:length]
    assert max(map(len, chunks)) <= 1024 and stream.most <= 1024 + 17


def cut_at_a_chunk(data):
    return data[: -(512 + 16)]


@pytest.mark.parametrize(
    "change",
    [
        cut_at_a_chunk,
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: data[:50],
        lambda data: b"",
    ],
)
def test_decrypt_file_leaves_no_file_of_a_stream_that_is_not_whole(tmp_path, change):
    source, target = tmp_path / "sealed", tmp_path / "opened"
    source.write_bytes(change(sealed()))
    with pytest.raises(EnvelopeError):
        decrypt_file(source, target, CONTEXT, KEYS)
    assert os.listdir(tmp_path) == ["sealed"]


def test_decrypt_file_replaces_a_file_and_keeps_it_from_others(tmp_path):
    source, target = tmp_path / "sealed", tmp_path / "opened"
    source.write_bytes(sealed())
    target.write_text("old")
    assert decrypt_file(source, target, CONTEXT, KEYS) == len(PLAINTEXT) == len(target.read_bytes())
    assert target.read_bytes() == PLAINTEXT and target.stat().st_mode & 0o077 == 0
    assert sorted(os.listdir(tmp_path)) == ["opened", "sealed"]


def test_a_stream_opens_in_its_place_alone():
    for context in [
        Context("reports", pairs={"object": "b.csv"}),
        Context("reports", pairs={"object": "a.csv"}),
        Context("others"),
    ]:
        with pytest.raises(EnvelopeError):
            list(open_stream(io.BytesIO(sealed()), context, KEYS))
