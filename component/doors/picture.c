#include "component/doors/picture.h"

#include "base/crypto.h"

#include <endian.h>

#define SIDE      64 /* pixels */
#define CELLS     5  /* a side, mirrored at the middle column */
#define CELL      12 /* pixels */
#define MARGIN    ((SIDE - CELLS * CELL) / 2)
#define LINE      (1 + SIDE / 8) /* bytes: no filter, then one bit a pixel */
#define PIXELS    (SIDE * LINE)
#define DATA_SIZE (2 + 5 + PIXELS + 4) /* zlib's header, one stored block, its sum */
#define CHUNK     12                   /* bytes around a chunk's content */
#define PNG_SIZE  (8 + CHUNK + 13 + CHUNK + 6 + CHUNK + DATA_SIZE + CHUNK)

/* PNG (RFC 2083 §15) and its sum of each chunk. */
static uint32_t crc32_of(const uint8_t *bytes, size_t size) {
        static const uint32_t table[16] = {
                0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
        };
        uint32_t sum = 0xffffffff;
        for (size_t i = 0; i < size; i++) {
                sum = table[(sum ^ bytes[i]) & 15] ^ (sum >> 4);
                sum = table[(sum ^ (uint32_t) (bytes[i] >> 4)) & 15] ^ (sum >> 4);
        }
        return ~sum;
}

/* RFC 1950 §9. */
static uint32_t adler32_of(const uint8_t *bytes, size_t size) {
        uint32_t a = 1, b = 0;
        for (size_t i = 0; i < size; i++) {
                a = (a + bytes[i]) % 65521;
                b = (b + a) % 65521;
        }
        return b << 16 | a;
}

static uint8_t *put(uint8_t *place, const void *bytes, size_t size) {
        memcpy(place, bytes, size);
        return place + size;
}

static uint8_t *put_number(uint8_t *place, uint32_t number) {
        number = htobe32(number);
        return put(place, &number, sizeof(number));
}

static uint8_t *put_chunk(uint8_t *place, const char *type, const uint8_t *content, size_t size) {
        uint8_t *summed = put_number(place, (uint32_t) size);
        uint8_t *end = put(put(summed, type, 4), content, size);
        return put_number(end, crc32_of(summed, size + 4));
}

/* A cell is dark or not by one bit; the right half mirrors the left one, as faces do. */
static void draw(const uint8_t digest[static 20], uint8_t pixels[static PIXELS]) {
        memset(pixels, 0, PIXELS);
        for (size_t y = MARGIN; y < SIDE - MARGIN; y++)
                for (size_t x = MARGIN; x < SIDE - MARGIN; x++) {
                        size_t column = (x - MARGIN) / CELL, row = (y - MARGIN) / CELL;
                        size_t mirrored = column < CELLS - column ? column : CELLS - 1 - column;
                        size_t bit = mirrored * CELLS + row;
                        if (digest[2 + bit / 8] >> bit % 8 & 1)
                                pixels[y * LINE + 1 + x / 8] |= (uint8_t) (0x80 >> x % 8);
                }
}

/* The hue of XEP-0392 §5.1 in full colour: `light` of 255 is white, of 0 as dark as it gets. */
static void colour(const uint8_t digest[static 20], uint32_t light, uint8_t ret_colour[static 3]) {
        uint32_t hue = ((uint32_t) digest[0] | (uint32_t) digest[1] << 8) * 6, sector = hue >> 16;
        uint32_t rising = (hue & 0xffff) >> 8, falling = 255 - rising;
        const uint32_t channels[6][3] = { { 255, rising, 0 },  { falling, 255, 0 }, { 0, 255, rising },
                                          { 0, falling, 255 }, { rising, 0, 255 },  { 255, 0, falling } };
        for (size_t i = 0; i < 3; i++) {
                uint32_t full = 40 + channels[sector][i] * 150 / 255;
                ret_colour[i] = (uint8_t) (full + (255 - full) * light / 255);
        }
}

/* zlib's way of saying: as it is. */
static void store(const uint8_t pixels[static PIXELS], uint8_t data[static DATA_SIZE]) {
        static const uint8_t header[] = {
                0x78, 0x01, 0x01, PIXELS & 255, PIXELS >> 8, 255 - (PIXELS & 255), 255 - (PIXELS >> 8)
        };
        put_number(put(put(data, header, sizeof(header)), pixels, PIXELS), adler32_of(pixels, PIXELS));
}

Picture picture_of(Arena *arena, Text address) {
        static const uint8_t start[] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
        static const uint8_t header[] = { 0, 0, 0, SIDE, 0, 0, 0, SIDE, 1, 3, 0, 0, 0 }; /* one bit, by palette */
        uint8_t digest[20], palette[6], pixels[PIXELS], data[DATA_SIZE];
        uint8_t *png = arena_take(arena, PNG_SIZE), *place = png;

        if (!png)
                return (Picture){ .media_type = "image/png", .width = SIDE, .height = SIDE };
        crypto_sha1(address, digest);
        colour(digest, 220, palette);
        colour(digest, 0, palette + 3);
        draw(digest, pixels);
        store(pixels, data);
        place = put(place, start, sizeof(start));
        place = put_chunk(place, "IHDR", header, sizeof(header));
        place = put_chunk(place, "PLTE", palette, sizeof(palette));
        place = put_chunk(place, "IDAT", data, sizeof(data));
        place = put_chunk(place, "IEND", start, 0);
        return (Picture){ { (const char *) png, (size_t) (place - png) }, "image/png", SIDE, SIDE };
}
