// AVX-512: one register holds all sixteen.
#pragma once
#include <immintrin.h>

#include "vec_wide.h"

inline v16f load_half(const _Float16* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline void store_half(_Float16* p, v16f v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(v, 0));
}

// Rounded to nearest even; a NaN stays one.
inline void store_bf16(uint16_t* p, v16f wide) {
#ifdef __AVX512BF16__
  const __m256bh half = _mm512_cvtneps_pbh(wide);
#else
  v16u bits = (v16u)wide;
  bits = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  const v16h half = __builtin_convertvector(bits, v16h);
#endif
  std::memcpy(p, &half, sizeof half);
}

// Explicit, so that every row is rounded alike whatever the compiler does around it.
inline v16f fma(v16f a, v16f b, v16f c) { return _mm512_fmadd_ps(a, b, c); }
inline v16f larger(v16f a, v16f b) { return _mm512_max_ps(a, b); }
inline v16f nearest(v16f a) { return _mm512_roundscale_ps(a, 8); }
// 1 / x to 14 bits, more than bf16 holds.
inline v16f reciprocal(v16f x) { return _mm512_rcp14_ps(x); }
inline float sum(v16f v) { return _mm512_reduce_add_ps(v); }
inline int32_t sum(v16i v) { return _mm512_reduce_add_epi32((__m512i)v); }
inline float largest(v16f v) { return _mm512_reduce_max_ps(v); }
inline void bytes_of(v16i v, int8_t* p) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8((__m512i)v));
}
inline v16i join(__m256i low, __m256i high) {
  return (v16i)_mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}
