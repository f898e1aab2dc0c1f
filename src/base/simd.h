/*
 * One lane-generic vector of floats. The only file with intrinsics.
 *
 *   KILN_LANES   16 with AVX-512, 8 with AVX, else 4 (SSE2, NEON, WASM); or 1, 4, 8, 16 by -D
 *   vf, vm       a vector of floats; a vector of ints, also used as a mask (a lane is 0 or -1)
 *   vf_madd      a * b + c: two roundings in the strict mode, one with KILN_FUSED. Every build of
 *                one mode agrees bit for bit, so the fused form is spelled out here and compilers
 *                may not contract.
 *   vf16         sixteen floats, whatever KILN_LANES is: reductions over a row use it, so that a
 *                sum has the same sixteen partial sums and the same final tree on every build
 *
 * Compilers may split a vector that is wider than the machine's (16 lanes on AVX2): slower, same
 * bits.
 */
#ifndef KILN_BASE_SIMD_H
#define KILN_BASE_SIMD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__wasm_simd128__)
#include <wasm_simd128.h>
#elif defined(__SSE2__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#ifndef KILN_LANES
#if defined(__AVX512F__)
#define KILN_LANES 16
#elif defined(__AVX__)
#define KILN_LANES 8
#else
#define KILN_LANES 4
#endif
#endif

#ifndef KILN_FUSED
#define KILN_FUSED 0
#endif

/* Before a loop: over vectors that shall stay in registers, or one that shall stay a loop. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#define KEEP_ROLLED _Pragma("clang loop unroll(disable)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#define KEEP_ROLLED _Pragma("GCC unroll 1")
#endif

typedef float vf __attribute__((vector_size(4 * KILN_LANES)));
typedef int32_t vm __attribute__((vector_size(4 * KILN_LANES)));
typedef uint32_t vu __attribute__((vector_size(4 * KILN_LANES))); /* its sums wrap */

/* x86 spells an operation in three ways: VF_X86(max) is that for KILN_LANES, on VF_X86_FLOATS. */
#if defined(__AVX512F__) && KILN_LANES == 16
#define VF_X86(operation) _mm512_##operation##_ps
#define VF_X86_FLOATS __m512
#elif defined(__AVX__) && KILN_LANES == 8
#define VF_X86(operation) _mm256_##operation##_ps
#define VF_X86_FLOATS __m256
#elif defined(__SSE2__) && KILN_LANES == 4
#define VF_X86(operation) _mm_##operation##_ps
#define VF_X86_FLOATS __m128
#endif

static inline vf vf_load(const float *p)
{
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void vf_store(float *p, vf v)
{
    memcpy(p, &v, sizeof v);
}

static inline vf vf_set1(float x)
{
#if defined(__wasm_simd128__) && KILN_LANES == 4
    return (vf)wasm_f32x4_splat(x);
#else
    return x - (vf){0};
#endif
}

static inline vm vm_set1(int32_t x)
{
    return x - (vm){0};
}

/* Floats in the whole vectors that hold n. */
static inline int vf_whole(int n)
{
    return (n + KILN_LANES - 1) / KILN_LANES * KILN_LANES;
}

/* m ? a : b */
static inline vf vf_select(vm m, vf a, vf b)
{
#if defined(__wasm_relaxed_simd__) && KILN_LANES == 4
    return (vf)wasm_i32x4_relaxed_laneselect((v128_t)a, (v128_t)b, (v128_t)m);
#elif defined(__AVX512F__) && KILN_LANES == 16
    return (vf)_mm512_ternarylogic_epi32((__m512i)m, (__m512i)a, (__m512i)b, 0xca);
#elif defined(__AVX__) && KILN_LANES == 8
    return (vf)_mm256_blendv_ps((__m256)b, (__m256)a, (__m256)m);
#else
    return (vf)((m & (vm)a) | (~m & (vm)b));
#endif
}

/* a > b ? a : b, so b where either is NaN. */
static inline vf vf_max(vf a, vf b)
{
#if defined(__wasm_simd128__) && KILN_LANES == 4
    return (vf)wasm_f32x4_pmax((v128_t)b, (v128_t)a);
#elif defined(VF_X86)
    return (vf)VF_X86(max)((VF_X86_FLOATS)a, (VF_X86_FLOATS)b);
#else
    return vf_select(a > b, a, b);
#endif
}

/* a < b ? a : b, so b where either is NaN. */
static inline vf vf_min(vf a, vf b)
{
#if defined(__wasm_simd128__) && KILN_LANES == 4
    return (vf)wasm_f32x4_pmin((v128_t)b, (v128_t)a);
#elif defined(VF_X86)
    return (vf)VF_X86(min)((VF_X86_FLOATS)a, (VF_X86_FLOATS)b);
#else
    return vf_select(a < b, a, b);
#endif
}

/* Whether a lane of a is NaN. */
static inline int vf_any_nan(vf a)
{
#if defined(__wasm_simd128__) && KILN_LANES == 4
    return wasm_v128_any_true((v128_t)(a != a));
#elif defined(__AVX512F__) && KILN_LANES == 16
    return _mm512_cmp_ps_mask((__m512)a, (__m512)a, _CMP_UNORD_Q) != 0;
#elif defined(__AVX__) && KILN_LANES == 8
    return _mm256_movemask_ps(_mm256_cmp_ps((__m256)a, (__m256)a, _CMP_UNORD_Q)) != 0;
#elif defined(__SSE2__) && KILN_LANES == 4
    return _mm_movemask_ps(_mm_cmpunord_ps((__m128)a, (__m128)a)) != 0;
#else
    int any = 0;

    for (int i = 0; i < KILN_LANES; i++) any |= a[i] != a[i];
    return any;
#endif
}

static inline vf vf_abs(vf a)
{
    return (vf)((vm)a & vm_set1(0x7fffffff));
}

static inline vf vf_from_int(vm a)
{
    return __builtin_convertvector(a, vf);
}

/* Towards zero; |a| < 2^31. */
static inline vm vm_from_float(vf a)
{
#if defined(__wasm_simd128__) && KILN_LANES == 4
    return (vm)wasm_i32x4_trunc_sat_f32x4((v128_t)a);
#else
    return __builtin_convertvector(a, vm);
#endif
}

/* ---- a * b + c, and the square root ---------------------------------------------------------- */

#if !KILN_FUSED
static inline vf vf_madd(vf a, vf b, vf c)
{
    return a * b + c;
}
#elif defined(__wasm_relaxed_simd__) && KILN_LANES == 4
static inline vf vf_madd(vf a, vf b, vf c)
{
    return (vf)wasm_f32x4_relaxed_madd((v128_t)a, (v128_t)b, (v128_t)c);
}
#elif defined(VF_X86) && (defined(__FMA__) || KILN_LANES == 16)
static inline vf vf_madd(vf a, vf b, vf c)
{
    return (vf)VF_X86(fmadd)((VF_X86_FLOATS)a, (VF_X86_FLOATS)b, (VF_X86_FLOATS)c);
}
#elif defined(__ARM_NEON) && KILN_LANES == 4
static inline vf vf_madd(vf a, vf b, vf c)
{
    return (vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}
#else /* any width, by the scalar instruction (or libc's exact fmaf where there is none) */
static inline vf vf_madd(vf a, vf b, vf c)
{
    for (int i = 0; i < KILN_LANES; i++) c[i] = __builtin_fmaf(a[i], b[i], c[i]);
    return c;
}
#endif

static inline vf vf_sqrt(vf a)
{
#if defined(__wasm_simd128__) && KILN_LANES == 4
    return (vf)wasm_f32x4_sqrt((v128_t)a);
#elif defined(VF_X86)
    return (vf)VF_X86(sqrt)((VF_X86_FLOATS)a);
#else
    for (int i = 0; i < KILN_LANES; i++) a[i] = __builtin_sqrtf(a[i]);
    return a;
#endif
}

/* The same operation on one float, for scalar tails: the bits of a lane. */
static inline float sf_madd(float a, float b, float c)
{
#if !KILN_FUSED
    return a * b + c;
#elif defined(__wasm_relaxed_simd__)
    return wasm_f32x4_extract_lane(
        wasm_f32x4_relaxed_madd(wasm_f32x4_splat(a), wasm_f32x4_splat(b), wasm_f32x4_splat(c)), 0);
#else
    return __builtin_fmaf(a, b, c);
#endif
}

/* Loads and stores of the first n < KILN_LANES floats; other lanes are `fill`, or left alone. */
#if defined(__AVX512F__) && KILN_LANES == 16
static inline vf vf_load_part(const float *p, int n, float fill)
{
    return (vf)_mm512_mask_loadu_ps(_mm512_set1_ps(fill), (__mmask16)((1u << n) - 1), p);
}

static inline void vf_store_part(float *p, vf v, int n)
{
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
}
#elif defined(__AVX2__) && KILN_LANES == 8
static inline __m256i vm_first(int n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline vf vf_load_part(const float *p, int n, float fill)
{
    const __m256i first = vm_first(n);

    return vf_select((vm)first, (vf)_mm256_maskload_ps(p, first), vf_set1(fill));
}

static inline void vf_store_part(float *p, vf v, int n)
{
    _mm256_maskstore_ps(p, vm_first(n), (__m256)v);
}
#else
static inline vf vf_load_part(const float *p, int n, float fill)
{
    float lane[KILN_LANES];

    for (int i = 0; i < KILN_LANES; i++) lane[i] = i < n ? p[i] : fill;
    return vf_load(lane);
}

static inline void vf_store_part(float *p, vf v, int n)
{
    float lane[KILN_LANES];

    vf_store(lane, v);
    for (int i = 0; i < n; i++) p[i] = lane[i];
}
#endif

/* The first n floats, or all where n >= KILN_LANES; other lanes are 0, or left alone. */
static inline vf vf_load_first(const float *p, int n)
{
    return n < KILN_LANES ? vf_load_part(p, n, 0.0f) : vf_load(p);
}

static inline void vf_store_first(float *p, vf v, int n)
{
    if (n < KILN_LANES)
        vf_store_part(p, v, n);
    else
        vf_store(p, v);
}

/* ---- four by four ---------------------------------------------------------------------------- */

typedef float vf4 __attribute__((vector_size(16)));

/* out[j · out_step + i] = x[i · x_step + j] for i, j < 4. */
static inline void vf4_transpose(float *out, size_t out_step, const float *x, size_t x_step)
{
    vf4 r[4];

    for (int i = 0; i < 4; i++) memcpy(&r[i], x + i * x_step, sizeof r[i]);

    const vf4 low01 = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5);
    const vf4 high01 = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
    const vf4 low23 = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
    const vf4 high23 = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);

    r[0] = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
    r[1] = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
    r[2] = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
    r[3] = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
    for (int j = 0; j < 4; j++) memcpy(out + j * out_step, &r[j], sizeof r[j]);
}

/* ---- sixteen floats, whatever the width ------------------------------------------------------ */

#define KILN_VF16 (16 / KILN_LANES)

typedef struct {
    vf v[KILN_VF16];
} vf16;

static inline vf16 vf16_set1(float x)
{
    vf16 r;

    for (int i = 0; i < KILN_VF16; i++) r.v[i] = vf_set1(x);
    return r;
}

static inline vf16 vf16_load(const float *p)
{
    vf16 r;

    for (int i = 0; i < KILN_VF16; i++) r.v[i] = vf_load(p + i * KILN_LANES);
    return r;
}

static inline void vf16_store(float *p, vf16 a)
{
    for (int i = 0; i < KILN_VF16; i++) vf_store(p + i * KILN_LANES, a.v[i]);
}

/* ((l0 + l8) + (l4 + l12)) + ... : halves folded onto each other, eight, four, two, one. */
static inline float vf16_sum(vf16 a)
{
    float lane[16];

    vf16_store(lane, a);
    for (int half = 8; half; half /= 2)
        for (int i = 0; i < half; i++) lane[i] += lane[i + half];
    return lane[0];
}

#endif
