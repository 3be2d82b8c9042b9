"""Answers are compressed for clients that can read it; requests never are.

Source: envoy/extensions/filters/http/compressor/v3/compressor.proto,
envoy/extensions/compression/gzip/compressor/v3/gzip.proto.
"""

from typing import Final, Literal

from envoyapi.compression_gzip_compressor_v3 import Gzip, GzipCompressionLevel, GzipCompressionStrategy
from envoyapi.config_core_v3 import TypedExtensionConfig
from envoyapi.http_compressor_v3 import (
    Compressor,
    CompressorCommonDirectionConfig,
    CompressorPerRoute,
    CompressorResponseDirectionConfig,
)
from envoyapi.wire import any_of
from translator.filters.part import AS_CONFIGURED, Discovered, HttpFilter, NameOf
from translator.values import dataclass

NAME: Final = "envoy.filters.http.compressor"
Strategy = Literal["default", "filtered", "huffman", "rle", "fixed"]

_STRATEGIES: Final = {
    "default": GzipCompressionStrategy.DEFAULT_STRATEGY,
    "filtered": GzipCompressionStrategy.FILTERED,
    "huffman": GzipCompressionStrategy.HUFFMAN_ONLY,
    "rle": GzipCompressionStrategy.RLE,
    "fixed": GzipCompressionStrategy.FIXED,
}


@dataclass(frozen=True, slots=True)
class Compress:
    """Answers are compressed, as GzipOptions say."""


@dataclass(frozen=True, slots=True)
class DoNotCompress:
    """Answers are not compressed, whatever holds for others."""


@dataclass(frozen=True, slots=True)
class GzipOptions:
    """How; None leaves Envoy's default. `level` is 1 to 9. `content_types` () are Envoy's own, texts of the web."""

    level: int | None = None
    strategy: Strategy = "default"
    memory_level: int | None = None
    window_bits: int | None = None
    min_content_length: int | None = None
    content_types: tuple[str, ...] = ()
    keeps_what_has_an_etag: bool = False
    hides_accept_encoding: bool = False


def _encode(gzip: GzipOptions, _: NameOf) -> Compressor:
    library = Gzip(
        memory_level=gzip.memory_level,
        window_bits=gzip.window_bits,
        compression_level=GzipCompressionLevel(gzip.level) if gzip.level else None,
        compression_strategy=_STRATEGIES[gzip.strategy],
    )
    return Compressor(
        compressor_library=TypedExtensionConfig(name="gzip", typed_config=any_of(library)),
        response_direction_config=CompressorResponseDirectionConfig(
            common_config=CompressorCommonDirectionConfig(
                min_content_length=gzip.min_content_length, content_type=gzip.content_types
            ),
            disable_on_etag_header=gzip.keeps_what_has_an_etag,
            remove_accept_encoding_header=gzip.hides_accept_encoding,
        ),
    )


_OFF: Final = CompressorPerRoute(disabled=True)

FILTER: Final = HttpFilter(
    name=NAME,
    idle=_encode(GzipOptions(), lambda _: ""),
    switches={Compress: lambda _: AS_CONFIGURED, DoNotCompress: lambda _: _OFF},
    discovered=Discovered(GzipOptions, _encode),
    off=_OFF,
)
