package splice

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// ErrDamaged is returned by Verify for a prefix that does not decode to its source.
var ErrDamaged = errors.New("compressed bytes do not decode to their source")

// Encoded holds the prefixes of one source by content coding. Prefixes are
// plain bytes that can be stored and read back.
//
// Of gzip the prefix ends with eight bytes that are not part of the open
// stream: CRC-32 and length of the source, little-endian, from which Append
// computes those of the whole.
type Encoded map[string][]byte

// Codings lists what Compress makes, best first.
func Codings() []string { return []string{Brotli, Zstd, Gzip} }

// Compress makes the prefix of source in every coding, as small as the
// encoders can, and checks that each decodes to source. It takes some tens of
// milliseconds for a script: it is for publication, not for a request.
func Compress(source []byte) (Encoded, error) {
	encoded := make(Encoded, 3)
	for coding, compress := range map[string]func([]byte) ([]byte, error){
		Brotli: compressBrotli,
		Zstd:   compressZstd,
		Gzip:   compressGzip,
	} {
		prefix, err := compress(source)
		if err == nil {
			err = Verify(coding, prefix, source)
		}
		if err != nil {
			return nil, fmt.Errorf("compress %d bytes as %s: %w", len(source), coding, err)
		}
		encoded[coding] = prefix
	}
	return encoded, nil
}

// A window must hold the source, or matches are lost; a larger one only costs
// the browser memory. 256 KiB holds every script of ours. The upper limits are
// those browsers accept: RFC 7932 ends at 24 bits, of which encoders use 22 by
// default; RFC 9659 at 8 MiB.
const (
	minWindowBits       = 18
	maxBrotliWindowBits = 22
	maxZstdWindowBits   = 23
)

func windowBits(n, most int) int {
	bits := minWindowBits
	for bits < most && n > 1<<bits {
		bits++
	}
	return bits
}

// compressBrotli leaves the stream after a flush: an empty metadata block
// brings it to a byte boundary.
func compressBrotli(source []byte) ([]byte, error) {
	var out bytes.Buffer
	w := brotli.NewWriterOptions(&out, brotli.WriterOptions{
		Quality: brotli.BestCompression,
		LGWin:   windowBits(len(source), maxBrotliWindowBits),
	})
	if _, err := w.Write(source); err != nil {
		return nil, err
	}
	if err := w.Flush(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// compressZstd leaves the frame after its last full block. The frame header
// must not promise a content size or a checksum, since both would be of the
// source alone.
func compressZstd(source []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out,
		zstd.WithEncoderLevel(zstd.SpeedBestCompression),
		zstd.WithWindowSize(1<<windowBits(len(source), maxZstdWindowBits)),
		zstd.WithEncoderCRC(false),
		zstd.WithSingleSegment(false),
		zstd.WithEncoderConcurrency(1),
	)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(source); err != nil {
		return nil, err
	}
	if err := w.Flush(); err != nil {
		return nil, err
	}
	prefix := bytes.Clone(out.Bytes())
	if err := w.Close(); err != nil { // releases the encoder; what it writes is not wanted
		return nil, err
	}
	if len(prefix) == 0 { // nothing to compress, so not even a header was written
		prefix = emptyZstd
	}
	return prefix, nil
}

// emptyZstd is a frame header without content size, checksum or dictionary,
// and a window of 256 KiB (RFC 8878 § 3.1.1.1: exponent 8, mantissa 0).
var emptyZstd = []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 8 << 3}

// gzipHeader: deflate, no name, no time, so that equal sources give equal
// bytes; most compression; operating system unknown.
var gzipHeader = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff}

// compressGzip leaves the deflate stream after a sync flush, which ends with
// an empty stored block, and puts the source's trailer behind it.
func compressGzip(source []byte) ([]byte, error) {
	var out bytes.Buffer
	out.Write(gzipHeader)
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(source); err != nil {
		return nil, err
	}
	if err := w.Flush(); err != nil {
		return nil, err
	}
	prefix := binary.LittleEndian.AppendUint32(out.Bytes(), crc32.ChecksumIEEE(source))
	return binary.LittleEndian.AppendUint32(prefix, uint32(len(source))), nil
}

// Verify decodes a prefix and compares it with its source, so that bytes that
// were damaged in storage are found before they are served. It fails with
// ErrDamaged, or for a coding that is not one of this package's.
func Verify(coding string, prefix, source []byte) error {
	if coding == Gzip && len(prefix) < len(gzipHeader)+gzipTrailer {
		return ErrDamaged
	}
	var decode func(io.Reader) (io.Reader, error)
	switch coding {
	case Identity:
		decode = func(r io.Reader) (io.Reader, error) { return r, nil }
	case Brotli:
		decode = func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil }
	case Gzip:
		decode = func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }
	case Zstd:
		decode = func(r io.Reader) (io.Reader, error) {
			d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(1<<maxZstdWindowBits))
			if err != nil {
				return nil, err
			}
			return d.IOReadCloser(), nil
		}
	default:
		return fmt.Errorf("%q is not a coding of this package", coding)
	}
	r, err := decode(bytes.NewReader(Append(nil, coding, prefix, nil)))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if c, ok := r.(io.Closer); ok {
		defer c.Close()
	}
	got, err := io.ReadAll(io.LimitReader(r, int64(len(source))+1))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if !bytes.Equal(got, source) {
		return ErrDamaged
	}
	return nil
}
