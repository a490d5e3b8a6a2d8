// Package splice compresses bytes once and adds a few more to the end of them
// without compressing again.
//
// A prefix is a compressed stream that ends on a byte boundary and is not yet
// closed. All three formats can hold bytes as they are between or after
// compressed ones, so Append adds a tail as a stored block and closes the
// stream: a copy of memory instead of a compression. The result is one
// ordinary stream of the content coding.
package splice

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// The content codings (RFC 9110 § 8.4.1) that Compress makes and Append knows.
const (
	Brotli   = "br"
	Gzip     = "gzip"
	Zstd     = "zstd"
	Identity = "identity" // the source itself is its prefix
)

// maxBlock is the most bytes of a tail that go into one stored block. It is
// the largest length that all of these can say: 16 bits of stored deflate
// (RFC 1951 § 3.2.4), four nibbles of MLEN-1 in brotli (RFC 7932 § 9.2), and a
// zstd block within its window (RFC 8878 § 3.1.1.2.3).
const maxBlock = 1<<16 - 1

// gzipTrailer is the length of what ends a gzip stream: CRC-32 and length of
// the uncompressed bytes (RFC 1952 § 2.3.1).
const gzipTrailer = 8

// MaxOverhead is the most bytes that Append adds to prefix and tail, for tails
// of up to 65,535 bytes: room of len(prefix)+len(tail)+MaxOverhead is enough.
const MaxOverhead = 5 + gzipTrailer

// Append appends prefix and tail to dst, as one complete stream of the given
// coding, and returns the extended slice. It allocates nothing where dst has
// room. The prefix must be one that Compress made for that coding and is not
// changed; it may be used by many at once. Append panics for a coding that is
// not one of this package's: codings come from the program, never from a
// request as it stands.
func Append(dst []byte, coding string, prefix, tail []byte) []byte {
	return AppendEnd(append(dst, Beginning(coding, prefix)...), coding, prefix, tail)
}

// Beginning is what every stream that Append makes of a prefix begins with: a part of
// prefix itself, so that many streams can share it.
func Beginning(coding string, prefix []byte) []byte {
	if coding == Gzip {
		return prefix[: len(prefix)-gzipTrailer : len(prefix)-gzipTrailer]
	}
	return prefix
}

// AppendEnd appends to dst what Append writes behind the Beginning.
func AppendEnd(dst []byte, coding string, prefix, tail []byte) []byte {
	switch coding {
	case Identity:
		return append(dst, tail...)
	case Brotli:
		return appendBrotli(dst, tail)
	case Zstd:
		return appendZstd(dst, tail)
	case Gzip:
		return appendGzip(dst, prefix[len(prefix)-gzipTrailer:], tail)
	}
	panic(fmt.Sprintf("splice: %q is not a coding of this package", coding))
}

// appendBrotli closes a brotli stream: uncompressed meta-blocks, then an empty
// last one.
func appendBrotli(dst, tail []byte) []byte {
	for len(tail) > 0 {
		var block []byte
		block, tail = cut(tail)
		// From the lowest bit: ISLAST 0, MNIBBLES 00 (four), MLEN-1 in 16 bits,
		// ISUNCOMPRESSED 1, then zeros up to the byte boundary.
		header := uint32(len(block)-1)<<3 | 1<<19
		dst = append(dst, byte(header), byte(header>>8), byte(header>>16))
		dst = append(dst, block...)
	}
	return append(dst, 0x03) // ISLAST 1, ISLASTEMPTY 1
}

// appendZstd closes a zstd frame with raw blocks; the last one has the last-block bit.
func appendZstd(dst, tail []byte) []byte {
	for {
		var block []byte
		block, tail = cut(tail)
		header := uint32(len(block)) << 3 // Block_Type 0: raw
		if len(tail) == 0 {
			header |= 1
		}
		dst = append(dst, byte(header), byte(header>>8), byte(header>>16))
		dst = append(dst, block...)
		if len(tail) == 0 {
			return dst
		}
	}
}

// appendGzip closes a gzip stream with stored blocks. The trailer is the one the prefix
// would have alone; the new one goes on from there.
func appendGzip(dst, trailer, tail []byte) []byte {
	sum := crc32.Update(binary.LittleEndian.Uint32(trailer), crc32.IEEETable, tail)
	size := binary.LittleEndian.Uint32(trailer[4:]) + uint32(len(tail)) // modulo 2^32, as the format has it
	for {
		var block []byte
		block, tail = cut(tail)
		final := byte(0)
		if len(tail) == 0 {
			final = 1
		}
		dst = append(dst, final) // BFINAL, BTYPE 00, zeros up to the byte boundary
		dst = binary.LittleEndian.AppendUint16(dst, uint16(len(block)))
		dst = binary.LittleEndian.AppendUint16(dst, ^uint16(len(block)))
		dst = append(dst, block...)
		if final == 1 {
			break
		}
	}
	dst = binary.LittleEndian.AppendUint32(dst, sum)
	return binary.LittleEndian.AppendUint32(dst, size)
}

// cut takes the next stored block off a tail.
func cut(tail []byte) (block, rest []byte) {
	n := min(len(tail), maxBlock)
	return tail[:n], tail[n:]
}
