/*
 * Philox4x32-10: ten rounds of two 32x32 -> 64 bit products, exclusive-ors and a Weyl sequence on
 * the key.
 *
 *   counter (c0 c1 c2 c3) = (position low, position high, stream low, stream high)
 *   key     (k0 k1)       = (seed, purpose)
 *
 *   round:  c0' = hi(M1 c2) ^ c1 ^ k0    c1' = lo(M1 c2)
 *           c2' = hi(M0 c0) ^ c3 ^ k1    c3' = lo(M0 c0)    then k0 += W0, k1 += W1
 *
 * Source: Salmon et al., SC 2011, section 3.3; the constants are those of the paper.
 */
#include "base/rng.h"

#include "base/scalar.h"

#define ROUNDS 10
#define M0 0xD2511F53u
#define M1 0xCD9E8D57u
#define W0 0x9E3779B9u
#define W1 0xBB67AE85u

void kiln_rng_words(uint32_t out[4], kiln_rng rng, uint64_t position)
{
    uint32_t c0 = (uint32_t)position, c1 = (uint32_t)(position >> 32);
    uint32_t c2 = (uint32_t)rng.stream, c3 = (uint32_t)(rng.stream >> 32);
    uint32_t k0 = rng.seed, k1 = rng.purpose;

    for (int round = 0; round < ROUNDS; round++) {
        const uint64_t p0 = (uint64_t)M0 * c0, p1 = (uint64_t)M1 * c2;

        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += W0;
        k1 += W1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

static uint32_t word_at(kiln_rng rng, uint64_t position)
{
    uint32_t words[4];

    kiln_rng_words(words, rng, position / 4);
    return words[position % 4];
}

static float to_uniform(uint32_t word)
{
    return (float)(word >> 8) * 0x1p-24f;
}

float kiln_rng_uniform(kiln_rng rng, uint64_t position)
{
    return to_uniform(word_at(rng, position));
}

uint32_t kiln_rng_below(kiln_rng rng, uint64_t position, uint32_t n)
{
    return (uint32_t)((uint64_t)word_at(rng, position) * n >> 32);
}

void kiln_rng_fill_uniform(float *out, int n, kiln_rng rng, uint64_t first)
{
    uint32_t words[4];

    for (int i = 0; i < n; i++) {
        if (i % 4 == 0) kiln_rng_words(words, rng, (first + (uint64_t)i) / 4);
        out[i] = to_uniform(words[i % 4]);
    }
}

/* Two normals from two words: r = sqrt(-2 log u), u in (0, 1); angle 2 pi v, v in [0, 1). */
static void box_muller(float pair[2], uint32_t a, uint32_t b)
{
    const double u = ((double)a + 0.5) * 0x1p-32, v = (double)b * 0x1p-32;
    const double r = __builtin_sqrt(-2.0 * kiln_log(u));
    double sine, cosine;

    kiln_sin_cos_turns(&sine, &cosine, v);
    pair[0] = (float)(r * cosine);
    pair[1] = (float)(r * sine);
}

void kiln_rng_fill_normal(float *out, int n, kiln_rng rng, uint64_t first)
{
    for (int i = 0; i < n; i += 4) {
        uint32_t words[4];
        float four[4];

        kiln_rng_words(words, rng, (first + (uint64_t)i) / 4);
        box_muller(four, words[0], words[1]);
        box_muller(four + 2, words[2], words[3]);
        for (int j = 0; j < 4 && i + j < n; j++) out[i + j] = four[j];
    }
}

void kiln_rng_permutation(int *out, int n, kiln_rng rng)
{
    for (int i = 0; i < n; i++) out[i] = i;
    for (int i = n - 1; i > 0; i--) {
        const uint32_t j = kiln_rng_below(rng, (uint64_t)i, (uint32_t)i + 1);
        const int swap = out[i];

        out[i] = out[j];
        out[j] = swap;
    }
}
