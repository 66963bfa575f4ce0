/* The log of a histogram: its counts as variable-length numbers, runs of zeros as negative ones (encoding V2), deflated, in base64. */
#include "bench/lib/histogram.h"
#include "bench/lib/histogram_shape.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#define COOKIE            0x1c849313u
#define COOKIE_COMPRESSED 0x1c849314u
#define HEADER_BYTES      40u
#define COUNT_BYTES       9u /* the most that a count takes */

static uint8_t *put_big_endian(uint8_t *out, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        out[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
    return out + bytes;
}

/* Seven bits a byte, the lowest first; the ninth byte has all of its eight. */
static uint8_t *put_count(uint8_t *out, int64_t value)
{
    uint64_t rest = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    for (unsigned i = 0; i < COUNT_BYTES - 1 && rest > 0x7f; i++) {
        *out++ = (uint8_t)(rest | 0x80);
        rest >>= 7;
    }
    *out++ = (uint8_t)rest;
    return out;
}

static uint8_t *put_counts(uint8_t *out, const struct histogram *histogram)
{
    size_t end = HISTOGRAM_COUNTS;
    while (end > 0 && !histogram->counts[end - 1])
        end--;
    for (size_t i = 0; i < end;) {
        size_t zeros = 0;
        while (!histogram->counts[i + zeros])
            zeros++;
        if (zeros) {
            out = put_count(out, -(int64_t)zeros);
            i += zeros;
        } else {
            out = put_count(out, (int64_t)histogram->counts[i++]);
        }
    }
    return out;
}

/* @return how many bytes it wrote to `out`, which has room for HEADER_BYTES and as many counts as there can be */
static size_t encode(const struct histogram *histogram, uint8_t *out)
{
    static const double ratio = 1.0;
    uint64_t ratio_bits;
    memcpy(&ratio_bits, &ratio, sizeof ratio_bits);
    uint8_t *end = put_counts(out + HEADER_BYTES, histogram);
    uint8_t *at = put_big_endian(out, COOKIE, 4);
    at = put_big_endian(at, (uint64_t)(end - out) - HEADER_BYTES, 4);
    at = put_big_endian(at, 0, 4); /* normalizing index offset */
    at = put_big_endian(at, HISTOGRAM_DIGITS, 4);
    at = put_big_endian(at, 1, 8); /* the lowest value told apart from 0 */
    at = put_big_endian(at, (uint64_t)HISTOGRAM_MOST, 8);
    put_big_endian(at, ratio_bits, 8);
    return (size_t)(end - out);
}

static void write_base64(const uint8_t *bytes, size_t count, FILE *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < count; i += 3) {
        uint32_t three = 0;
        for (size_t k = 0; k < 3; k++)
            three = three << 8 | (i + k < count ? bytes[i + k] : 0);
        fputc(digits[three >> 18], out);
        fputc(digits[three >> 12 & 63], out);
        fputc(i + 1 < count ? digits[three >> 6 & 63] : '=', out);
        fputc(i + 2 < count ? digits[three & 63] : '=', out);
    }
}

static void write_text(const struct histogram *histogram, double seconds, const uint8_t *packed, size_t bytes, FILE *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    double start = (double)now.tv_sec + (double)now.tv_nsec * 1e-9 - seconds;
    fprintf(out,
            "#[Latencies in nanoseconds]\n"
            "#[Histogram log format version 1.3]\n"
            "#[StartTime: %.3f (seconds since epoch)]\n"
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n"
            "0.000,%.3f,%.3f,",
            start, seconds, (double)histogram->max * 1e-6);
    write_base64(packed, bytes, out);
    fputc('\n', out);
}

bool histogram_write_log(const struct histogram *histogram, double seconds, FILE *out)
{
    size_t most = HEADER_BYTES + HISTOGRAM_COUNTS * COUNT_BYTES;
    uLongf packed_bytes = compressBound(most);
    uint8_t *plain = malloc(most);
    uint8_t *packed = malloc(8 + packed_bytes);
    bool done = plain && packed;
    if (done) {
        size_t bytes = encode(histogram, plain);
        done = compress(packed + 8, &packed_bytes, plain, bytes) == Z_OK;
    }
    if (done) {
        put_big_endian(put_big_endian(packed, COOKIE_COMPRESSED, 4), packed_bytes, 4);
        write_text(histogram, seconds, packed, 8 + packed_bytes, out);
        done = !ferror(out);
    }
    free(plain);
    free(packed);
    return done;
}
