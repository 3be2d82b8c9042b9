"""`gzip` of the Module: answers are compressed."""

from dataclasses import field
from typing import Annotated, Final, Literal

from translator.checks import Count, PlainText
from translator.decode import Rule, rule
from translator.filters.compression import GzipOptions, Strategy
from translator.values import dataclass

LEVELS: Final = {
    "DEFAULT": None,
    "DEFAULT_COMPRESSION": None,
    "BEST": 9,
    "BEST_COMPRESSION": 9,
    "SPEED": 1,
    "BEST_SPEED": 1,
    **{f"COMPRESSION_LEVEL_{level}": level for level in range(1, 10)},
}
STRATEGIES: Final[dict[str, Strategy]] = {
    "DEFAULT": "default",
    "DEFAULT_STRATEGY": "default",
    "FILTERED": "filtered",
    "HUFFMAN": "huffman",
    "HUFFMAN_ONLY": "huffman",
    "RLE": "rle",
    "FIXED": "fixed",
}
_Level = Literal[
    "DEFAULT",
    "DEFAULT_COMPRESSION",
    "BEST",
    "BEST_COMPRESSION",
    "SPEED",
    "BEST_SPEED",
    "COMPRESSION_LEVEL_1",
    "COMPRESSION_LEVEL_2",
    "COMPRESSION_LEVEL_3",
    "COMPRESSION_LEVEL_4",
    "COMPRESSION_LEVEL_5",
    "COMPRESSION_LEVEL_6",
    "COMPRESSION_LEVEL_7",
    "COMPRESSION_LEVEL_8",
    "COMPRESSION_LEVEL_9",
]
_Strategy = Literal["DEFAULT", "DEFAULT_STRATEGY", "FILTERED", "HUFFMAN", "HUFFMAN_ONLY", "RLE", "FIXED"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gzip:
    """Answers are compressed for clients that say `accept-encoding: gzip`."""

    memory_level: Annotated[int, Rule(minimum=1, maximum=9)] | None = field(
        default=None, metadata=rule("Memory for each answer: more is quicker and smaller; 5 when absent.")
    )
    min_content_length: Count | None = field(
        default=None, metadata=rule("Answers of fewer bytes are left alone; 30 when absent.")
    )
    compression_level: _Level = field(default="DEFAULT", metadata=rule("From quick to small."))
    compression_strategy: _Strategy = field(default="DEFAULT", metadata=rule("What zlib looks for."))
    window_bits: Annotated[int, Rule(minimum=9, maximum=15)] | None = field(
        default=None, metadata=rule("How far back zlib looks, as a power of two; 12 when absent.")
    )
    content_type: tuple[PlainText, ...] = field(
        default=(), metadata=rule("Types of content that are compressed; those of texts on the web when absent.")
    )
    disable_on_etag_header: bool = field(default=False, metadata=rule("Answers with an etag are left alone."))
    remove_accept_encoding_header: bool = field(
        default=False, metadata=rule("Services do not see that the client reads gzip, so that they do not compress.")
    )

    @property
    def options(self) -> GzipOptions:
        """How answers are compressed."""
        return GzipOptions(
            level=LEVELS[self.compression_level],
            strategy=STRATEGIES[self.compression_strategy],
            memory_level=self.memory_level,
            window_bits=self.window_bits,
            min_content_length=self.min_content_length,
            content_types=self.content_type,
            keeps_what_has_an_etag=self.disable_on_etag_header,
            hides_accept_encoding=self.remove_accept_encoding_header,
        )
