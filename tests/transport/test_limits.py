"""HTTP, files and metrics within limits, whatever the other side does."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infradb.errors import CollectionError, SourceMalformed, SourceRefused, SourceUnreachable
from infradb.transport.exposition import read_metrics
from infradb.transport.files import whole_text
from infradb.transport.http import HttpReader
from tests.collectors.bad_http import bad_server
from tests.peers import missing


@pytest.mark.parametrize("way", ["endless", "cut_in_half", "drip"])
def test_answers_that_break_off_use_up_none_of_the_connections(way: str) -> None:
    with bad_server(way) as url:
        reader = HttpReader(url, timeout_seconds=0.3, most_bytes=2**20, parallel=2)
        for _ in range(5):  # more often than there are connections: the third one would have waited for ever
            with pytest.raises(CollectionError):
                reader.text("/")
        reader.close()


class TestMetrics:
    def test_labels_are_read_with_their_escapes(self) -> None:
        text = 'up{a="x \\"y\\" \\\\ \\n z",b="{},=",} 1 1395066363000\nplain 2.5e3\nnan NaN\n# HELP up what\n'
        metrics = read_metrics(text, "here")
        assert metrics.of("up")[0].labels == {"a": 'x "y" \\ \n z', "b": "{},="}
        assert (metrics.value("plain"), metrics.value("nan"), metrics.value("none")) == (2500, None, None)
        assert metrics.unreadable == 0

    def test_lines_that_make_no_sense_are_counted(self) -> None:
        assert read_metrics('a 1\nb{c="d} 1\nb{c=d} 1\nb x\n{} 1\n', "here").unreadable == 4

    @pytest.mark.parametrize(
        ("text", "said"), [("", "is empty"), ("<html>", "is a web page"), ("hello there you", "holds no metrics")]
    )
    def test_what_holds_no_metrics_is_told(self, text: str, said: str) -> None:
        with pytest.raises(SourceMalformed, match=said):
            read_metrics(text, "here")

    @given(st.text())
    def test_any_text_is_read_or_refused(self, text: str) -> None:
        with contextlib.suppress(SourceMalformed):
            read_metrics(text, "here")


class TestFiles:
    def test_a_file_is_read_without_its_byte_order_mark(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"\xef\xbb\xbfhello")
        assert whole_text(tmp_path / "a") == "hello"

    def test_what_is_no_file_is_told_and_holds_nobody_up(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "large").write_bytes(b"x" * 101)
        (tmp_path / "other").write_bytes(b"\xff")
        expected = {
            "none": SourceUnreachable, "pipe": SourceMalformed, "large": SourceMalformed, "other": SourceMalformed,
            "large/below": SourceUnreachable, ".": SourceMalformed,
        }  # fmt: skip
        for name, kind in expected.items():
            with pytest.raises(kind) as raised:
                whole_text(tmp_path / name, most_bytes=100)
            assert raised.value.hint

    def test_a_missing_right_is_told_with_how_to_grant_it(self, tmp_path: Path) -> None:
        if os.geteuid() != 0:
            missing("nobody", "only root may become nobody")
        path = tmp_path / "secret"
        path.write_text("x")
        path.chmod(0o600)
        os.seteuid(65534)
        try:
            with pytest.raises((SourceRefused, SourceUnreachable)) as raised:
                whole_text(path)
        finally:
            os.seteuid(0)
        assert raised.value.hint
